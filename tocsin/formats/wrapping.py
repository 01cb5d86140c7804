"""What container runtimes put around the lines of a program, as data, and its removal.

The collector looks through it line by line, to join lines to events. The processor
takes it off in columns, by the patterns of `TEXT_ENVELOPES`; the time of a wrapper
stands in where the line inside states none.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import NamedTuple

from tocsin.formats import levels, times


class Unwrapped(NamedTuple):
    """A line without the envelope of its container runtime.

    `stream` differs between lines that cannot be of one event. `partial`: the runtime
    cut the line, the next one of the stream goes on.
    """

    text: bytes
    stream: bytes = b""
    partial: bool = False


CRI = rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{1,9}(?:Z|[+-]\d\d:\d\d) "
_CRI_LINE = re.compile(CRI + rb"(stdout|stderr) ([FP])(?::\S*)? ?")
_CRI_INDENTED = re.compile(CRI + rb"(stdout|stderr) F(?::\S*)? (?=[ \t])")
_DOCKER_LINE = re.compile(
    rb'\{"log":"((?:[^"\\]|\\.)*)"(?:,"attrs":\{[^}]*\})?,"stream":"(\w+)"'
)
# Compose numbers its containers; without the number it could be any table.
_COMPOSE_LINE = re.compile(rb"([a-z][\w.-]{0,60}+)(?<=\d) ++\| ")


def unwrap(line: bytes) -> Unwrapped:
    """Look through what CRI, Docker's json-file or Compose put around a line."""
    if line.startswith(b'{"log":"'):
        found = _DOCKER_LINE.match(line)
        if found is None:
            return Unwrapped(line)
        text = _unescaped(found[1])
        whole = text.endswith(b"\n")
        return Unwrapped(text[:-1] if whole else text, found[2], not whole)
    if line[:1].isdigit():
        found = _CRI_LINE.match(line)
        if found is not None:
            return Unwrapped(line[found.end() :], found[1], found[2] == b"P")
    elif line[:1].islower() and line.find(b" | ", 0, 80) > 0:
        found = _COMPOSE_LINE.match(line)
        if found is not None:
            return Unwrapped(line[found.end() :], found[1])
    return Unwrapped(line)


def indented(line: bytes, stream: bytes) -> bytes:
    """The text of a whole line of a stream in CRI's envelope, if it is indented."""
    found = _CRI_INDENTED.match(line)
    return line[found.end() :] if found is not None and found[1] == stream else b""


def _unescaped(text: bytes) -> bytes:
    if b"\\" not in text:
        return text
    try:
        decoded: str = json.loads(b'"' + text + b'"')
    except ValueError:
        return text
    return decoded.encode("utf-8", "surrogatepass")


def is_wrapped(line: bytes) -> bool | None:
    """Whether a stream's lines are in envelopes; None if this one does not tell."""
    if not line.strip() or line.startswith(b"Attaching to "):
        return None
    return unwrap(line).stream != b""


_ISO = times.BY_NAME["iso"].pattern
_LEVELS = "|".join(sorted(levels.WORDS, reverse=True))


@dataclass(frozen=True, slots=True)
class Envelope:
    """A wrapper around a line.

    `pattern` has the group `inner` and may have `time`, of the form "iso". In an event
    of several lines `again` begins every further one. `hint` is a text that all lines
    of it contain near their beginning: looking for it is cheap.
    """

    name: str
    source: str
    hint: str
    pattern: str
    again: str
    example: str
    inner: str


TEXT_ENVELOPES: tuple[Envelope, ...] = (
    Envelope(
        "cri",
        "Kubernetes, CRI logging format (containerd, CRI-O)",
        " std",
        rf"^(?P<time>{_ISO}) (?:stdout|stderr) [FP] (?P<inner>(?s:.*))",
        rf"\n{_ISO} (?:stdout|stderr) [FP] ",
        "2026-03-14T09:21:07.490193021Z stderr F level=warn msg=slow",
        "level=warn msg=slow",
    ),
    Envelope(
        "compose",
        "Docker Compose, `docker compose logs`",
        " | ",
        r"^[A-Za-z][A-Za-z0-9_.-]* +\| (?P<inner>(?s:.*))",
        r"\n[A-Za-z][A-Za-z0-9_.-]* +\| ",
        "api-1      | 2026-03-14T09:21:07.482Z [error] boom",
        "2026-03-14T09:21:07.482Z [error] boom",
    ),
)

NO_NAMES = rf"^(?i:{_LEVELS}) +\| "
"""What looks like a name before a bar, but is a level."""

DOCKER_JSON = b'{"log":"'
"""How a line of Docker's json-file driver begins."""
