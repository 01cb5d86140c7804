"""What was polled to frames: pure, with the progress of each partition as state.

Frames of one source tile: the next `lo` is the last `hi`. Panes that would make one
record too large are spread over several frames, which cut `[lo, hi)` into pieces: all
but the last cover one offset each. They are sent in one transaction, so which panes
stand in which piece is of no meaning, and a reader still detects every duplicate and
every gap.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import msgspec
import numpy as np

from processor.columns import Bools, Floats, Ints
from processor.fields import Admission
from processor.lines import Lines, offset_of, take_apart
from processor.named import Origins, origins_of
from processor.panes import (
    Bounds,
    EventTimes,
    Known,
    event_times,
    panes_by_batch,
)
from processor.parsing import Events, Parser
from processor.recognition import NO_FORMAT
from processor.skews import skews_of
from processor.streams import Learned, StreamFormats
from tocsin.formats.catalogue import FORMATS
from tocsin.ports.bus import Batch, Position
from tocsin.records.frames import Frame, Pane, Skew, encode_frame
from tocsin.records.public import DeadLetter
from tocsin.records.streams import Stream
from tocsin.values import LEVELS

# Of a record's 1 MiB, with room for the frame's own fields.
MAX_FRAME_BYTES = 900_000
_PANE_BYTES, _TEMPLATE_BYTES, _VALUE_BYTES, _HASH_BYTES = 300, 400, 40, 11
# The most that one character takes in JSON: \u0000 as six, other text as UTF-8.
_CHARACTER_BYTES = 6


@dataclass(frozen=True, slots=True)
class Gap:
    """Offsets of raw-logs that were gone before they could be read."""

    partition: int
    expected: int
    found: int


@dataclass(frozen=True, slots=True)
class ServiceCounts:
    """A batch's lines of one service, by level, and those that came late."""

    service: str
    levels: tuple[int, ...]
    late: int


@dataclass(frozen=True, slots=True)
class Flush:
    """What one flush sends, and what it found.

    `unread`: lines that no format matches, by the format of their stream until then.
    `unnamed`: ERROR and FATAL lines whose template has no name in their pane.
    `beyond`: lines that name a service beyond the bound, counted for their file's.
    """

    frames: list[Frame]
    dead: list[tuple[bytes, DeadLetter]]
    learned: list[Learned]
    gaps: list[Gap]
    services: list[ServiceCounts]
    unread: dict[str, int] = field(default_factory=dict)
    skewed: int = 0
    untimed: int = 0
    unnamed: int = 0
    beyond: int = 0
    lag_s: float | None = None


