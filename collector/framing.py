"""Bytes in, lines out: which bytes to read next, and which lines they complete.

No I/O: the caller asks `want` what to read, reads it, and hands it to `take`. Nothing
is kept between two reads but three numbers, so a million unfinished lines cost no
memory. Invariants:

- `Place.offset` is the first byte of the first line that was not given out yet.
- The bytes `[offset, offset + searched)` are known to hold no newline.
- Lines tile: the next place is the last one plus, for each line, its length plus one.

A line is looked for in one chunk. One that is longer is searched for its newline chunk
by chunk, then read whole from its start; over `max_line` bytes it is cut there, and
the rest is stepped over. So a step reads at most `max_line` bytes.
"""

from __future__ import annotations

from typing import NamedTuple

NEWLINE = b"\n"


class Place(NamedTuple):
    """Where a reader is in a file; `length` is that of a long line found whole."""

    offset: int
    searched: int = 0
    length: int | None = None

    @property
    def seen(self) -> int:
        """The first byte that was never looked at."""
        return self.offset + self.searched


class Span(NamedTuple):
    """Bytes to read: from `at`, `size` of them at most."""

    at: int
    size: int


class Taken(NamedTuple):
    """What one read gave: the lines from `start` on, and the place after them.

    `dropped`: bytes of the only line that its limit cut off; they are in no record.
    """

    place: Place
    start: int
    lines: list[bytes]
    dropped: int = 0


class Framing(NamedTuple):
    """The limits: bytes of one read, and of one line.

    Two chunks fit into a line, so that a line found inside a read is never too long
    and need not be measured.
    """

    chunk: int
    max_line: int

    @classmethod
    def of(cls, *, max_line: int, chunk: int) -> Framing:
        """The limits for lines of at most `max_line` bytes."""
        return cls(max(1, min(chunk, max_line // 2)), max(1, max_line))

    def want(self, place: Place) -> Span:
        """What to read at `place`."""
        if place.length is not None:
            return Span(place.offset, min(place.length + 1, self.max_line))
        if place.searched < self.chunk:
            # Reading a short beginning once more is cheaper than joining two reads.
            return Span(place.offset, place.searched + self.chunk)
        return Span(place.seen, self.chunk)

    def take(self, place: Place, data: bytes) -> Taken:
        """Take what was read for `want(place)`; fewer bytes mean the file's end."""
        if place.length is not None:
            return self._take_long(place, place.length, data)
        if place.searched >= self.chunk:
            return self._search(place, data)
        lines = data.split(NEWLINE)
        rest = len(lines.pop())
        after = Place(place.offset + len(data) - rest, rest)
        return Taken(after, place.offset, lines)

    def _search(self, place: Place, data: bytes) -> Taken:
        end = data.find(NEWLINE)
        if end < 0:
            found = Place(place.offset, place.searched + len(data))
        else:
            found = Place(place.offset, place.searched, place.searched + end)
        return Taken(found, place.offset, [])

    def _take_long(self, place: Place, length: int, data: bytes) -> Taken:
        if len(data) < min(length + 1, self.max_line):
            # The file shrank meanwhile: look again from the line's start.
            return Taken(Place(place.offset), place.offset, [])
        line = data[: min(length, self.max_line)]
        return Taken(
            Place(place.offset + length + 1),
            place.offset,
            [line],
            length - len(line),
        )
