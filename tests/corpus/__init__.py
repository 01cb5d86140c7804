"""Lines written by us, with what is to be read from them.

`lines.jsonl`: system, format ("general" where the rules read it), level and time (null
where the line states none), message, line. A time without a year is of 2026.
`wild.jsonl`: what software in the field prints, by family; the same without a format.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple


class Case(NamedTuple):
    """A line and what it says; `time` is ISO 8601 in UTC."""

    system: str
    format: str
    level: str | None
    time: str | None
    message: str
    line: str


class Wild(NamedTuple):
    """A line of a family of software and what it says, as a Case does."""

    family: str
    level: str | None
    time: str | None
    message: str
    line: str


def _rows(name: str) -> list[str]:
    return Path(__file__).with_name(name).read_text("utf-8").splitlines()


WILD = tuple(Wild(**json.loads(row)) for row in _rows("wild.jsonl"))
CASES = tuple(Case(**json.loads(row)) for row in _rows("lines.jsonl"))