@dataclass(slots=True)
class _Progress:
    next_offset: int | None = None
    watermark: float = 0.0
    framed_at: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How a flush is made; times in seconds."""

    heartbeat_s: float
    window_s: int
    grace_s: float
    max_templates: int
    max_templates_a_day: int = 1000
    max_values: int = 50
    counted: tuple[str, ...] = ()  # what panes count by configuration
    max_services: int = 200


@dataclass(frozen=True, slots=True)
class _Read:
    """What the batches of one flush say."""

    lines: Lines
    hints: Ints
    events: Events
    times: EventTimes
    late: Bools
    origins: Origins
    panes: list[list[Pane]]


@dataclass(slots=True)
class Flusher:
    """Turns what was polled into frames."""

    parser: Parser
    formats: StreamFormats
    settings: Settings
    _progress: dict[int, _Progress] = field(default_factory=dict)
    _bounds: Bounds = field(init=False)

    def __post_init__(self) -> None:
        self._bounds = Bounds(
            self.settings.max_templates,
            templates=Admission(self.settings.max_templates_a_day),
            values=Admission(self.settings.max_values),
            services=Admission(self.settings.max_services),
        )

    def forget(self) -> None:
        """Forget the partitions' progress: go on from what is committed."""
        self._progress.clear()

    def flush(
        self,
        batches: Sequence[Batch],
        positions: Mapping[int, Position],
        *,
        now: float,
        known: Known,
    ) -> Flush:
        """Make the frames of the partitions now assigned, `positions`."""
        for partition in self._progress.keys() - positions.keys():
            del self._progress[partition]  # another process's now
        batches = [batch for batch in batches if batch.hi > batch.lo]
        gaps = [gap for batch in batches if (gap := self._advance(batch))]
        frames: list[Frame] = []
        found = Flush(frames, [], [], gaps, [])
        if batches:
            read = self._read(batches, now=now, known=known)
            for number, batch in enumerate(batches):
                whole = self._frame(read, number, positions[batch.partition], now=now)
                frames.extend(split(whole))
            found = self._found(read, frames, gaps, now=now)
        for partition in sorted(positions.keys() - {b.partition for b in batches}):
            frames.extend(self._heartbeat(partition, positions[partition], now=now))
        return found

    def _advance(self, batch: Batch) -> Gap | None:
        progress = self._progress.setdefault(batch.partition, _Progress())
        expected, progress.next_offset = progress.next_offset, batch.hi
        if expected is None or expected == batch.lo:
            return None
        return Gap(batch.partition, expected, batch.lo)

    def _read(self, batches: list[Batch], *, now: float, known: Known) -> _Read:
        self._bounds.begin(now)
        lines = take_apart(batches, now=now, redact=self.parser.redact)
        hints = self.formats.hints(lines.streams)[lines.stream_of]
        events = self.parser.parse(
            lines.texts, arrival=lines.arrival, hints=hints, errors_only=True
        )
        times = event_times(
            events.seconds,
            lines.arrival,
            met=_within(lines, known, lambda file: file.met_bytes),
            old=_within(lines, known, lambda file: file.old_bytes),
        )
        origins = origins_of(lines, events.named, self._bounds.services)
        panes = panes_by_batch(
            lines,
            events,
            times,
            origins=origins,
            bounds=self._bounds,
            known=known,
            redact=self.parser.redact,
        )
        late = self._late(lines, times.at)
        return _Read(lines, hints, events, times, late, origins, panes)

    def _late(self, lines: Lines, at: Floats) -> Bools:
        """Which lines' windows are closed already, as far as their partition knows."""
        settings = self.settings
        ends = (at // settings.window_s + 1) * settings.window_s + settings.grace_s
        marks = np.array([self._progress[b.partition].watermark for b in lines.batches])
        return np.asarray(ends <= marks[lines.batch_of])

    def _frame(
        self, read: _Read, number: int, position: Position, *, now: float
    ) -> Frame:
        batch = read.lines.batches[number]
        rows = read.lines.batch_of == number
        progress = self._progress[batch.partition]
        stamps = batch.records.timestamps_ms
        last = stamps[-1] / 1000.0 if len(stamps) else progress.watermark
        mark = now if position.caught_up else last
        progress.watermark = max(progress.watermark, mark)
        progress.framed_at = now
        return Frame(
            source=batch.partition,
            lo=batch.lo,
            hi=batch.hi,
            watermark=progress.watermark,
            caught_up=position.caught_up,
            processed_at=now,
            panes=tuple(read.panes[number]),
            late=int(read.late[rows].sum()),
            unparsed=int(read.times.untimed[rows].sum()),
            skewed=int(read.times.skewed[rows].sum()),
            counted=self.settings.counted,
            skews=_skews(read, rows),
        )

    def _found(
        self, read: _Read, frames: list[Frame], gaps: list[Gap], *, now: float
    ) -> Flush:
        lines = read.lines
        return Flush(
            frames=frames,
            dead=lines.dead,
            learned=self.formats.learn(
                lines.streams, lines.stream_of, read.events.formats
            ),
            gaps=gaps,
            services=_by_service(read),
            unread=_unread(read),
            skewed=int(read.times.skewed.sum()),
            untimed=int(read.times.untimed.sum()),
            unnamed=sum(pane.other_templates for f in frames for pane in f.panes),
            beyond=read.origins.beyond,
            lag_s=float(now - lines.arrival.min()) if len(lines.arrival) else None,
        )

    def _heartbeat(
        self, partition: int, position: Position, *, now: float
    ) -> list[Frame]:
        """The frame of a partition without new lines, where one is due."""
        progress = self._progress.setdefault(partition, _Progress())
        if now - progress.framed_at < self.settings.heartbeat_s:
            return []
        if position.caught_up:
            progress.watermark = max(progress.watermark, now)
        if not progress.watermark:
            return []  # just assigned, and behind: nothing is known of its time
        progress.next_offset = position.next_offset
        progress.framed_at = now
        return [
            Frame(
                source=partition,
                lo=position.next_offset,
                hi=position.next_offset,
                watermark=progress.watermark,
                caught_up=position.caught_up,
                processed_at=now,
                counted=self.settings.counted,
            )
        ]


def _skews(read: _Read, rows: Bools) -> tuple[Skew, ...]:
    """Whose lines, of these rows, state implausible times."""
    off = rows & read.times.skewed
    off_s = read.events.seconds[off] - read.lines.arrival[off]
    return skews_of(off_s, read.origins.origin_of[off], read.origins)


def _within(lines: Lines, known: Known, end: Callable[[Stream], int]) -> Bools:
    """Which lines begin before that offset of their file."""
    within = np.zeros(len(lines.stream_of), np.bool_)
    for stream, name in enumerate(lines.names):
        file = known(name.file_id)
        if file is not None and end(file):
            rows = np.flatnonzero(lines.stream_of == stream).tolist()
            # The lines of a file come in the order of their offsets.
            count = bisect_left(
                rows, end(file), key=lambda row: offset_of(lines.keys[row])
            )
            within[rows[:count]] = True
    return within


def split(frame: Frame) -> list[Frame]:
    """A frame as frames whose records are small enough, and which tile."""
    # Nearly always one is enough: writing it is twenty times as fast as adding up.
    if len(encode_frame(frame)) <= MAX_FRAME_BYTES:
        return [frame]
    pieces: list[list[Pane]] = [[]]
    size = 0
    for pane in map(_fit, frame.panes):
        pane_bytes = _most_bytes(pane)
        if pieces[-1] and size + pane_bytes > MAX_FRAME_BYTES:
            pieces.append([])
            size = 0
        pieces[-1].append(pane)
        size += pane_bytes
    if len(pieces) == 1:
        return [msgspec.structs.replace(frame, panes=tuple(pieces[0]))]
    edges = [*range(frame.lo, frame.lo + len(pieces)), frame.hi]
    frames = [
        msgspec.structs.replace(
            frame,
            lo=lo,
            hi=hi,
            panes=tuple(panes),
            late=0,
            unparsed=0,
            skewed=0,
            skews=(),
        )
        for panes, (lo, hi) in zip(pieces, pairwise(edges), strict=True)
    ]
    last = frames[-1]
    frames[-1] = msgspec.structs.replace(
        last,
        late=frame.late,
        unparsed=frame.unparsed,
        skewed=frame.skewed,
        skews=frame.skews,
    )
    return frames


def _most_bytes(pane: Pane) -> int:
    """At most so many bytes a pane takes as JSON; most take a fifth of it."""
    names = len(pane.service) + len(pane.host)
    shown = [x.found for x in pane.tallies if x.found is not None]
    texts = sum(
        _TEMPLATE_BYTES
        + _CHARACTER_BYTES * (len(t.text) + len(t.sample.text) + len(t.sample.path))
        for t in (*pane.templates, *shown)
    )
    tallies = sum(
        _VALUE_BYTES
        + _CHARACTER_BYTES * sum(map(len, (x.tally, *x.group)))
        + _HASH_BYTES * len(x.hashes)
        for x in pane.tallies
    )
    labels = sum(len(key) + len(value) + 2 for key, value in pane.labels.items())
    fields = sum(
        _VALUE_BYTES + _CHARACTER_BYTES * len(value)
        for counts in pane.fields
        for value in (counts.field, *counts.values)
    )
    hashes = sum(_HASH_BYTES * len(counts.hashes) for counts in pane.fields)
    characters = _CHARACTER_BYTES * (names + labels)
    return _PANE_BYTES + characters + texts + fields + hashes + tallies


def _fit(pane: Pane) -> Pane:
    """A pane that fits a frame: templates that do not are counted as others."""
    if pane.tallies and _most_bytes(pane) > MAX_FRAME_BYTES:
        bare = (msgspec.structs.replace(x, found=None) for x in pane.tallies)
        pane = msgspec.structs.replace(pane, tallies=tuple(bare))
    while pane.templates and _most_bytes(pane) > MAX_FRAME_BYTES:
        pane = msgspec.structs.replace(
            pane,
            templates=pane.templates[:-1],
            other_templates=pane.other_templates + pane.templates[-1].count,
        )
    return pane


def _unread(read: _Read) -> dict[str, int]:
    hints = read.hints[read.events.formats == NO_FORMAT]
    numbers, counts = np.unique(hints, return_counts=True)
    return {
        "none" if number == NO_FORMAT else FORMATS[number].name: count
        for number, count in zip(numbers.tolist(), counts.tolist(), strict=True)
    }


def _by_service(read: _Read) -> list[ServiceCounts]:
    origins = read.origins
    services = sorted({name.service for name in origins.names})
    number = {service: k for k, service in enumerate(services)}
    of_origin = np.array([number[name.service] for name in origins.names], np.int64)
    which = of_origin[origins.origin_of]
    size = len(services)
    levels = np.bincount(
        which * LEVELS + read.events.levels, minlength=size * LEVELS
    ).reshape(size, LEVELS)
    late = np.bincount(which, weights=read.late, minlength=size)
    return [
        ServiceCounts(service, tuple(levels[k].tolist()), int(late[k]))
        for k, service in enumerate(services)
    ]
