"""Bytes in, lines out: which bytes to read next, and which lines they complete.

No I/O: the caller asks `want` what to read, reads it, and hands it to `take`. Nothing
is kept between two reads but a few numbers, so a million unfinished lines cost no
memory. Invariants:

- `Place.offset` is the first byte of the first line that was not given out yet.
- The bytes `[offset, offset + searched)` are known to hold no newline.
- Lines tile: the next place is the last one plus, for each line, its length plus one
  (its size, where a file is in another encoding or has another delimiter).

Where lines are joined to events, an event is what is given out, and `Place.habit` is
carried as well. An event is shorter than half a chunk, so the one at a chunk's end is
read again from its start. Each line over that stands alone.

A line is looked for in one chunk. One that is longer is searched for its newline chunk
by chunk, then read whole from its start; over `max_line` bytes it is cut there, and
the rest is stepped over. So a step reads at most `max_line` bytes.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import accumulate, pairwise
from typing import NamedTuple

from tocsin.formats.multiline import Habit, Limits, Wait, after_long_line, split
from tocsin.records.keys import Mark
from tocsin.records.text import PLAIN, Decoded, Text

NEWLINE = b"\n"


class Place(NamedTuple):
    """Where a reader is in a file; `length` is that of a long line found whole.

    `habit`: what is remembered of the events before. `packed`: of an archive, how many
    of its bytes were unpacked so far; all positions are of what it unpacks to.
    """

    offset: int
    searched: int = 0
    length: int | None = None
    habit: Habit = Habit()
    packed: int | None = None

    @property
    def seen(self) -> int:
        """The first byte that was never looked at."""
        return self.offset + self.searched

    @property
    def in_file(self) -> int:
        """How many bytes of the file itself were taken."""
        return self.offset if self.packed is None else self.packed

    @property
    def seen_in_file(self) -> int:
        """How many bytes of the file itself were looked at."""
        return self.seen if self.packed is None else self.packed


class Span(NamedTuple):
    """Bytes to read: from `at`, `size` of them at most."""

    at: int
    size: int


class Taken(NamedTuple):
    """What one read gave: the records from `start` on, and the place after them.

    `dropped`: bytes of the only line that its limit cut off; they are in no record.
    `marks`: by number, the records that are not whole events. `joined`: lines beyond
    the first of each record. `wait`: how long to wait for more of an event that may be
    over, whose last byte so far is before `open_to`. `sizes`: bytes of each record in
    the file, where that is not its length and one. `replaced`: characters that stand
    for bytes that are none in the file's encoding.
    """

    place: Place
    start: int
    lines: list[bytes]
    dropped: int = 0
    marks: Mapping[int, Mark] = {}
    joined: int = 0
    wait: Wait = Wait.NOT
    open_to: int = 0
    sizes: Sequence[int] | None = None
    replaced: int = 0


class Framing(NamedTuple):
    """The limits: bytes of one read, and of one line; of events if lines are joined.

    Two chunks fit into a line, so that a line found inside a read is never too long
    and need not be measured. `text` is what is in the file.
    """

    chunk: int
    max_line: int
    events: Limits | None = None
    text: Text = PLAIN

    @classmethod
    def of(
        cls, *, max_line: int, chunk: int, max_event_lines: int | None = None
    ) -> Framing:
        """The limits for lines of at most `max_line` bytes.

        `max_event_lines`: join lines to events, of so many at most.
        """
        chunk = max(1, min(chunk, max_line // 2))
        events = None
        if max_event_lines is not None:
            # The event and half a chunk of the line after it are seen at once.
            events = Limits(max_event_lines, (chunk - 1) // 2)
        return cls(chunk, max(1, max_line), events)

    def fit(self, text: Text) -> Framing:
        """The limits for a file that is such text."""
        return _fitted(self, text) if text != self.text else self

    def want(self, place: Place) -> Span:
        """What to read at `place`."""
        if place.length is not None:
            length = place.length + len(self.text.delimiter)
            return Span(place.offset, min(length, self.max_line))
        if place.searched < self.chunk:
            # Reading a short beginning once more is cheaper than joining two reads.
            return Span(place.offset, place.searched + self.chunk)
        return Span(place.seen, self.chunk)

    def take(self, place: Place, data: bytes, *, ends_at: int | None = None) -> Taken:
        """Take what was read for `want(place)`; fewer bytes mean the file's end.

        `ends_at`: do not wait for more of an event that is open to there.
        """
        if place.length is not None:
            return self._take_long(place, place.length, data)
        if place.searched >= self.chunk:
            return self._search(place, data)
        if self.text is not PLAIN:
            return self._take_text(place, data, ends_at)
        if self.events is not None:
            return self._join(place, data, self.events, ends_at)
        lines = data.split(NEWLINE)
        rest = len(lines.pop())
        after = Place(place.offset + len(data) - rest, rest)
        return Taken(after, place.offset, lines)

    def _join(
        self, place: Place, data: bytes, limits: Limits, ends_at: int | None
    ) -> Taken:
        ended = data.rfind(NEWLINE) + 1
        open_to = place.offset + ended
        found = split(data, place.habit, limits, final=ends_at == open_to)
        after = place.offset + found.size
        searched = len(data) - ended if after == open_to else 0
        return Taken(
            Place(after, searched, None, found.habit),
            place.offset,
            found.events,
            marks=_marks(found.open_ended, found.rests),
            joined=found.lines - len(found.events),
            wait=found.wait,
            open_to=open_to,
        )

    def _take_text(self, place: Place, data: bytes, ends_at: int | None) -> Taken:
        text = self.text
        pieces, rest = text.cut(data)
        after = place.offset + len(data) - rest
        searched = self._surely_without_delimiter(rest)
        decoded = text.decode(pieces)
        ending = len(text.delimiter)
        sizes = [len(piece) + ending for piece in pieces]
        if self.events is None:
            return Taken(
                Place(after, searched, None, place.habit),
                place.offset,
                decoded.values,
                marks=dict.fromkeys(decoded.inexact, Mark.INEXACT),
                sizes=sizes,
                replaced=decoded.replaced,
            )
        found = self._join_text(
            place, decoded, sizes, data[len(data) - rest :], ends_at
        )
        if found.place.offset == after:
            found = found._replace(place=found.place._replace(searched=searched))
        return found

    def _join_text(
        self,
        place: Place,
        decoded: Decoded,
        sizes: list[int],
        unfinished: bytes,
        ends_at: int | None,
    ) -> Taken:
        """As `_join`, of lines that have other lengths in the file."""
        limits = self.events or Limits()
        open_to = place.offset + sum(sizes)
        data = b"".join(value + NEWLINE for value in decoded.values)
        data += self.text.decode_beginning(unfinished)[0]
        found = split(data, place.habit, limits, final=ends_at == open_to)
        # Which line is in which event.
        counts = [event.count(NEWLINE) + 1 for event in found.events]
        edges = list(accumulate(counts, initial=0))
        marks = dict(_marks(found.open_ended, found.rests))
        for line in decoded.inexact:
            if line < edges[-1]:
                marks[bisect_right(edges, line) - 1] = Mark.INEXACT
        taken = [sum(sizes[low:high]) for low, high in pairwise(edges)]
        is_whole = edges[-1] == len(sizes)
        return Taken(
            Place(place.offset + sum(taken), 0, None, found.habit),
            place.offset,
            found.events,
            marks=marks,
            joined=found.lines - len(found.events),
            wait=found.wait,
            open_to=open_to,
            sizes=taken,
            replaced=decoded.replaced if is_whole else 0,
        )

    def _surely_without_delimiter(self, rest: int) -> int:
        """How many bytes hold no beginning of a delimiter that may go on."""
        sure = max(0, rest - len(self.text.delimiter) + 1)
        return sure - sure % self.text.unit

    def _search(self, place: Place, data: bytes) -> Taken:
        end = self.text.find(data)
        if end < 0:
            sure = self._surely_without_delimiter(len(data))
            found = place._replace(searched=place.searched + sure)
        else:
            found = place._replace(length=place.searched + end)
        return Taken(found, place.offset, [])

    def _take_long(self, place: Place, length: int, data: bytes) -> Taken:
        ending = len(self.text.delimiter)
        if len(data) < min(length + ending, self.max_line):
            # The file shrank meanwhile: look again from the line's start.
            again = Place(place.offset, habit=place.habit)
            return Taken(again, place.offset, [])
        line = data[: min(length, self.max_line)]
        habit = place.habit if self.events is None else after_long_line(place.habit)
        after = Place(place.offset + length + ending, habit=habit)
        return self.take_one(place.offset, line, after, whole=length)

    def take_one(self, start: int, line: bytes, after: Place, *, whole: int) -> Taken:
        """One record, of whose `whole` bytes in the file `line` is the beginning."""
        if self.text is PLAIN:
            return Taken(after, start, [line], whole - len(line))
        if len(line) < whole:
            value, size = self.text.decode_beginning(line)
            return Taken(after, start, [value], whole - size, sizes=[size])
        decoded = self.text.decode([line])
        return Taken(
            after,
            start,
            decoded.values,
            marks=dict.fromkeys(decoded.inexact, Mark.INEXACT),
            sizes=[whole + len(self.text.delimiter)],
            replaced=decoded.replaced,
        )


@lru_cache(maxsize=64)
def _fitted(framing: Framing, text: Text) -> Framing:
    if text.is_plain:
        return framing._replace(text=PLAIN)
    chunk = max(framing.chunk, 4 * len(text.delimiter))
    chunk += -chunk % text.unit
    max_line = max(framing.max_line, 2 * chunk)
    events = framing.events
    if text.ending != "\n":
        events = None
    elif events is not None and text.encoding:
        # A character has four times as many bytes in the file as in UTF-8 at most.
        events = events._replace(max_bytes=events.max_bytes // 4)
    return Framing(chunk, max_line - max_line % text.unit, events, text)


_NO_MARKS: Mapping[int, Mark] = {}


def _marks(open_ended: Sequence[int], rests: Sequence[int]) -> Mapping[int, Mark]:
    if not (open_ended or rests):
        return _NO_MARKS
    return {**dict.fromkeys(open_ended, Mark.OPEN), **dict.fromkeys(rests, Mark.REST)}
