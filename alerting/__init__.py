"""Panes in, messages out: rules, incidents, and their delivery."""
