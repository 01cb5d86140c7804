"""Configuration: one model, read from options, environment and a YAML file."""
