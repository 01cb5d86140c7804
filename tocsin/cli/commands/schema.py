"""`tocsin schema`: what other programs find in a topic."""

from __future__ import annotations

import json

import click

from tocsin.records.public import RECORDS, schema


@click.command("schema", short_help="Print the JSON Schema of a topic's records.")
@click.argument("topic", metavar="TOPIC", type=click.Choice(sorted(RECORDS)))
def command(topic: str) -> None:
    """Print the JSON Schema of a topic's records.

    TOPIC is alerts, dead-letters or log-metrics-1m. Schemas only grow: a
    field is never renamed and never removed.
    """
    click.echo(json.dumps(schema(topic), indent=2))
