"""The command line."""

from __future__ import annotations

import click

from tocsin import __version__


@click.group()
@click.version_option(__version__)
def main() -> None:
    """Real-time log ingestion and alerting."""
