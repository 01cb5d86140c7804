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
    given = options.given(context)
    return run_component(
        COMPONENT,
        given.load(quiet=supervised).config,
        supervised=supervised,
        reload=lambda: given.load(quiet=True).config,
        config_file=given.config_file,
    )
