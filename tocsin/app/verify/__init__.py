"""Proves from keys and files that every byte was shipped exactly once."""
