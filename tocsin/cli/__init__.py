"""The command line."""

from tocsin.cli.root import main

__all__ = ["main"]
