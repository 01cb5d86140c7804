"""Panes to windows: sums by service, closed by watermark, corrected by revision. Pure.

Invariants:
- A frame counts once: each source's frames tile, so one below the next expected offset
  is a duplicate, and one above it shows that something between is missing.
- A window's highest revision is the sum of all panes merged so far. It is written
  first when the smallest watermark over all sources has passed its end and the grace,
  then again whenever it has grown, at most once a second.
- What must survive is in `Changes.rows`: it is written in one transaction with the
  records and the offsets, so a restart loads the rows and goes on.
- A window is forgotten 25 hours after its end: no line is accepted that late. Windows
  at rest are kept as their encoded rows, some 300 bytes each.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

import msgspec

from processor.statistics import WindowSums, records_of
from tocsin.records.frames import FieldCounts, Frame, Pane
from tocsin.records.keys import decode_name, encode_name
from tocsin.records.public import WindowRecord
from tocsin.values import LEVELS

KEEP_S = 25 * 3600
REVISE_EACH_S = 1.0
MAX_TEMPLATES = 1000
MAX_VALUES = 200
_SWEEP_EACH_S = 60.0
_SOURCE, _WINDOW = "source", "window"


class Verdict(Enum):
    """What became of a frame."""

    COUNTED = "it continues its source"
    DUPLICATE = "its offsets were counted before"
    AFTER_GAP = "it was counted, and the offsets before it are missing"


class Source(msgspec.Struct):
    """How far a source's frames are merged; a row of the table `windows`."""

    next_offset: int
    watermark: float


class Window(msgspec.Struct, array_like=True):
    """The sums of one window; a row of the table `windows`.

    `seconds`: lines by second since the start. `templates`: distinct ids of error
    templates, at most MAX_TEMPLATES. `revision` and `written_at`: of the last record
    written, 0 before the first; `stale`: the sums have grown since. `fields`: lines and
    errors by field and value; `others`: by field, the lines with values beyond the
    bound.
    """

    counts: list[int] = msgspec.field(default_factory=lambda: [0] * LEVELS)
    bytes: int = 0
    seconds: dict[int, int] = {}
    templates: set[str] = set()
    revision: int = 0
    written_at: float = 0.0
    stale: bool = True
    fields: dict[str, dict[str, tuple[int, int]]] = {}
    others: dict[str, int] = {}

    def add(self, pane: Pane, start: int) -> None:
        """Add a pane of this window's service and time."""
        self.counts = [a + b for a, b in zip(self.counts, pane.counts, strict=True)]
        self.bytes += pane.bytes
        second = pane.second - start
        self.seconds[second] = self.seconds.get(second, 0) + pane.lines
        for template in pane.templates:
            if len(self.templates) < MAX_TEMPLATES:
                self.templates.add(template.template_id)
        for counts in pane.fields:
            self._add_field(counts)
        self.stale = True

    def _add_field(self, counts: FieldCounts) -> None:
        known = self.fields.setdefault(counts.field, {})
        other = counts.other
        for value, count in counts.values.items():
            if value in known or len(known) < MAX_VALUES:
                lines, errors = known.get(value, (0, 0))
                known[value] = (lines + count.lines, errors + count.errors)
            else:
                other += count.lines
        if other:
            self.others[counts.field] = self.others.get(counts.field, 0) + other


class WindowId(NamedTuple):
    """Which window: times in Unix seconds."""

    service: str
    start: int
    size_s: int

    @property
    def end(self) -> int:
        """The first second after it."""
        return self.start + self.size_s


@dataclass(frozen=True, slots=True)
class Changes:
    """What a collection writes: rows of `windows`, and records of log-metrics-1m."""

    rows: dict[bytes, bytes | None]
    records: list[WindowRecord]


