"""How far a key's own noise goes: a threshold from the tail of what it did before.

After SPOT (Siffer et al., KDD 2017), made small enough for ten thousand keys: the
excesses over the 95 % quantile are taken as exponential, and the threshold is where
that tail leaves a chance of `_CHANCE` a minute. The observations are a histogram of 64
bins, so the quantile and the mean excess cost no history. The few excesses of a young
key say little; so the mean excess starts at `_PRIOR_EXCESS` with the weight of ten.

Memory: nothing until the first value above zero, then 256 bytes. Halved each time it
holds a day of minutes, so what happened once is forgotten in some days.
"""

from __future__ import annotations

from array import array
from math import ceil, inf, log

_BIN, _BINS = 0.1, 64
_BEYOND = 0.05
_CHANCE = 1e-4  # a minute
_PRIOR_EXCESS, _PRIOR_WEIGHT = 0.1, 10.0
_MAX_MINUTES = 1440.0
MIN_MINUTES = 40


class Tail:
    """The largest values of each minute; a minute without one counts as zero."""

    __slots__ = ("_bins", "_minutes")

    def __init__(self) -> None:
        self._bins: array[float] | None = None
        self._minutes = 0.0

    def add(self, value: float) -> None:
        """The largest value of a minute."""
        self._minutes += 1.0
        if value > 0.0:
            if self._bins is None:
                self._bins = array("f", bytes(4 * _BINS))
            self._bins[min(int(value / _BIN), _BINS - 1)] += 1.0
        if self._minutes > _MAX_MINUTES:
            self._minutes /= 2.0
            if self._bins is not None:
                self._bins = array("f", [x / 2.0 for x in self._bins])

    @property
    def threshold(self) -> float:
        """What noise exceeds next to never; minus infinity while little is known."""
        if self._minutes < MIN_MINUTES:
            return -inf
        beyond = max(2.0, ceil(self._minutes * _BEYOND))
        quantile, excess = self._quantile(beyond)
        mean = (excess + _PRIOR_EXCESS * _PRIOR_WEIGHT) / (beyond + _PRIOR_WEIGHT)
        return quantile + mean * log(beyond / self._minutes / _CHANCE)

    def _quantile(self, beyond: float) -> tuple[float, float]:
        """The value that `beyond` minutes exceed, and the sum of their excesses."""
        left, total = beyond, 0.0
        for number in range(_BINS - 1, -1, -1) if self._bins is not None else ():
            assert self._bins is not None  # noqa: S101 - for mypy
            middle = (number + 0.5) * _BIN
            here = self._bins[number]
            if here >= left:
                return middle, total - middle * (beyond - left)
            total += middle * here
            left -= here
        return 0.0, total
