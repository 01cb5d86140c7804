"""What is usual for one key: errors a second, their share, and how they scatter.

    λ  errors a second       p  errors among the lines
    φ  variance over mean of the errors in blocks of 30 s, >= 1

Each is a ratio of sums that fade with a half-life of 30 min. It learns by whole
minutes, 300 s after they ended: a burst is known by then, also to the longest window,
so it is never part of its own expectation. A second is cut at λ + 4√(λφ) + 3; seconds
of an incident do not enter.

A key nobody knows starts at 0.02 errors a second with the weight of 0.3 errors, so
that next to nothing is believed of it: the chance that `log_chance` gives for a count
takes in how little the baseline is known.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import lgamma, log, log1p, sqrt

MINUTE_S, _BLOCK_S = 60, 30
_PRIOR_RATE, _PRIOR_WEIGHT_S = 0.02, 15.0
# A share of 0.5 % with the weight of 100 lines: without it the first error among the
# first lines of a service would promise a share of 100 %.
_PRIOR_SHARE, _PRIOR_LINES = 0.005, 100.0
# Over-dispersion starts at 1 with the weight of so many expected errors: a few blocks
# of a quiet service say little.
_PRIOR_DISPERSION = 10.0
# Of an unknown service 6 of 10, 12 of 100 and 67 of 1,000 lines are a burst. With 0.4
# 80 of 1,000 were none, whose first lines would have paged had they come one by one.
_PRIOR_SHAPE = 1.0


class Baseline:
    """The fading sums of one key."""

    __slots__ = (
        "_errors", "_fade", "_known", "_lines", "_mean", "_seconds", "_square",
        "dispersion",
    )  # fmt: skip

    def __init__(self, *, half_life_s: float) -> None:
        self._fade = 0.5 ** (1.0 / half_life_s)
        self._seconds = _PRIOR_WEIGHT_S
        self._errors = _PRIOR_RATE * _PRIOR_WEIGHT_S
        self._known = 0.0  # errors without the prior's
        self._lines = 0.0
        self._square = self._mean = 0.0
        self.dispersion = 1.0

    @property
    def rate(self) -> float:
        """Expected errors a second."""
        return self._errors / self._seconds

    @property
    def share(self) -> float:
        """Expected share of errors among the lines."""
        errors = self._known + _PRIOR_SHARE * _PRIOR_LINES
        return errors / (self._lines + _PRIOR_LINES)

    def expected(self, window_s: int, lines: int) -> float:
        """The errors expected in a window with so many lines."""
        return max(self.rate * window_s, self.share * lines)

    def learn(self, errors: Sequence[int], lines: int) -> None:
        """Take in seconds with their errors, and all lines of them together."""
        if any(errors):
            rate = self.rate
            most = rate + 4.0 * sqrt(rate * self.dispersion) + 3.0
            self._take(len(errors), [min(x, most) for x in errors], lines)
        else:
            self._take(len(errors), errors, lines)

    def pass_by(self, seconds: int) -> None:
        """Take in a long time without any line."""
        fade = self._fade**seconds
        self._errors *= fade
        self._known *= fade
        self._lines *= fade
        self._seconds = self._seconds * fade + (1.0 - fade) / (1.0 - self._fade)

    def log_chance(self, count: int, mean: float, window_s: int) -> float:
        """The logarithm of the chance of `count` errors or more, if all is as usual.

        A negative binomial with mean μ and variance μ + vμ², where v is what is not
        known of λ plus what scatters: 1/(errors seen/φ) + (φ - 1)/(λ·max(W, 30 s)).
        The tail is bounded by a geometric series: at the counts that matter, over
        twice μ, it is at most half as large again as the tail is.
        """
        unknown = 1.0 / (self._errors / self.dispersion + _PRIOR_SHAPE)
        usual = self.rate * max(window_s, _BLOCK_S)
        shape = 1.0 / (unknown + (self.dispersion - 1.0) / max(usual, 1e-3))
        ratio = mean / (mean + shape)
        log_here = (
            lgamma(count + shape) - lgamma(shape) - lgamma(count + 1.0)
            - shape * log1p(mean / shape) + count * log(ratio)
        )  # fmt: skip
        next_one = max(ratio, ratio * (count + shape) / (count + 1.0))
        return log_here - log1p(-next_one) if next_one < 1.0 else 0.0

    def _take(self, seconds: int, errors: Sequence[float], lines: int) -> None:
        total = sum(errors)
        fade = self._fade**seconds
        self._seconds = self._seconds * fade + seconds
        self._errors = self._errors * fade + total
        self._known = self._known * fade + total
        self._lines = self._lines * fade + lines
        if seconds == MINUTE_S:
            self._scatter(errors, lines)

    def _scatter(self, errors: Sequence[float], lines: int) -> None:
        mean = self.expected(_BLOCK_S, lines // 2)
        fade = self._fade**_BLOCK_S
        for half in (errors[:_BLOCK_S], errors[_BLOCK_S:]):
            self._square = self._square * fade + (sum(half) - mean) ** 2
            self._mean = self._mean * fade + mean
        scatter = self._square + _PRIOR_DISPERSION
        self.dispersion = max(1.0, scatter / (self._mean + _PRIOR_DISPERSION))
