"""One chunk of a log file to panes, in columns; what the reading processes do.

Lines are joined to events as the collector joins them, and read by the processor's
parser. An event without a time happened when the event before it did; at the beginning
of a chunk, when the first one with a time did.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import repeat

import msgspec
import numpy as np

from processor.columns import Floats, Ints
from processor.fields import Admission, PaneRows, counts_by_pane
from processor.parsing import Events, Parser
from processor.tallies import tallies_by_pane
from processor.zones import Zone
from tocsin.app.backtest.chunk import Chunk, Found, Reading
from tocsin.app.backtest.joining import Piece, limits, piece_of
from tocsin.records.frames import (
    FieldCounts,
    Pane,
    Sample,
    TallyCount,
    TemplateCount,
)
from tocsin.values import LEVELS, Level

_SAMPLE_CHARS = 1000
_MAX_VALUES = 200  # of a field, in a chunk
_NO_TEMPLATES: tuple[tuple[TemplateCount, ...], int] = ((), 0)
_MAX_FILES = 1000  # whose format is remembered


class ChunkReader:
    """Reads chunks; keeps what it learned of formats and templates."""

    def __init__(self, reading: Reading) -> None:
        self._parser = Parser(
            Zone(reading.timezone), count_by=reading.count_by, tallies=reading.tallies
        )
        self._max_templates = reading.max_templates
        self._limits = limits(reading)
        self._usual: dict[str, int] = {}  # the usual format of a file

    def read(self, chunk: Chunk) -> Found:
        """Read a chunk.

        Raises:
            OSError: the file cannot be read.
        """
        with open(chunk.path, "rb") as file:  # noqa: PTH123 - a Path costs as much as the read
            piece = piece_of(
                file.fileno(), chunk.begins, chunk.end, limits=self._limits
            )
        found = self.read_lines(chunk, piece)
        untimed = piece.lines if found.untimed else 0
        return msgspec.structs.replace(
            found,
            lines=piece.lines,
            untimed=untimed,
            begins=piece.begins,
            ends=piece.ends,
        )

    def read_lines(self, chunk: Chunk, piece: Piece) -> Found:
        """Read the events of a piece of the chunk's file."""
        events = piece.events
        begins, count = chunk.begins, len(events)
        if not events:
            return Found([], 0, 0, None, begins, begins)
        arrival = np.full(count, chunk.modified_at)
        # Other formats are not tried in vain.
        hints = np.full(count, self._usual.get(chunk.path, chunk.usual))
        read = self._parser.parse(
            events, arrival=arrival, hints=hints, errors_only=True
        )
        usual = _commonest(read.formats)
        if len(self._usual) >= _MAX_FILES:
            self._usual.clear()
        self._usual[chunk.path] = usual
        at = filled(read.seconds)
        if at is None:
            return Found([], count, count, None, begins, begins, usual)
        sizes = sizes_of(events)
        group = _Grouping(chunk, events, sizes, offsets_of(piece, sizes), read, at)
        panes = group.panes(self._max_templates)
        return Found(panes, count, 0, float(at[-1]), begins, begins, usual)


def _commonest(formats: Ints) -> int:
    numbers, counts = np.unique(formats, return_counts=True)
    return int(numbers[np.argmax(counts)])


def sizes_of(events: list[bytes]) -> Ints:
    """The length of each event in bytes."""
    return np.fromiter(map(len, events), np.int64, len(events))


def offsets_of(piece: Piece, sizes: Ints) -> Ints:
    """Where in the file each event of a piece begins."""
    starts = np.cumsum(sizes + 1) - sizes - 1
    done = 0
    for start, count in piece.runs:  # inside of a run, events follow each other
        starts[done : done + count] += start - starts[done]
        done += count
    return starts


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


@dataclass(frozen=True, slots=True)
class _Grouping:
    chunk: Chunk
    lines: list[bytes]
    sizes: Ints
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
        volume = np.bincount(pane_of, weights=self.sizes, minlength=size)
        templates = self._templates(pane_of, max_templates)
        fields, tallies = self._counted(pane_of, size)
        templated = map(templates.get, range(size), repeat(_NO_TEMPLATES))
        found, others = zip(*templated, strict=True)
        # A map of the constructor itself: a third of what a loop would take.
        return list(
            map(
                Pane,
                repeat(self.chunk.service),
                repeat(self.chunk.host),
                seconds.tolist(),
                map(tuple, counts.tolist()),
                volume.astype(np.int64).tolist(),
                (seconds + 1.0).tolist(),
                found,
                others,
                repeat(dict(self.chunk.labels)),
                map(fields.get, range(size), repeat(())),
                repeat(False),
                map(tallies.get, range(size), repeat(())),
            )
        )

    def _counted(
        self, pane_of: Ints, size: int
    ) -> tuple[dict[int, tuple[FieldCounts, ...]], dict[int, tuple[TallyCount, ...]]]:
        """Lines by fields and tallies: which values are named depends on the chunk."""
        if not self.events.fields and not self.events.tallied:
            return {}, {}
        rows = PaneRows(
            pane_of=pane_of,
            is_error=np.isin(self.events.levels, (Level.ERROR, Level.FATAL)),
            services=[self.chunk.service] * size,
        )
        admission = Admission(_MAX_VALUES)
        fields = counts_by_pane(self.events.fields, rows, admission)
        tallied = self.events.tallied
        return fields, tallies_by_pane(tallied, rows, admission, self._shown)

    def _shown(self, rows: Ints) -> list[TemplateCount]:
        found = zip(self.events.template_at(rows), rows.tolist(), strict=True)
        return [TemplateCount(x.id, x.text, 1, self._sample(row)) for x, row in found]

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
