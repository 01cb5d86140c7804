"""Values that every part shares."""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import IntEnum

Clock = Callable[[], float]
"""Gives the present as Unix seconds: `time.time`, or a test's manual clock."""


class Level(IntEnum):
    """The canonical levels, in order; UNKNOWN is a line that states none.

    A pane's `counts` has one place for each, so the values are indices.
    """

    TRACE = 0
    DEBUG = 1
    INFO = 2
    WARN = 3
    ERROR = 4
    FATAL = 5
    UNKNOWN = 6


LEVELS = len(Level)


def parse_address(text: str) -> tuple[str, int]:
    """Read `HOST:PORT`, or `[ADDRESS]:PORT` for IPv6.

    Raises:
        ValueError: it is anything else.
    """
    match = re.fullmatch(r"(\[[0-9A-Fa-f:.]+\]|[^\s:\[\]/]+):([0-9]{1,5})", text)
    if match is None or int(match[2]) > 65535:
        raise ValueError(f"expected HOST:PORT such as 127.0.0.1:9464, got {text!r}")
    return match[1].strip("[]"), int(match[2])
