"""`tocsin parse`: how Tocsin reads your lines."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import click
import msgspec

from tocsin.app.parsing import Event, Stream, service_of
from tocsin.app.parsing_summary import Summary
from tocsin.cli import options
from tocsin.cli.event_text import readable
from tocsin.cli.lines import visible
from tocsin.errors import TocsinError
from tocsin.values import Level


@click.command("parse", short_help="Show how Tocsin reads your lines.")
@click.argument("files", metavar="[FILE|-]...", nargs=-1)
@click.option(
    "--year", type=click.IntRange(1, 9999), help="The year of times that state none."
)
@click.option(
    "--timezone",
    help="The zone of times that state none; by default processor.timezone.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object an event.")
@options.config_file
@click.pass_context
def command(
    context: click.Context,
    *,
    files: tuple[str, ...],
    year: int | None,
    timezone: str | None,
    as_json: bool,
) -> None:
    """Show how Tocsin reads your lines: time, level, service and template.

    Each FILE is a stream of its own; - or nothing is stdin. At the end of a file
    it tells on stderr which format it took the lines for, and why.
    """
    names = files or ("-",)
    config = options.given(context).load().config.processor
    zone = timezone or config.timezone
    for name in names:
        stream = Stream(timezone=zone, year=year, formats=config.formats)
        with _opened(name) as file:
            events = stream.events(file, now=time.time())
            if as_json:
                _write(events, {"file": name} if len(names) > 1 else {})
            else:
                _show(events, name)


def _write(events: Iterator[Event], origin: dict[str, str]) -> None:
    for event in events:
        sys.stdout.write(_as_json(event, origin))


def _show(events: Iterator[Event], name: str) -> None:
    service = service_of(name)
    summary = Summary()
    for event in events:
        click.echo(readable(event, event.service or service))
        summary.add(event)
    sys.stdout.flush()
    first, *others = summary.lines()
    click.echo(f"tocsin: {visible(name)}: {visible(first)}", err=True)
    for line in others:
        click.echo(f"        {visible(line)}", err=True)


@contextmanager
def _opened(name: str) -> Iterator[BinaryIO]:
    if name == "-":
        yield sys.stdin.buffer
        return
    try:
        with Path(name).open("rb") as file:
            yield file
    except OSError as error:
        raise TocsinError(f"{name}: {error.strerror}") from error


def _as_json(event: Event, origin: dict[str, str]) -> str:
    unknown = event.level is Level.UNKNOWN
    row = {
        "line": event.line,
        "lines": event.lines,
        "timestamp": event.at,
        "level": None if unknown else event.level.name,
        "message": event.message.decode("utf-8", "replace"),
        "template": event.template.text,
        "template_id": event.template.id,
        "format": event.format,
        **({} if event.service is None else {"service": event.service}),
        **origin,
    }
    return msgspec.json.encode(row).decode() + "\n"
