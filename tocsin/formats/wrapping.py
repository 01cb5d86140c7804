"""What container runtimes put around the lines of a program."""

from __future__ import annotations

import json
import re
from typing import NamedTuple


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
