"""`tocsin collect`: one component as a process."""

from __future__ import annotations

import click

from tocsin.app.collect import COMPONENT
from tocsin.app.component import run_component
from tocsin.cli import options
from tocsin.config.model import Config


@click.command("collect", short_help="Read log files and put their lines on the bus.")
@options.paths
@options.component_options
@options.collect_options
@options.http
@options.supervised
@click.pass_context
def command(context: click.Context, *, supervised: bool) -> int:
    """Read log files and put their lines on the bus.

    PATH is a file, a directory (everything below it that looks like a text log) or a
    quoted glob with **. Where it stopped it goes on, after any kind of end.
    """
    loaded = options.load_for_reading(context, quiet=supervised)

    def reload() -> Config:
        return options.load_for_reading(context, quiet=True).config

    return run_component(
        COMPONENT,
        loaded.config,
        supervised=supervised,
        reload=reload,
        config_file=options.given(context).config_file,
    )
