"""`tocsin process`: one component as a process."""

from __future__ import annotations

import click

from tocsin.app.component import run_component
from tocsin.app.process import COMPONENT
from tocsin.cli import options


@click.command(
    "process", short_help="Turn lines on the bus into counts per service and second."
)
@options.component_options
@options.http
@options.supervised
@click.pass_context
def command(context: click.Context, *, supervised: bool) -> int:
    """Turn lines on the bus into counts per service and second.

    Several may run at once: on Kafka they share the partitions of raw-logs.
    """
    loaded = options.given(context).load(quiet=supervised)
    return run_component(COMPONENT, loaded.config, supervised=supervised)
