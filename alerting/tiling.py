"""Whether frames tile, and how far time has come: a reader's checks on log-metrics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from math import inf, isfinite
from typing import NamedTuple

from tocsin.records.frames import Frame

_SILENT_AFTER_S = 10.0  # a processor sends a heartbeat each second


class Fit(Enum):
    """How a frame follows those before it; the value is a metric's label."""

    NEXT = "next"
    FIRST = "first"
    DUPLICATE = "duplicate"
    GAP = "gap"
    OVERLAP = "overlap"

    @property
    def counts(self) -> bool:
        """Whether its panes are counted: to miss a line is worse than one twice."""
        return self is not Fit.DUPLICATE


class Place(NamedTuple):
    """How far a source's frames are decided on.

    Heartbeats cover no offsets, so the watermark tells which of them are.
    """

    next_lo: int
    watermark: float

    def covers(self, frame: Frame) -> bool:
        """Whether the frame is decided on."""
        return (frame.hi, frame.watermark) <= self


@dataclass(slots=True)
class _Source:
    next_lo: int
    watermark: float = -inf  # before its first frame
    heard_at: float = inf


class Tiling:
    """Follows the frames of all sources."""

    def __init__(self) -> None:
        self._sources: dict[int, _Source] = {}

    def take(self, frame: Frame) -> tuple[Fit, int]:
        """How the frame fits, and how many offsets are missing before it."""
        source = self._sources.get(frame.source)
        if source is None:
            self._sources[frame.source] = _Source(
                frame.hi, frame.watermark, frame.processed_at
            )
            return Fit.FIRST, 0
        fit = _fit(source.next_lo, frame)
        if fit is Fit.DUPLICATE:
            return fit, 0
        missing = max(0, frame.lo - source.next_lo)
        source.next_lo = frame.hi
        source.watermark = max(source.watermark, frame.watermark)
        source.heard_at = frame.processed_at
        return fit, missing

    @property
    def watermark(self) -> float | None:
        """No line before it is expected of any source; None before the first frame."""
        heard = (x.watermark for x in self._sources.values() if isfinite(x.watermark))
        return min(heard, default=None)

    @property
    def positions(self) -> dict[int, Place]:
        """How far each source is."""
        sources = self._sources.items()
        return {source: Place(x.next_lo, x.watermark) for source, x in sources}

    def resume(self, positions: Mapping[int, Place]) -> None:
        """Go on from positions of an earlier run."""
        for source, place in positions.items():
            known = self._sources.setdefault(source, _Source(place.next_lo))
            known.next_lo = place.next_lo

    def silent_sources(self, now: float) -> list[int]:
        """The sources that sent nothing for ten seconds."""
        sources = self._sources.items()
        return [x for x, s in sources if now - s.heard_at > _SILENT_AFTER_S]


def _fit(next_lo: int, frame: Frame) -> Fit:
    if frame.lo == next_lo:
        return Fit.NEXT
    if frame.lo > next_lo:
        return Fit.GAP
    return Fit.OVERLAP if frame.hi > next_lo else Fit.DUPLICATE
