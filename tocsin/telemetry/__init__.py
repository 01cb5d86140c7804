"""Logs, metrics and health of a component."""
