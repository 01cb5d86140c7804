"""The events of a piece of a file, joined from lines just as the collector joins them.

Where the first event of a piece begins, and with what habit, is known only when what
comes before it was read. So that pieces of one file can be read at the same time, those
inside of it are read on a guess: from the first line after `start` that begins an event
whatever is before it, with the habit that the file was last known to have. A piece goes
on to where its successor would guess that it begins. What comes back says where it
began and where it ended; whoever asked checks that pieces tile, and asks again, with
what is known then, where one does not. So the events are those of the file read in one
go, whatever the guess was; it only makes them come sooner.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from math import inf
from typing import NamedTuple

from collector.framing import Framing, Place
from tocsin.app.backtest.chunk import NEW, PlainHabit, Reading, Spot
from tocsin.formats.multiline import Habit, Rest
from tocsin.formats.startlines import LOOK_AT_BYTES, Start, start_of
from tocsin.formats.wrapping import is_wrapped, unwrap

_LOOK_BYTES = 4096
_AHEAD = 64 * 1024  # as far a line is looked for that begins an event
_CHUNK = 256 * 1024  # as the collector reads: it bounds the length of an event
_USUAL = Habit(credit=1000, is_first=False)  # of most files, after their first lines


@dataclass(slots=True)
class Piece:
    """Events, where in the file each begins, and how many lines they have."""

    begins: Spot
    ends: Spot
    events: list[bytes] = field(default_factory=list)
    runs: list[tuple[int, int]] = field(default_factory=list)
    lines: int = 0


def limits(reading: Reading) -> Framing:
    """The limits of lines and events, as the collector would have them."""
    return Framing.of(
        max_line=reading.max_line,
        chunk=_CHUNK,
        max_event_lines=reading.max_event_lines,
    )


def piece_of(file: int, begins: Spot, end: int, *, limits: Framing) -> Piece:
    """The events from a spot on to the first that begins at `end` or surely after it.

    Raises:
        OSError: the file cannot be read.
    """
    window = _Window(file, max(0, begins.offset - 1), end + _AHEAD)
    spot = begins if begins.is_known else _guess(window, begins, limits)
    if spot is None or spot.habit is None:
        return Piece(begins, begins)
    walk = _Walk(window, Piece(spot, spot), limits)
    return walk.to(end)


def _guess(window: _Window, begins: Spot, limits: Framing) -> Spot | None:
    """The spot after `begins` where an event begins, None where no line does."""
    is_joined = limits.events is not None
    landing = window.landing(begins.offset, joined=is_joined)
    if landing is None:
        return None
    at = landing.at
    if not is_joined:
        return Spot(at, NEW)
    if begins.habit is not None:
        return Spot(at, begins.habit)
    wrapped = is_wrapped(window.read(at, _LOOK_BYTES).partition(b"\n")[0])
    return Spot(at, _plain(_USUAL._replace(wrapped=wrapped)))


def _plain(habit: Habit) -> PlainHabit:
    return habit.credit, habit.rest.value, habit.is_first, habit.wrapped


def _habit(plain: PlainHabit) -> Habit:
    credit, rest, is_first, wrapped = plain
    return Habit(credit, Rest(rest), is_first, wrapped)


class _Landing(NamedTuple):
    """Where an event begins, and up to where to look to see the one before it end."""

    at: int
    seen_to: int | None


class _Window:
    """Bytes of a file, read at once; what is beyond is read when it is asked for."""

    def __init__(self, file: int, start: int, end: int) -> None:
        self._file = file
        self._start = start
        self._data = os.pread(file, end - start, start)

    def read(self, at: int, size: int) -> bytes:
        """Bytes from `at` on; fewer than `size` only where the file ends."""
        begin = at - self._start
        if begin + size > len(self._data):
            return os.pread(self._file, size, at)
        return self._data[begin : begin + size]

    def landing(self, at: int, *, joined: bool) -> _Landing | None:
        """Where an event surely begins at or after `at`: a function of the file alone.

        The first line where none is sure; None where no line begins nearby.
        """
        begin = max(0, at - 1)  # one byte more tells whether a line begins at `at`
        data = self.read(begin, _AHEAD)
        line = first = data.find(b"\n") + 1 if at else 0
        if at and not line:
            return None
        if not joined:
            return _Landing(begin + first, begin + first)
        while (stop := data.find(b"\n", line)) >= 0:
            match start_of(unwrap(data[line:stop]).text[:LOOK_AT_BYTES]):
                case Start.TIMED:
                    return _Landing(begin + line, begin + stop + 1)
                case Start.WHOLE:  # whatever is after it is no part of it
                    return _Landing(begin + stop + 1, begin + stop + 1)
                case _:
                    line = stop + 1
        return _Landing(begin + first, None)


class _Walk:
    """Takes events one read after another, with the collector's own framing."""

    def __init__(self, window: _Window, piece: Piece, limits: Framing) -> None:
        self._window = window
        self._piece = piece
        self._limits = limits
        habit = _habit(piece.begins.habit or NEW)
        self._place = Place(piece.begins.offset, habit=habit)

    def to(self, end: int) -> Piece:
        """Go on to the first event that begins at `end` or after it."""
        window, piece = self._window, self._piece
        landing = window.landing(end, joined=self._limits.events is not None)
        target = end if landing is None else landing.at
        limit = inf if landing is None or not landing.seen_to else landing.seen_to
        while self._place.offset < target:
            span = self._limits.want(self._place)
            size = min(span.size, int(min(limit, span.at + span.size)) - span.at)
            data = window.read(span.at, max(0, size))
            if size < span.size:
                limit = inf  # should the event go on beyond what seemed to be its end
                if not data:
                    continue
                self._take(data)
            elif len(data) == size:
                self._take(data)
            elif not self._take_last(data):
                break
        piece.ends = Spot(self._place.offset, _plain(self._place.habit))
        return piece

    def _take(self, data: bytes, *, ends_at: int | None = None) -> None:
        taken = self._limits.take(self._place, data, ends_at=ends_at)
        piece = self._piece
        if taken.lines:
            piece.runs.append((taken.start, len(taken.lines)))
            piece.events += taken.lines
            piece.lines += len(taken.lines) + taken.joined
        self._place = taken.place

    def _take_last(self, data: bytes) -> bool:
        """Take what is there of the file's end; false when there is no more."""
        self._take(data, ends_at=self._place.offset + data.rfind(b"\n") + 1)
        place = self._place
        if place.length is not None:
            return True
        rest = self._window.read(place.offset, self._limits.max_line)
        if rest:  # an unfinished last line is taken as it is
            self._piece.runs.append((place.offset, 1))
            self._piece.events.append(rest)
            self._piece.lines += 1
        self._place = Place(place.offset + len(rest), habit=place.habit)
        return False
