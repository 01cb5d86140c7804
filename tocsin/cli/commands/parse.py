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

from tocsin.app.parsing import Event, Stream
from tocsin.cli.lines import clock_text, visible
from tocsin.errors import TocsinError
from tocsin.values import Level


@click.command("parse", short_help="Show how Tocsin reads your lines.")
@click.argument("files", metavar="[FILE|-]...", nargs=-1)
@click.option(
    "--year", type=click.IntRange(1, 9999), help="The year of times that state none."
)
@click.option(
    "--timezone",
    default="local",
    show_default=True,
    help="The zone of times that state none, such as Europe/Berlin.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object an event.")
def command(
    *, files: tuple[str, ...], year: int | None, timezone: str, as_json: bool
) -> None:
    """Show how Tocsin reads your lines: level, time, message and template.

    Each FILE is a stream of its own; - or nothing is stdin.
    """
    names = files or ("-",)
    for name in names:
        stream = Stream(timezone=timezone, year=year)
        with _opened(name) as file:
            for event in stream.events(file, now=time.time()):
                origin = {"file": name} if len(names) > 1 else {}
                sys.stdout.write(
                    _as_json(event, origin) if as_json else _readable(event)
                )


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


def _readable(event: Event) -> str:
    level = "-" if event.level is Level.UNKNOWN else event.level.name
    at = "-" if event.at is None else clock_text(event.at)
    return f"{at}  {level:5}  {visible(event.message.decode('utf-8', 'replace'))}\n"


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
        **origin,
    }
    return msgspec.json.encode(row).decode() + "\n"
