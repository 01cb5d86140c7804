"""Errors and lines of the last 1,024 seconds of one key, as sums up to each second.

Any window within is two subtractions; a late line moves the sums from its second on.
Memory: 8 KiB a key. Times are whole Unix seconds.
"""

from __future__ import annotations

from array import array
from itertools import pairwise

KEPT_S = 1024  # the longest window, the guard before learning, and late lines
_WRAP = 0xFFFFFFFF  # the sums are modulo 2**32; differences come out right


class Seconds:
    """Counts by second; windows are half open, `(end - window, end]`."""

    __slots__ = ("_errors", "_lines", "newest")

    def __init__(self, second: int) -> None:
        self.newest = second
        self._errors = array("I", bytes(4 * KEPT_S))
        self._lines = array("I", bytes(4 * KEPT_S))

    @property
    def oldest(self) -> int:
        """The first second that is still known."""
        return self.newest - KEPT_S + 2

    def reach(self, second: int) -> None:
        """Go on to a newer second, forgetting the oldest."""
        errors, lines = self._errors, self._lines
        newest = self.newest % KEPT_S
        errors_so_far, lines_so_far = errors[newest], lines[newest]
        for at in range(max(self.newest + 1, second - KEPT_S + 1), second + 1):
            slot = at % KEPT_S
            errors[slot] = errors_so_far
            lines[slot] = lines_so_far
        self.newest = second

    def append(self, second: int, errors: int, lines: int) -> None:
        """Count lines of a newer second, forgetting the oldest."""
        newest = self.newest
        if second - newest > 1:
            self.reach(second - 1)
            newest = second - 1
        slot, before = second % KEPT_S, newest % KEPT_S
        self._errors[slot] = (self._errors[before] + errors) & _WRAP
        self._lines[slot] = (self._lines[before] + lines) & _WRAP
        self.newest = second

    def add(self, second: int, errors: int, lines: int) -> None:
        """Count lines of a known second."""
        if errors:
            sums = self._errors
            for at in range(second, self.newest + 1):
                sums[at % KEPT_S] = (sums[at % KEPT_S] + errors) & _WRAP
        sums = self._lines
        for at in range(second, self.newest + 1):
            sums[at % KEPT_S] = (sums[at % KEPT_S] + lines) & _WRAP

    def errors(self, after: int, end: int) -> int:
        """Errors of the seconds after `after` up to `end`."""
        return self._between(self._errors, after, end)

    def lines(self, after: int, end: int) -> int:
        """Lines of the seconds after `after` up to `end`."""
        return self._between(self._lines, after, end)

    def errors_of(self, first: int, last: int) -> list[int]:
        """Errors of each second from `first` to `last`, all of them known."""
        sums = self._errors
        edges = [sums[at % KEPT_S] for at in range(first - 1, last + 1)]
        return [(b - a) & _WRAP for a, b in pairwise(edges)]

    def _between(self, sums: array[int], after: int, end: int) -> int:
        newest = self.newest
        end = min(end, newest)
        after = max(after, newest - KEPT_S + 1)
        if after >= end:
            return 0
        return (sums[end % KEPT_S] - sums[after % KEPT_S]) & _WRAP
