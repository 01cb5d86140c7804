"""log-metrics: frames of additive panes.

A frame tells what one flush of the processor found in the offsets `[lo, hi)` of one
source partition. Frames of a source tile: the next `lo` is the last `hi`. So a reader
detects every gap and every duplicate by itself, and merging two partial panes of the
same second is addition.
"""

from __future__ import annotations

import msgspec

from tocsin.records.rows import decoded
from tocsin.values import Level


# gc=False: they hold no cycles, and there are many: a fifth of a backtest's time.
class Sample(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """One line as it was seen: text (bounded, decoded with replacement) and origin."""

    text: str
    path: str
    file_id: str
    offset: int
    event_at: float  # Unix seconds, what the line says of its time
    read_at: float  # Unix seconds, when the collector read it


class TemplateCount(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """How often an error template was seen in a pane, with a sample."""

    template_id: str
    text: str
    count: int
    sample: Sample


class ValueCount(msgspec.Struct, frozen=True, omit_defaults=True, array_like=True):
    """How many lines have a value, and how many of them are ERROR or FATAL."""

    lines: int
    errors: int = 0


class FieldCounts(msgspec.Struct, frozen=True, omit_defaults=True):
    """Lines by the value of a field of JSON or logfmt lines, as configured.

    `other`: lines with values beyond the bound; `hashes`: the smallest of those values'
    hashes (tocsin.records.sketch). Lines without the field are in none.
    """

    field: str
    values: dict[str, ValueCount] = {}
    other: int = 0
    hashes: tuple[int, ...] = ()


class TallyCount(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """Lines that a rule has counted for itself: `tally` is its key.

    `group`: the values that they are grouped by; empty where it groups and these have
    values beyond the bound. `of`: how many lines they are a share of, if that is asked.
    `hashes`: the smallest of the distinct values' that are counted, likewise. `found`:
    one of the lines, and its template.
    """

    tally: str
    lines: int
    group: tuple[str, ...] = ()
    of: int = 0
    hashes: tuple[int, ...] = ()
    found: TemplateCount | None = None


class Pane(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """What one service on one host wrote in one second of event time.

    `labels`: what else is known of its files; files with other labels have panes of
    their own.

    `counts`: lines by `Level`, seven places. `templates`: of ERROR and FATAL lines,
    the most frequent ones; `other_templates` counts the error lines of the rest.
    `read_at`: the latest time at which a line of it was read. `stale`: the lines are
    from long ago and met now (they state times over 24 h before they were read, or none
    and were old when their file was met); `second` is when they were read. They count,
    but page nobody.
    """

    service: str
    host: str
    second: int
    counts: tuple[int, ...]
    bytes: int
    read_at: float
    templates: tuple[TemplateCount, ...] = ()
    other_templates: int = 0
    labels: dict[str, str] = {}
    fields: tuple[FieldCounts, ...] = ()
    stale: bool = False
    tallies: tuple[TallyCount, ...] = ()

    @property
    def lines(self) -> int:
        """Lines of all levels."""
        return sum(self.counts)

    @property
    def errors(self) -> int:
        """ERROR and FATAL lines."""
        return self.counts[Level.ERROR] + self.counts[Level.FATAL]


class Skew(msgspec.Struct, frozen=True, array_like=True):
    """Lines of a service on a host whose times are off; the median, in seconds.

    Above zero: they state times that are not yet.
    """

    service: str
    host: str
    lines: int
    off_s: float


class Frame(msgspec.Struct, frozen=True, omit_defaults=True):
    """What one flush found in `[lo, hi)` of the partition `source` of raw-logs.

    `watermark`: Unix seconds; no line with an earlier time is expected any more, late
    ones apart. `caught_up`: the reader had nothing left to read; a frame with
    `lo == hi` is a heartbeat. `late`, `unparsed`, `skewed`: lines that came after
    their window closed, stated no time, or stated an implausible one. `counted`: what
    panes count beside levels and templates (tocsin.config.tallies); None: not told.
    `skews`: who states implausible times, a bounded number of them.
    """

    source: int
    lo: int
    hi: int
    watermark: float
    caught_up: bool
    processed_at: float
    panes: tuple[Pane, ...] = ()
    late: int = 0
    unparsed: int = 0
    skewed: int = 0
    counted: tuple[str, ...] | None = None
    skews: tuple[Skew, ...] = ()


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Frame)


def encode_frame(frame: Frame) -> bytes:
    """The frame as JSON."""
    return _encoder.encode(frame)


def decode_frame(value: bytes) -> Frame:
    """Read a frame.

    Raises:
        BadRecord: it is none.
    """
    return decoded(_decoder, value, "a frame of log-metrics")
