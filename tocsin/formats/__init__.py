"""Log formats as data, shared by collector and processor."""
