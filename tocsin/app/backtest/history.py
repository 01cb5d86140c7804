"""Files of the past as one stream of frames, one for each second, in order of time.

The file that is least far in time is read next, a few chunks ahead; a second is given
out when every file is past it. So memory holds some chunks of the files that overlap
in time, however long the history. What is read next depends on what was found and on
nothing else: the same files give the same frames, with one process or with eight.
Chunks of one file are read on a guess of where the one before ends; a chunk that
does not begin there is read once more.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field, replace
from math import inf

from tocsin.app.backtest.chunk import (
    BEGINNING,
    NO_FORMAT,
    Chunk,
    Found,
    Spot,
    decode_found,
)
from tocsin.records.frames import Frame, Pane

CHUNK_BYTES = 2 * 1024**2
_FIRST_BYTES = 64 * 1024  # tells where in time a file begins
_AHEAD = 8  # chunks that are read at the same time


@dataclass(frozen=True, slots=True)
class LogFile:
    """A file of the past."""

    path: str
    service: str
    host: str
    size: int
    modified_at: float
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Totals:
    """What was read: lines, bytes, and what of it is in no pane.

    `hours`: those since 1970 that have lines.
    """

    files: int = 0
    services: int = 0
    lines: int = 0
    bytes: int = 0
    untimed: int = 0
    unreadable: dict[str, str] = field(default_factory=dict)
    first: float = inf
    last: float = -inf
    hours: set[int] = field(default_factory=set)


@dataclass(slots=True)
class _Progress:
    """A file being read; `reached`: no pane before it is expected any more."""

    file: LogFile
    reached: float = -inf
    asked: int = 0  # bytes that are read or being read
    pending: int = 0  # chunks being read
    ends: Spot = BEGINNING  # of what was taken
    usual: int = NO_FORMAT

    @property
    def is_done(self) -> bool:
        return self.asked >= self.file.size and not self.pending


Read = Callable[[Chunk], bytes]
"""Reads a chunk in another process; the answer is an encoded `Found`."""


class History:
    """Reads files with an executor; `totals` grow while the frames are taken."""

    def __init__(self, files: Iterable[LogFile], read: Read, pool: Executor) -> None:
        self._open = [_Progress(x) for x in sorted(files, key=lambda x: x.path)]
        self._read = read
        self._pool = pool
        self._flying: deque[tuple[_Progress, Chunk, Future[bytes]]] = deque()
        self._panes: dict[int, list[Pane]] = {}
        self._seconds: list[int] = []  # a heap of the keys of _panes
        self._given = 0
        services = {x.file.service for x in self._open}
        self.totals = Totals(files=len(self._open), services=len(services))

    def frames(self) -> Iterator[Frame]:
        """A frame for each second that has lines.

        Lines over one chunk out of order come in a frame of their own, late.
        """
        while self._open:
            self._ask()
            self._take(*self._flying.popleft())
            self._open = [x for x in self._open if not x.is_done]
            yield from self._ready(min((x.reached for x in self._open), default=inf))

    def _ask(self) -> None:
        while len(self._flying) < _AHEAD:
            waiting = [x for x in self._open if x.asked < x.file.size]
            if not waiting:
                return
            # Where a chunk is on its way, how far it reaches is not known yet.
            self._submit(min(waiting, key=lambda x: (x.pending, x.reached)))

    def _submit(self, progress: _Progress) -> None:
        file, start = progress.file, progress.asked
        size = CHUNK_BYTES if start else _FIRST_BYTES
        end = min(start + size, file.size)
        habit = progress.ends.habit if progress.ends.offset else None
        chunk = Chunk(
            file.path,
            file.service,
            file.host,
            Spot(start, habit, is_known=False) if start else progress.ends,
            end,
            file.modified_at,
            file.labels,
            progress.usual,
        )
        progress.asked = end
        progress.pending += 1
        self._flying.append((progress, chunk, self._pool.submit(self._read, chunk)))

    def _take(self, progress: _Progress, chunk: Chunk, future: Future[bytes]) -> None:
        progress.pending -= 1
        totals = self.totals
        if progress.ends.offset >= chunk.end:
            return  # the event before it reached beyond it
        try:
            found = self._certain(progress, chunk, decode_found(future.result()))
        except OSError as error:
            totals.unreadable[chunk.path] = error.strerror or str(error)
            progress.asked = progress.file.size
            return
        progress.ends = found.ends
        progress.usual = found.usual
        totals.lines += found.lines
        totals.untimed += found.untimed
        totals.bytes += found.ends.offset - found.begins.offset
        if found.latest is not None:
            progress.reached = max(progress.reached, found.latest)
        elif progress.reached == -inf:
            progress.reached = inf  # it states no times: nothing waits for it
        if found.panes:
            totals.first = min(totals.first, found.panes[0].second)
            totals.last = max(totals.last, found.panes[-1].second)
            totals.hours.update({x.second // 3600 for x in found.panes})
        known = self._panes
        for pane in found.panes:
            here = known.get(pane.second)
            if here is None:
                here = known[pane.second] = []
                heapq.heappush(self._seconds, pane.second)
            here.append(pane)

    def _certain(self, progress: _Progress, chunk: Chunk, found: Found) -> Found:
        """What was found, read once more if it rests on a wrong guess."""
        if found.begins == progress.ends:
            return found
        again = replace(chunk, begins=progress.ends)
        return decode_found(self._pool.submit(self._read, again).result())

    def _ready(self, before: float) -> Iterator[Frame]:
        seconds = self._seconds
        while seconds and seconds[0] < before - 1:
            second = heapq.heappop(seconds)
            yield self._frame(second, self._panes.pop(second))

    def _frame(self, second: int, panes: list[Pane]) -> Frame:
        lo, self._given = self._given, self._given + 1
        end = float(second + 1)
        return Frame(0, lo, self._given, end, False, end, tuple(panes))
