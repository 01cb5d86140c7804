"""Reads lines that begin alike in one go: what their shape tells, for a whole batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from processor import columns
from processor.columns import Column, Ints
from processor.verdicts import HOPELESS, NOTHING, OPEN, Verdict, judge

SHORT, LONG = 64, 104
"""Most headers end in the first bytes of a line; of the rest most in the second."""
# To judge a shape costs as much as to read some 20 lines by the general rules, and it
# will come up again.
_WORTH = 5
# Judging takes some 0.1 ms: no more of it than 2 ms a batch and 2 µs a line, whatever
# lines come.
_AT_ONCE, _SHARE = 20, 0.02
_REMEMBERED = 50_000


@dataclass(frozen=True, slots=True)
class Shapes:
    """The shapes of lines: each one's number in the distinct ones."""

    which: Ints
    distinct: Sequence[bytes]


def shapes_of(lines: Column, start: int = 0, stop: int = SHORT) -> Shapes:
    """The bytes of each line between two positions, zeros for digits."""
    return Shapes(*columns.codes(columns.zeroed(columns.between(lines, start, stop))))


class Told:
    """What is known of each line: a verdict, of which `which` is the number."""

    def __init__(self, which: Ints, verdicts: Ints) -> None:
        self.which = which
        self._verdicts = verdicts

    def only(self, rows: Ints) -> Told:
        """The same of some rows, which ascend."""
        if len(rows) == len(self.which):
            return self
        return Told(self.which[rows], self._verdicts)

    def distinct(self, field: str) -> Ints:
        """A field of each verdict."""
        return self._verdicts[:, Verdict._fields.index(field)]

    def of(self, field: str, rows: Ints | slice = slice(None)) -> Ints:
        """A field of the verdicts of rows."""
        taken: Ints = self.distinct(field)[self.which[rows]]
        return taken


class Alike:
    """Knows the verdicts on shapes that have come up often.

    `worth`: how often a shape comes up before it is judged; `share`: how many are in
    one batch beside the first 20, at most, as a share of its lines.
    """

    def __init__(self, *, worth: int = _WORTH, share: float = _SHARE) -> None:
        self._short = _Verdicts(SHORT, worth, share)
        self._long = _Verdicts(LONG, worth, share)

    def of(self, lines: Column, shapes: Shapes) -> Told:
        """What lines tell by their shapes, which are the short ones."""
        which, told = shapes.which, self._short.of(shapes)
        rows = _rows_with_more(which, told)
        if len(rows) == 0:
            return Told(which, told)
        tails = shapes_of(columns.select(lines, rows), SHORT, LONG)
        longer = _joined(Shapes(which[rows], shapes.distinct), tails)
        more = self._long.of(longer)
        better = more[longer.which, 0] > HOPELESS
        which = which.copy()
        which[rows[better]] = longer.which[better] + len(told)
        return Told(which, np.concatenate([told, more]))


def _rows_with_more(which: Ints, told: Ints) -> Ints:
    """The rows of which a longer shape may tell more."""
    format_, level, form = (
        told[:, Verdict._fields.index(name)] for name in ("format", "level", "form")
    )
    more = (level == OPEN) | (form == OPEN)
    more = (format_ != HOPELESS) & ((format_ == OPEN) | more)
    return np.flatnonzero(more[which]) if more.any() else which[:0]


def _joined(beginnings: Shapes, tails: Shapes) -> Shapes:
    width = len(tails.distinct)
    pairs, which = np.unique(
        beginnings.which * width + tails.which, return_inverse=True
    )
    return Shapes(
        which,
        [
            beginnings.distinct[pair // width] + tails.distinct[pair % width]
            for pair in pairs.tolist()
        ],
    )


class _Verdicts:
    """The verdicts on shapes of one size."""

    def __init__(self, size: int, worth: int, share: float) -> None:
        self._size = size
        self._worth = worth
        self._share = share
        self._seen: dict[bytes, int] = {}
        self._known: dict[bytes, int] = {}
        self._verdicts = np.array([NOTHING] * 256, np.int64)

    def of(self, shapes: Shapes) -> Ints:
        """A row a distinct shape, a column a field of Verdict."""
        size = len(shapes.distinct)
        if len(self._known) + size > _REMEMBERED:
            self._known.clear()
        if len(self._seen) + size > _REMEMBERED:
            self._seen.clear()  # verdicts cost more than counts
        numbers = list(map(self._known.get, shapes.distinct))
        if None in numbers:
            self._judge(shapes, numbers)
        verdicts: Ints = self._verdicts[np.array(numbers, np.int64)]
        return verdicts

    def _judge(self, shapes: Shapes, numbers: list[int | None]) -> None:
        """Fill in numbers that are not known: 0 for a shape that is not judged yet."""
        left = _AT_ONCE + int(len(shapes.which) * self._share)
        counts = np.bincount(shapes.which, minlength=len(numbers)).tolist()
        seen, worth = self._seen, self._worth
        for row, shape in enumerate(shapes.distinct):
            if numbers[row] is not None:
                continue
            count = seen.get(shape, 0) + counts[row]
            if count < worth or not left:
                seen[shape] = count
                numbers[row] = 0
            else:
                left -= 1
                seen.pop(shape, None)
                verdict = judge(shape, is_cut=len(shape) == self._size)
                numbers[row] = self._remember(shape, verdict)

    def _remember(self, shape: bytes, verdict: Verdict) -> int:
        number = len(self._known) + 1
        if number == len(self._verdicts):
            self._verdicts = np.concatenate([self._verdicts] * 2)
        self._known[shape] = number
        self._verdicts[number] = verdict
        return number
