"""Whole messages as they are sent: one readable file each."""
