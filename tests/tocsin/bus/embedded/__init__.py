"""The embedded bus, in what is its own."""
