"""What a log format is: a value, never a branch.

A line is of the first format in the registry whose `head` matches it. So the answer
for a line depends on the line alone; what a stream was read as before only says which
format to try first. That is sound because a format names in `after` all earlier ones
that may match the same line; tests generate lines from every pattern to find one that
is missing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from functools import cached_property

from tocsin.formats import levels, times
from tocsin.formats.leads import first_bytes
from tocsin.values import Level

# Sorted backwards: longer words come before their beginnings, and next to them, so that
# RE2 factors the beginnings out and still matches in one pass: four times as fast.
LEVEL_PATTERN = f"(?i:{'|'.join(sorted(levels.WORDS, reverse=True))})"
_MACRO = re.compile(r"%\{(time:)?([a-z-]+)\}")


class Decoder(Enum):
    """How a line is taken apart."""

    PATTERN = "pattern"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class Example:
    """A line and what is to be read from it; `at` is ISO 8601 in UTC, or None."""

    line: str
    level: Level
    at: str | None
    message: str


@dataclass(frozen=True)
class Format:
    r"""A log format.

    `head`: an RE2 pattern, anchored with `^`, up to the message. The names of its
    groups say what they hold: `level` a word, `pri` syslog's priority, `status` an
    HTTP status; `%{time:FORM}` is a group `time` of that form, `%{level}` a group
    `level` of known words. At most three groups, so that RE2 can work in one pass.
    `fields`: more patterns with the same groups, each of which may not match.
    `messages`: patterns with a group `message`, the first that matches counts; by
    default all that follows the head.
    `body_level`: its level is found by the rules of tocsin/formats/fallback.py.
    `time_anywhere`: so is its time, where its pattern finds none.
    `status_level`: where it states no level, that of an HTTP answer counts.
    """

    name: str
    source: str
    examples: tuple[Example, ...]
    head: str = ""
    fields: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    body_level: bool = False
    time_anywhere: bool = False
    status_level: bool = False
    decoder: Decoder = Decoder.PATTERN

    @cached_property
    def head_pattern(self) -> str:
        """The head with its macros expanded."""
        return expand(self.head)

    @cached_property
    def lead(self) -> frozenset[int] | None:
        """The bytes that a line of it can begin with; None for any."""
        return first_bytes(self.head_pattern)

    @cached_property
    def field_patterns(self) -> tuple[tuple[str, str], ...]:
        """Each field's pattern, expanded, and the name of its time form or ''."""
        return tuple((expand(f), time_form_name(f)) for f in self.fields)

    @cached_property
    def message_patterns(self) -> tuple[str, ...]:
        """Patterns whose group `message` is the text without its header."""
        rest = rf"{self.head}(?P<message>(?s:.*))"
        return tuple(expand(pattern) for pattern in self.messages or (rest,))

    @cached_property
    def time_form(self) -> str:
        """The name of the form of the time in the head, or ''."""
        return time_form_name(self.head)


def expand(pattern: str) -> str:
    """Replace `%{level}` and `%{time:FORM}` by groups."""
    return _MACRO.sub(_group, pattern)


def time_form_name(pattern: str) -> str:
    """The name of the time form that a pattern mentions, or ''."""
    return next((name for time, name in _MACRO.findall(pattern) if time), "")


def _group(macro: re.Match[str]) -> str:
    if macro[1]:
        return f"(?P<time>{times.BY_NAME[macro[2]].pattern})"
    if macro[2] != "level":
        raise ValueError(f"unknown macro {macro[0]}")
    return f"(?P<level>{LEVEL_PATTERN})"
