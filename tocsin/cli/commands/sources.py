"""`tocsin sources`: which files are read, and how far."""

from __future__ import annotations

import sys
import time

import click

from tocsin.app.connecting import open_for_reading, require_topic
from tocsin.app.sources import SourceRow, sources
from tocsin.app.stopping import Stopping
from tocsin.cli import options
from tocsin.cli.source_text import as_json, lines, live_table
from tocsin.config.model import Config
from tocsin.ports.bus import Bus
from tocsin.records.topics import CHECKPOINTS, FORMATS, STREAMS
from tocsin.telemetry.log import Log

_REFRESH_S = 0.5


@click.command("sources", short_help="Show which files are read, and how far.")
@options.bus_options
@click.option("--once", is_flag=True, help="Print the table once, also on a terminal.")
@click.option("--json", "json_lines", is_flag=True, help="One JSON object a file.")
@click.pass_context
def command(context: click.Context, *, once: bool, json_lines: bool) -> None:
    """Show which files are read, and how far.

    On a terminal the table is live until Ctrl-C; elsewhere it is printed once. Bytes
    behind are those that stand in the file and are not committed to the bus.
    """
    config = options.given(context).load().config
    with open_for_reading(config, "sources") as bus:
        for name in (CHECKPOINTS, STREAMS, FORMATS):
            require_topic(bus, name)
        if json_lines:
            for row in _rows(bus, config):
                click.echo(as_json(row))
        elif once or not sys.stdout.isatty():
            for line in lines(_rows(bus, config)):
                click.echo(line)
        else:
            _show_live(bus, config)


def _rows(bus: Bus, config: Config) -> list[SourceRow]:
    return sources(bus, host=config.collector.host, now=time.time())


def _show_live(bus: Bus, config: Config) -> None:
    stopping = Stopping(Log("sources"))
    stopping.install()
    with live_table() as show:
        while not stopping.event.is_set():
            show(_rows(bus, config))
            stopping.event.wait(_REFRESH_S)
    stopping.finished()
