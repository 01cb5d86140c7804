"""`tocsin run`: everything in one."""

from __future__ import annotations

import click

from tocsin.app.running import run_all
from tocsin.cli import options


@click.command("run", short_help="Read logs, count, alert: all in one, until Ctrl-C.")
@options.paths
@options.component_options
@options.collect_options
@options.http
@click.pass_context
def command(context: click.Context) -> int:
    """Read logs, count, alert: all in one, until Ctrl-C.

    PATH is a file, a directory (everything below it that looks like a text log) or a
    quoted glob with **. Without Slack in the configuration the messages are shown
    here, as they would be sent.

    Collector, processor and alerting run as three processes; one that crashes is
    restarted alone. With --http HOST:PORT they serve at PORT, PORT+1 and PORT+2.
    Without --config it takes ./tocsin.yaml, if that is there.
    """
    given = options.given(context)
    given.take_up_file()
    loaded = options.load_for_reading(context)
    return run_all(
        loaded.config,
        common=given.words(options.COMMON_NAMES),
        collect=given.words(options.COLLECT_NAMES),
    )
