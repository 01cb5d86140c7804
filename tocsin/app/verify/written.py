"""One record, and the bytes that it stands for in a file of any text. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from tocsin.records.keys import Mark
from tocsin.records.text import NEWLINE, Text

Read = Callable[[int, int], bytes | None]
"""Reads a file from an offset, so many bytes; None where there is nothing to read."""

_LOOK = 1 << 16
# Of a last line, bytes that are no character.
_SPARE = 8


class WrittenRecord(NamedTuple):
    """A record as it came."""

    offset: int
    value: bytes
    mark: Mark

    def end(self, text: Text, read: Read) -> int | None:
        """After its last byte in the file; None if only the file could tell."""
        if self.mark is Mark.INEXACT:
            end: int | None = self.offset
            lines = self.value.count(b"\n") + 1 if text.ending == NEWLINE else 1
            for _ in range(lines):
                end = None if end is None else end_of_line(end, read, text)
            return end
        inside = text.encode(self.value.decode("utf-8", "surrogateescape"))
        if inside is None:
            return None
        end = self.offset + len(inside)
        if self.mark is Mark.PARTIAL and text.encoding:
            there = read(self.offset, len(inside) + _SPARE) or b""
            return self.offset + len(there) if self.stands_for(there, text) else end
        return end if self.mark is Mark.CUT else end + len(text.delimiter)

    def stands_for(self, data: bytes, text: Text) -> bool:
        """Whether these bytes of the file are this record."""
        if not text.encoding:
            there = data
            ending = text.delimiter
        else:
            there = str(data, text.encoding, "replace").encode("utf-8", "replace")
            ending = text.ending.encode()
        if self.mark in {Mark.CUT, Mark.PARTIAL}:
            return there == self.value
        return there == self.value + ending


def end_of_line(start: int, read: Read, text: Text) -> int | None:
    """After the delimiter that ends the line which is at `start`; None without one."""
    at, held = start, b""
    while data := read(at, _LOOK):
        held += data
        found = text.find(held)
        if found >= 0:
            return at + len(data) - len(held) + found + len(text.delimiter)
        at += len(data)
        kept = min(len(held), 2 * len(text.delimiter))
        held = held[len(held) - kept + (kept - len(held)) % text.unit :]
    return None
