"""One chunk of a log file to panes, in columns; what the reading processes do.

A chunk is the lines that begin in `[start, end)` of a file, so chunks of a file tile,
wherever they are cut. A line without a time happened when the line before it did; at
the beginning of a chunk, when the first line with a time did. Where most lines state a
time, such a line goes on with the event before it: it is no error of its own.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from processor.columns import Floats, Ints
from processor.fields import Admission, PaneRows, counts_by_pane
from processor.parsing import Events, Parser
from processor.zones import Zone
from tocsin.app.backtest.chunk import Chunk, Found
from tocsin.records.frames import FieldCounts, Pane, Sample, TemplateCount
from tocsin.values import LEVELS, Level

_MAX_LINE_BYTES = 1_000_000  # what the collector cuts lines at, too
_SAMPLE_CHARS = 1000
_MOST_UNTIMED = 0.9  # stack traces are long: few lines of a bad day state a time
_MAX_VALUES = 200  # of a field, in a chunk
_LOOKED_AT = 200  # lines, to know a chunk's format


class ChunkReader:
    """Reads chunks; keeps what it learned of formats and templates."""

    def __init__(
        self, timezone: str, *, max_templates: int, count_by: Sequence[str] = ()
    ) -> None:
        self._parser = Parser(Zone(timezone), count_by=count_by)
        self._max_templates = max_templates

    def read(self, chunk: Chunk) -> Found:
        """Read a chunk.

        Raises:
            OSError: the file cannot be read.
        """
        return self.read_lines(chunk, *lines_of(chunk))

    def read_lines(self, chunk: Chunk, lines: list[bytes], offsets: Ints) -> Found:
        """Read lines that begin at these offsets of the chunk's file."""
        if not lines:
            return Found([], 0, 0, None)
        arrival = np.full(len(lines), chunk.modified_at)
        events = self._parser.parse(
            lines, arrival=arrival, hints=self._hints(lines, arrival), errors_only=True
        )
        at = filled(events.seconds)
        if at is None:
            return Found([], len(lines), len(lines), None)
        events = without_continuations(events)
        panes = _Grouping(chunk, lines, offsets, events, at).panes(self._max_templates)
        return Found(panes, len(lines), 0, float(at[-1]))

    def _hints(self, lines: list[bytes], arrival: Floats) -> Ints:
        """The usual format of the first lines: the others are not tried in vain."""
        few = lines[:_LOOKED_AT]
        formats = self._parser.parse(
            few, arrival=arrival[: len(few)], errors_only=True
        ).formats
        numbers, counts = np.unique(formats, return_counts=True)
        return np.full(len(lines), numbers[np.argmax(counts)], np.int64)


def lines_of(chunk: Chunk) -> tuple[list[bytes], Ints]:
    """The lines that begin in the chunk, and where in the file they begin."""
    with open(chunk.path, "rb") as file:  # noqa: PTH123 - a Path costs as much as the read
        data, start = _whole_lines(file.fileno(), chunk)
    lines = data.split(b"\n")
    if not lines[-1]:
        lines.pop()
    lengths = np.fromiter(map(len, lines), np.int64, len(lines))
    ends = np.cumsum(lengths + 1) + start
    return lines, ends - lengths - 1


def _whole_lines(file: int, chunk: Chunk) -> tuple[bytes, int]:
    """The bytes of the chunk's lines, and where they start."""
    start = chunk.start
    # One byte more tells whether a line begins at the very start.
    before = 1 if start else 0
    data = os.pread(file, chunk.end - start + before, start - before)
    if before:
        cut = data.find(b"\n") + 1
        if not cut:
            return b"", chunk.end  # the inside of one long line
        data, start = data[cut:], start - 1 + cut
    while data and not data.endswith(b"\n"):
        more = os.pread(file, 65_536, start + len(data))
        if not more:
            break
        data += more[: more.find(b"\n") + 1 or len(more)]
        if len(data) - (chunk.end - start) > _MAX_LINE_BYTES:
            break
    return data, start


