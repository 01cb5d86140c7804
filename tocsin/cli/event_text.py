"""An event as a line that a person reads: time, level, service, template."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from tocsin.app.parsing import Event
from tocsin.cli.lines import visible
from tocsin.values import Level

_COLOURS = {
    Level.TRACE: "bright_black",
    Level.DEBUG: "bright_black",
    Level.INFO: "green",
    Level.WARN: "yellow",
    Level.ERROR: "red",
    Level.FATAL: "magenta",
}
_NO_TIME = "-"
_TIME_WIDTH = len("2026-03-14 09:21:07.482Z")


def readable(event: Event, service: str) -> str:
    """The event, coloured; `click.echo` takes the colours away where none belong."""
    level = "-" if event.level is Level.UNKNOWN else event.level.name
    shown = click.style(f"{level:5}", fg=_COLOURS.get(event.level))
    at = click.style(f"{time_text(event.at):{_TIME_WIDTH}}", dim=True)
    name = click.style(visible(service), fg="cyan")
    return f"{at}  {shown}  {name}  {visible(event.template.text)}"


def time_text(at: float | None) -> str:
    """Unix seconds in UTC with milliseconds; a time of no calendar is shown as none."""
    if at is None:
        return _NO_TIME
    try:
        moment = datetime.fromtimestamp(at, UTC)
    except (ValueError, OverflowError, OSError):
        return _NO_TIME
    return f"{moment:%Y-%m-%d %H:%M:%S}.{moment.microsecond // 1000:03}Z"
