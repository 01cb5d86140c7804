"""`tocsin init`: what is in log files, and a configuration for them."""
