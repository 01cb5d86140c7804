"""Which bytes of a file are covered: spans, their holes and their overlaps. Pure.

Spans are half-open, disjoint, sorted and merged, so a file whose records follow each
other costs one span, however long it is.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import NamedTuple


class Span(NamedTuple):
    """The bytes `[start, end)`."""

    start: int
    end: int

    @property
    def size(self) -> int:
        """How many bytes."""
        return self.end - self.start


class Coverage:
    """What is covered so far."""

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []

    @property
    def spans(self) -> list[Span]:
        """What is covered, in order."""
        return list(map(Span, self._starts, self._ends))

    @property
    def size(self) -> int:
        """How many bytes are covered."""
        return sum(self._ends) - sum(self._starts)

    @property
    def end(self) -> int:
        """After the last byte covered; 0 if there is none."""
        return self._ends[-1] if self._ends else 0

    def add(self, start: int, end: int) -> list[Span]:
        """Cover `[start, end)`; the parts of it that were covered before."""
        if self._ends and start == self._ends[-1]:
            self._ends[-1] = end
            return []
        low = bisect_left(self._ends, start)
        high = bisect_right(self._starts, end)
        before = [
            Span(max(start, self._starts[i]), min(end, self._ends[i]))
            for i in range(low, high)
        ]
        if low < high:
            start = min(start, self._starts[low])
            end = max(end, self._ends[high - 1])
        self._starts[low:high] = [start]
        self._ends[low:high] = [end]
        return [span for span in before if span.size > 0]

    def holes(self, start: int, end: int) -> list[Span]:
        """The parts of `[start, end)` that are not covered."""
        found, at = [], start
        for low, high in zip(self._starts, self._ends, strict=True):
            if at < min(low, end):
                found.append(Span(at, min(low, end)))
            at = max(at, high)
        if at < end:
            found.append(Span(at, end))
        return found
