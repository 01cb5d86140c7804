"""Files in, lines out: ships every line of every file to raw-logs exactly once."""
