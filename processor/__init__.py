"""Lines in, panes out: levels, times, templates and windowed statistics."""
