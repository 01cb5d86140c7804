"""Kinds of values on the command line, as callbacks of their options."""

from __future__ import annotations

import time

import click

from tocsin.config.kinds import duration_s
from tocsin.ports.bus import Start
from tocsin.values import parse_address


def duration(
    _: click.Context, param: click.Parameter, value: str | None
) -> float | None:
    """Seconds."""
    try:
        return None if value is None else duration_s(value)
    except ValueError as error:
        raise click.BadParameter(str(error), param=param) from error


def address(_: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """HOST:PORT, as it was given."""
    try:
        if value is not None:
            parse_address(value)
    except ValueError as error:
        raise click.BadParameter(str(error), param=param) from error
    return value


def start(_: click.Context, param: click.Parameter, value: str) -> Start | float:
    """A place in a topic; `5m` is the time five minutes ago, in Unix seconds."""
    if value in ("beginning", "end"):
        return Start(value)
    try:
        return time.time() - duration_s(value)
    except ValueError as error:
        problem = f'expected "beginning", "end" or a time such as 5m, got {value!r}'
        raise click.BadParameter(problem, param=param) from error
