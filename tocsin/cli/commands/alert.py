"""`tocsin alert`: one component as a process."""

from __future__ import annotations

import click

from tocsin.app.alert import COMPONENT
from tocsin.app.component import run_component
from tocsin.cli import options


@click.command("alert", short_help="Watch the counts, open incidents, send messages.")
@options.component_options
@options.http
@options.supervised
@click.pass_context
def command(context: click.Context, *, supervised: bool) -> int:
    """Watch the counts, open incidents, send messages.

    Several may run at once: one is active, the others stand by.
    """
    given = options.given(context)
    return run_component(
        COMPONENT,
        given.load(quiet=supervised).config,
        supervised=supervised,
        reload=lambda: given.load(quiet=True).config,
        config_file=given.config_file,
    )
