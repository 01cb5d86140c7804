"""Values that every part shares."""

from __future__ import annotations

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