def filled(seconds: Floats) -> Floats | None:
    """Times without gaps; None where there is none at all."""
    known = ~np.isnan(seconds)
    if known.all():
        return seconds
    rows = np.flatnonzero(known)
    if len(rows) == 0:
        return None
    last = np.maximum.accumulate(np.where(known, np.arange(len(seconds)), rows[0]))
    return np.asarray(seconds[last])


def without_continuations(events: Events) -> Events:
    """Events where lines that go on with an event have no level of their own."""
    rest = np.isnan(events.seconds)
    if not rest.any() or rest.mean() > _MOST_UNTIMED:
        return events
    own = ~rest[events.templated]
    return replace(
        events,
        levels=np.where(rest, np.uint8(Level.UNKNOWN), events.levels),
        templated=events.templated[own],
        template_of=events.template_of[own],
    )


@dataclass(frozen=True, slots=True)
class _Grouping:
    chunk: Chunk
    lines: list[bytes]
    offsets: Ints
    events: Events
    at: Floats

    def panes(self, max_templates: int) -> list[Pane]:
        """The panes of the chunk, in order of time."""
        of_line = np.floor(self.at).astype(np.int64)
        seconds, pane_of = np.unique(of_line, return_inverse=True)
        size = len(seconds)
        counts = np.bincount(
            pane_of * LEVELS + self.events.levels, minlength=size * LEVELS
        ).reshape(size, LEVELS)
        lengths = np.diff(self.offsets, append=self.offsets[-1] + len(self.lines[-1]))
        volume = np.bincount(pane_of, weights=lengths, minlength=size)
        templates = self._templates(pane_of, max_templates)
        fields = self._fields(pane_of, size)
        rows = zip(seconds.tolist(), counts.tolist(), volume.tolist(), strict=True)
        return [
            Pane(
                self.chunk.service,
                self.chunk.host,
                second,
                tuple(levels),
                int(size_bytes),
                float(second + 1),
                *templates.get(number, ((), 0)),
                labels=dict(self.chunk.labels),
                fields=fields.get(number, ()),
            )
            for number, (second, levels, size_bytes) in enumerate(rows)
        ]

    def _fields(self, pane_of: Ints, size: int) -> dict[int, tuple[FieldCounts, ...]]:
        """Lines by the values of fields: which ones are named depends on the chunk."""
        if not self.events.fields:
            return {}
        rows = PaneRows(
            pane_of=pane_of,
            is_error=np.isin(self.events.levels, (Level.ERROR, Level.FATAL)),
            services=[self.chunk.service] * size,
        )
        return counts_by_pane(self.events.fields, rows, Admission(_MAX_VALUES))

    def _templates(
        self, pane_of: Ints, most: int
    ) -> dict[int, tuple[tuple[TemplateCount, ...], int]]:
        rows = self.events.templated
        if len(rows) == 0:
            return {}
        width = len(self.events.templates)
        pairs, first, sizes = np.unique(
            pane_of[rows] * width + self.events.template_of,
            return_index=True,
            return_counts=True,
        )
        found: dict[int, list[TemplateCount]] = {}
        for pair, row, size in zip(
            pairs.tolist(), rows[first].tolist(), sizes.tolist(), strict=True
        ):
            pane, template = divmod(pair, width)
            known = self.events.templates[template]
            sample = self._sample(row)
            count = TemplateCount(known.id, known.text, size, sample)
            found.setdefault(pane, []).append(count)
        return {pane: _most(counts, most) for pane, counts in found.items()}

    def _sample(self, row: int) -> Sample:
        at = float(self.at[row])
        return Sample(
            text=self.lines[row][: 4 * _SAMPLE_CHARS].decode("utf-8", "replace")[
                :_SAMPLE_CHARS
            ],
            path=self.chunk.path,
            file_id="",
            offset=int(self.offsets[row]),
            event_at=at,
            read_at=at,
        )


def _most(
    counts: list[TemplateCount], most: int
) -> tuple[tuple[TemplateCount, ...], int]:
    """The most frequent templates, and how many lines have others."""
    if len(counts) > 1:
        counts.sort(key=lambda x: (-x.count, x.template_id))
    return tuple(counts[:most]), sum(x.count for x in counts[most:])
