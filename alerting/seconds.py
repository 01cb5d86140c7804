"""Errors and lines of the last 1,024 seconds of one key, as sums up to each second.

Any window within is two subtractions; a late line moves the sums from its second on.
Memory: 4 KiB a key, 8 KiB for more than 65,535 of either within them: sums are modulo
2**16 until then, and differences come out right. Times are whole Unix seconds.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from itertools import pairwise

KEPT_S = 1024  # the longest window, the guard before learning, and late lines
_NARROW, _WIDE = 0xFFFF, 0xFFFFFFFF


class _Sums:
    """Sums of one count up to each second; the caller knows which second is where."""

    __slots__ = ("at", "wrap")

    def __init__(self) -> None:
        self.at = array("H", bytes(2 * KEPT_S))
        self.wrap = _NARROW

    def append(self, before: int, slot: int, count: int) -> None:
        """Go on from the sum at one slot to the next one, which held the oldest."""
        at = self.at
        if not count:  # as most seconds have no errors
            at[slot] = at[before]
            return
        if count + ((at[before] - at[slot]) & self.wrap) > self.wrap:
            self._widen(slot)
            at = self.at
        at[slot] = (at[before] + count) & self.wrap

    def add(self, slots: Iterable[int], newest: int, count: int) -> None:
        """Count more at the first of some slots; `newest`: the last of all."""
        oldest = (newest + 1) % KEPT_S
        if count + ((self.at[newest] - self.at[oldest]) & self.wrap) > self.wrap:
            self._widen(oldest)
        at, wrap = self.at, self.wrap
        for slot in slots:
            at[slot] = (at[slot] + count) & wrap

    def _widen(self, oldest: int) -> None:
        """From now on the sums are modulo 2**32."""
        start = self.at[oldest]
        self.at = array("I", [(x - start) & self.wrap for x in self.at])
        self.wrap = _WIDE


class Seconds:
    """Counts by second; windows are half open, `(end - window, end]`."""

    __slots__ = ("_errors", "_lines", "newest")

    def __init__(self, second: int) -> None:
        self.newest = second
        self._errors = _Sums()
        self._lines = _Sums()

    @property
    def oldest(self) -> int:
        """The first second that is still known."""
        return self.newest - KEPT_S + 2

    def reach(self, second: int) -> None:
        """Go on to a newer second, forgetting the oldest."""
        errors, lines = self._errors.at, self._lines.at
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
        self._errors.append(before, slot, errors)
        self._lines.append(before, slot, lines)
        self.newest = second

    def add(self, second: int, errors: int, lines: int) -> None:
        """Count lines of a known second."""
        newest = self.newest % KEPT_S
        slots = [at % KEPT_S for at in range(second, self.newest + 1)]
        if errors:
            self._errors.add(slots, newest, errors)
        self._lines.add(slots, newest, lines)

    def errors(self, after: int, end: int) -> int:
        """Errors of the seconds after `after` up to `end`."""
        return self._between(self._errors, after, end)

    def lines(self, after: int, end: int) -> int:
        """Lines of the seconds after `after` up to `end`."""
        return self._between(self._lines, after, end)

    def errors_of(self, first: int, last: int) -> list[int]:
        """Errors of each second from `first` to `last`, all of them known."""
        sums, wrap = self._errors.at, self._errors.wrap
        edges = [sums[at % KEPT_S] for at in range(first - 1, last + 1)]
        return [(b - a) & wrap for a, b in pairwise(edges)]

    def _between(self, sums: _Sums, after: int, end: int) -> int:
        newest = self.newest
        end = min(end, newest)
        if after <= newest - KEPT_S:
            after = newest - KEPT_S + 1
        if after >= end:
            return 0
        return (sums.at[end % KEPT_S] - sums.at[after % KEPT_S]) & sums.wrap


class AllLines:
    """Seconds where all lines are counted."""

    __slots__ = ("_seconds", "newest")

    def __init__(self, seconds: Seconds) -> None:
        self._seconds = seconds
        self.newest = seconds.newest

    def errors(self, after: int, end: int) -> int:
        """Lines of the seconds after `after` up to `end`."""
        return self._seconds.lines(after, end)

    def lines(self, after: int, end: int) -> int:
        """The same."""
        return self._seconds.lines(after, end)


class Few:
    """Counts of lines that few seconds have, of the last 1,024 of them."""

    __slots__ = ("_counts", "_seconds")

    def __init__(self) -> None:
        self._seconds: list[int] = []
        self._counts: list[int] = []

    def add(self, second: int, count: int) -> None:
        """Count lines of any second."""
        seconds, counts = self._seconds, self._counts
        place = bisect_left(seconds, second)
        if place < len(seconds) and seconds[place] == second:
            counts[place] += count
            return
        seconds.insert(place, second)
        counts.insert(place, count)
        if seconds[0] <= seconds[-1] - KEPT_S:
            old = bisect_left(seconds, seconds[-1] - KEPT_S + 1)
            del seconds[:old], counts[:old]

    def between(self, after: int, end: int) -> int:
        """Lines of the seconds after `after` up to `end`."""
        seconds = self._seconds
        first = bisect_right(seconds, after)
        return sum(self._counts[first : bisect_right(seconds, end)])


class Beside:
    """Few of the lines that other seconds count."""

    __slots__ = ("_all", "_few", "newest")

    def __init__(self, few: Few, all_: Seconds) -> None:
        self._few = few
        self._all = all_
        self.newest = all_.newest

    def errors(self, after: int, end: int) -> int:
        """The few of the seconds after `after` up to `end`."""
        return self._few.between(after, end)

    def lines(self, after: int, end: int) -> int:
        """All of them."""
        return self._all.lines(after, end)