class Windows:
    """All windows that may still change; `sources`: partitions of raw-logs."""

    def __init__(self, *, sizes_s: Sequence[int], grace_s: float, sources: int) -> None:
        self._sizes_s = tuple(dict.fromkeys(sizes_s))
        self._grace_s = grace_s
        self._source_count = sources
        self._sources: dict[int, Source] = {}
        self._live: dict[WindowId, Window] = {}
        self._resting: dict[WindowId, bytes] = {}
        self._changed: set[WindowId] = set()
        self._changed_sources: set[int] = set()
        self._swept_at = 0.0

    def load(self, rows: Mapping[bytes, bytes]) -> None:
        """Take over the rows of the table `windows`."""
        for key, row in rows.items():
            kind, *names = key.decode().split("/")
            if kind == _SOURCE:
                self._sources[int(names[0])] = msgspec.msgpack.decode(row, type=Source)
            elif kind == _WINDOW:
                size_s, start, service = names
                window = WindowId(decode_name(service), int(start), int(size_s))
                self._resting[window] = row
        for window, row in list(self._resting.items()):
            if _decode(row).stale:
                self._wake(window)

    def merge(self, frame: Frame) -> Verdict:
        """Add a frame's panes, unless they were counted before."""
        source = self._sources.get(frame.source)
        if source is None:
            source = self._sources[frame.source] = Source(frame.lo, frame.watermark)
        if frame.lo < source.next_offset:
            return Verdict.DUPLICATE
        gap = frame.lo > source.next_offset
        source.next_offset = frame.hi
        source.watermark = max(source.watermark, frame.watermark)
        self._changed_sources.add(frame.source)
        self._source_count = max(self._source_count, frame.source + 1)
        for pane in frame.panes:
            self._add(pane)
        return Verdict.AFTER_GAP if gap else Verdict.COUNTED

    def expected(self, source: int) -> int | None:
        """The offset at which the next frame of a source should begin."""
        known = self._sources.get(source)
        return known.next_offset if known else None

    @property
    def watermark(self) -> float:
        """The smallest over all sources; minus infinity while one is unheard of."""
        if len(self._sources) < self._source_count:
            return float("-inf")
        return min(source.watermark for source in self._sources.values())

    def collect(self, *, now: float) -> Changes:
        """Take what is to be written now, together, or not at all."""
        due = [w for w in self._live if self._is_due(w, now=now)]
        records = records_of([self._sums(window, now) for window in due], closed_at=now)
        self._changed.update(due)
        rows: dict[bytes, bytes | None] = {
            _source_key(number): msgspec.msgpack.encode(self._sources[number])
            for number in self._changed_sources
        }
        for window in self._changed:
            rows[_window_key(window)] = self._encode(window)
        self._changed.clear()
        self._changed_sources.clear()
        rows.update(dict.fromkeys(map(_window_key, self._sweep())))
        return Changes(rows, records)

    def _add(self, pane: Pane) -> None:
        for size_s in self._sizes_s:
            start = pane.second - pane.second % size_s
            window = WindowId(pane.service, start, size_s)
            if window not in self._live:
                self._wake(window)
            self._live[window].add(pane, start)
            self._changed.add(window)

    def _wake(self, window: WindowId) -> None:
        row = self._resting.pop(window, None)
        self._live[window] = Window() if row is None else _decode(row)

    def _is_due(self, window: WindowId, *, now: float) -> bool:
        state = self._live[window]
        if not state.stale or window.end + self._grace_s > self.watermark:
            return False
        return now - state.written_at >= REVISE_EACH_S

    def _sums(self, window: WindowId, now: float) -> WindowSums:
        state = self._live[window]
        state.revision += 1
        state.written_at = now
        state.stale = False
        return WindowSums(
            service=window.service,
            start=window.start,
            size_s=window.size_s,
            revision=state.revision,
            counts=state.counts,
            bytes=state.bytes,
            seconds=state.seconds,
            templates=len(state.templates),
            fields=state.fields,
            others=state.others,
        )

    def _encode(self, window: WindowId) -> bytes:
        """A window's row; one that is written and has not grown since goes to rest."""
        state = self._live[window]
        row = msgspec.msgpack.encode(state)
        if not state.stale:
            self._resting[window] = row
            del self._live[window]
        return row

    def _sweep(self) -> Iterable[WindowId]:
        """Forget the windows that can no longer change."""
        watermark = self.watermark
        if watermark - self._swept_at < _SWEEP_EACH_S:
            return []
        self._swept_at = watermark
        over = [w for w in self._resting if w.end + KEEP_S <= watermark]
        for window in over:
            del self._resting[window]
        return over


def _decode(row: bytes) -> Window:
    return msgspec.msgpack.decode(row, type=Window)


def _source_key(number: int) -> bytes:
    return f"{_SOURCE}/{number}".encode()


def _window_key(window: WindowId) -> bytes:
    service = encode_name(window.service)
    return f"{_WINDOW}/{window.size_s}/{window.start}/{service}".encode()
