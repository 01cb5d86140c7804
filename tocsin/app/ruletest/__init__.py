"""Unit tests of rules: log lines and a clock in, incidents out."""
