"""The default rule: an adaptive burst of errors, over one-second panes.

For a key (a service) and windows W of 1, 5, 15, 60 and 300 s that end at a second of
event time, with x errors among n lines:

    μ = max(λ·W, p·n)                expected errors; a surge of traffic raises it, an
                                     outage that kills the traffic does not lower it
    fire iff  x >= min_count  and  x >= factor·μ
              and  2(√(x + ⅜) - √(μ + ⅜)) / √φ >= 4

The difference of square roots is Anscombe's transform: about normal with variance φ
for counts, so 4 is four standard deviations at any rate.

The baseline of a key: λ errors a second, p the share of errors, φ the over-dispersion
of errors in blocks of 30 s (variance over mean, >= 1). Each is a ratio of sums that
fade with a half-life of 30 min. A second enters 60 s after it ended, so that the
beginning of a burst is not in its own expectation; it is cut at λ + 4√(λφ) + 3; and
seconds of an open incident do not enter, for at most an hour: then what goes on is
the new normal. A cold key starts from a Gamma prior, so a new service can page.

Counts only grow inside a second, so the rule looks at the second that is still open.
Late lines are added to the second they belong to. Memory: 1024 seconds of two
counters a key (8 KiB), O(1) work for a second in order.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, sqrt
from typing import Literal

KEPT_S = 1024  # seconds in the ring: the longest window, the guard, and late lines
_GUARD_S = 60
_BLOCK_S = 30
_MAX_HOLD_S = 3600
_PRIOR_RATE, _PRIOR_WEIGHT_S = 0.02, 120.0
# A share of 0.5 % with the weight of 100 lines: without it the first error among the
# first lines of a service would promise a share of 100 %.
_PRIOR_SHARE, _PRIOR_LINES = 0.005, 100.0
# Over-dispersion starts at 1 with the weight of so many expected errors: a few blocks
# of a quiet service say little.
_PRIOR_DISPERSION = 10.0
_SIGMAS = 4.0
_WRAP = 0xFFFFFFFF  # the counters are sums modulo 2**32; differences come out right

Severity = Literal["warning", "critical"]


@dataclass(frozen=True, slots=True)
class BurstRule:
    """The rule's numbers; times in seconds."""

    min_count: int = 6
    warning_factor: float = 2.0
    critical_factor: float = 3.0
    windows_s: Sequence[int] = (1, 5, 15, 60, 300)
    half_life_s: float = 1800.0
    calm_window_s: int = 60


@dataclass(frozen=True, slots=True)
class Burst:
    """Why the rule fires at `second`: x errors of n lines in the last `window_s`."""

    second: int
    window_s: int
    count: int
    lines: int
    expected: float
    share_before: float
    rate_before: float
    sigmas: float
    severity: Severity


@dataclass(frozen=True, slots=True)
class Calm:
    """How an incident looks from its end: `count` errors, of which `limit` are calm."""

    count: int
    limit: float

    @property
    def is_calm(self) -> bool:
        """Whether it could be over."""
        return self.count <= self.limit


class Series:
    """The seconds and the baseline of one key; times are whole Unix seconds."""

    __slots__ = (
        "_block_errors", "_block_lines", "_block_s", "_dispersion", "_errors",
        "_fade", "_folded", "_holds", "_lines", "_prior", "_since", "_sum_errors",
        "_sum_lines", "_sum_mean", "_sum_s", "_sum_squares", "newest",
    )  # fmt: skip

    def __init__(self, second: int, *, half_life_s: float) -> None:
        self.newest = second
        self._folded = second - 1  # the last second in the baseline
        self._since = second - KEPT_S  # windows begin after it
        self._errors = array("I", bytes(4 * KEPT_S))  # sums up to each second
        self._lines = array("I", bytes(4 * KEPT_S))
        self._holds: list[tuple[int, int]] = []
        self._fade = 0.5 ** (1.0 / half_life_s)
        self._sum_s = _PRIOR_WEIGHT_S
        self._sum_errors = self._prior = _PRIOR_RATE * _PRIOR_WEIGHT_S
        self._sum_lines = 0.0
        self._sum_squares = self._sum_mean = 0.0
        self._dispersion = 1.0
        self._block_errors = self._block_lines = 0.0
        self._block_s = 0

    def add(self, second: int, errors: int, lines: int, settled: int) -> bool:
        """Count lines of a second; false when it is too old to be counted.

        `settled`: up to there all lines are believed to be known.
        """
        if second > self.newest:
            self._advance(second)
        elif second <= self.newest - KEPT_S:
            return False
        for at in range(second, self.newest + 1):
            slot = at % KEPT_S
            self._errors[slot] = (self._errors[slot] + errors) & _WRAP
            self._lines[slot] = (self._lines[slot] + lines) & _WRAP
        self._fold(min(self.newest, settled) - _GUARD_S)
        return True

    def errors_in(self, end: int, window_s: int) -> int:
        """Errors of the `window_s` seconds that end with `end`."""
        return self._between(self._errors, end - window_s, end)

    def lines_in(self, end: int, window_s: int) -> int:
        """Lines of the `window_s` seconds that end with `end`."""
        return self._between(self._lines, end - window_s, end)

    def window_at(self, end: int, window_s: int) -> int:
        """The window's length without what an earlier incident already told."""
        return min(window_s, end - self._since)

    @property
    def rate(self) -> float:
        """Expected errors a second."""
        return self._sum_errors / self._sum_s

    @property
    def share(self) -> float:
        """Expected share of errors among the lines."""
        known = self._sum_errors - self._prior
        errors = max(0.0, known) + _PRIOR_SHARE * _PRIOR_LINES
        return errors / (self._sum_lines + _PRIOR_LINES)

    @property
    def dispersion(self) -> float:
        """Variance over mean of the errors in blocks."""
        return self._dispersion

    def expected(self, window_s: int, lines: int) -> float:
        """The errors expected in a window with so many lines."""
        return max(self.rate * window_s, self.share * lines)

    def hold(self, since: int, until: int | None = None) -> None:
        """Keep seconds from `since` on out of the baseline, for at most an hour."""
        end = since + _MAX_HOLD_S if until is None else min(until, since + _MAX_HOLD_S)
        self._holds = [x for x in self._holds if x[0] != since][-7:]
        self._holds.append((since, end))

    def release(self, at: int) -> None:
        """End the hold; windows no longer reach back beyond `at`."""
        self._holds = [(since, min(end, at)) for since, end in self._holds]
        self._since = max(self._since, at)

    def _between(self, sums: array[int], after: int, end: int) -> int:
        end = min(end, self.newest)
        after = max(after, self.newest - KEPT_S + 1, self._since)
        if after >= end:
            return 0
        return int(sums[end % KEPT_S] - sums[after % KEPT_S]) & _WRAP

    def _advance(self, second: int) -> None:
        if second - self._folded >= KEPT_S:  # fold what the ring will forget
            self._fold(min(self.newest, second - KEPT_S + 1))
        errors = self._errors[self.newest % KEPT_S]
        lines = self._lines[self.newest % KEPT_S]
        for at in range(max(self.newest + 1, second - KEPT_S + 1), second + 1):
            self._errors[at % KEPT_S] = errors
            self._lines[at % KEPT_S] = lines
        if second - self._folded >= KEPT_S:  # a long silence: nothing but fading
            self._pass(second - KEPT_S + 1 - self._folded)
        self.newest = second

    def _pass(self, seconds: int) -> None:
        fade = self._fade**seconds
        self._sum_errors *= fade
        self._prior *= fade
        self._sum_lines *= fade
        self._sum_s = self._sum_s * fade + (1.0 - fade) / (1.0 - self._fade)
        self._folded += seconds

    def _fold(self, up_to: int) -> None:
        while self._folded < up_to:
            self._folded = at = self._folded + 1
            if any(since <= at < until for since, until in self._holds):
                continue
            slot, before = at % KEPT_S, (at - 1) % KEPT_S
            errors = (self._errors[slot] - self._errors[before]) & _WRAP
            lines = (self._lines[slot] - self._lines[before]) & _WRAP
            self._learn(errors, lines)

    def _learn(self, errors: float, lines: int) -> None:
        if errors:
            rate = self._sum_errors / self._sum_s
            errors = min(errors, rate + 4.0 * sqrt(rate * self._dispersion) + 3.0)
        fade = self._fade
        self._sum_s = self._sum_s * fade + 1.0
        self._sum_errors = self._sum_errors * fade + errors
        self._prior *= fade
        self._sum_lines = self._sum_lines * fade + lines
        self._block_errors += errors
        self._block_lines += lines
        self._block_s += 1
        if self._block_s == _BLOCK_S:
            self._end_block()

    def _end_block(self) -> None:
        mean = self.expected(_BLOCK_S, int(self._block_lines))
        fade = self._fade**_BLOCK_S
        square = (self._block_errors - mean) ** 2
        self._sum_squares = self._sum_squares * fade + square
        self._sum_mean = self._sum_mean * fade + mean
        self._dispersion = max(
            1.0,
            (self._sum_squares + _PRIOR_DISPERSION)
            / (self._sum_mean + _PRIOR_DISPERSION),
        )
        self._block_errors = self._block_lines = 0.0
        self._block_s = 0


class BurstDetector:
    """Tells for every key whether the rule fires; bounded to `max_keys` keys."""

    def __init__(self, rule: BurstRule, *, max_keys: int = 20_000) -> None:
        self._rule = rule
        self._max_keys = max_keys
        self._series: dict[str, Series] = {}
        self._restored: dict[str, list[tuple[int, int | None]]] = {}

    def __len__(self) -> int:
        return len(self._series)

    def observe(
        self, key: str, second: int, *, errors: int, lines: int, settled: int
    ) -> bool:
        """Count lines of a second; false when they are too old to be counted."""
        series = self._series.get(key)
        if series is None:
            self._make_room()
            half_life_s = self._rule.half_life_s
            series = self._series[key] = Series(second, half_life_s=half_life_s)
            for since, until in self._restored.pop(key, ()):
                series.hold(since, until)
                if until is not None:
                    series.release(until)
        return series.add(second, errors, lines, settled)

    def judge(self, key: str, second: int) -> Burst | None:
        """Whether the rule fires for the windows that end at `second`, and why."""
        series = self._series.get(key)
        if series is None:
            return None
        best: Burst | None = None
        for window_s in self._rule.windows_s:
            found = self._judge_window(series, second, window_s)
            if found and (best is None or found.sigmas > best.sigmas):
                best = found
        return best

    def calm(self, key: str, second: int) -> Calm:
        """How quiet the key is in the calm window that ends at `second`."""
        series = self._series.get(key)
        if series is None:
            return Calm(0, 2.0)
        window_s = self._rule.calm_window_s
        lines = series.lines_in(second, window_s)
        mean = series.expected(window_s, lines)
        limit = max(1.5 * mean + 1.5 * sqrt(mean * series.dispersion), 2.0)
        return Calm(series.errors_in(second, window_s), limit)

    def recent(self, key: str, second: int, seconds: int) -> tuple[int, ...]:
        """Errors in each of the last `seconds` seconds up to `second`."""
        series = self._series.get(key)
        if series is None:
            return (0,) * seconds
        ends = range(second - seconds + 1, second + 1)
        return tuple(series.errors_in(at, 1) for at in ends)

    def lines_in(self, key: str, second: int, window_s: int) -> int:
        """Lines of all levels in the window that ends at `second`."""
        series = self._series.get(key)
        return 0 if series is None else series.lines_in(second, window_s)

    def restore(self, key: str, since: int, until: int | None) -> None:
        """Tell of an incident before the seconds are observed anew, in order."""
        self._restored.setdefault(key, []).append((since, until))

    def hold(self, key: str, since: int) -> None:
        """An incident is open since then: its seconds do not become the baseline."""
        if key in self._series:
            self._series[key].hold(since)

    def release(self, key: str, at: int) -> None:
        """The incident is over; later windows do not count its errors again."""
        if key in self._series:
            self._series[key].release(at)

    def _judge_window(self, series: Series, end: int, window_s: int) -> Burst | None:
        rule = self._rule
        count = series.errors_in(end, window_s)
        if count < rule.min_count:
            return None
        length_s = series.window_at(end, window_s)
        lines = series.lines_in(end, window_s)
        mean = series.expected(length_s, lines)
        if count < rule.warning_factor * mean:
            return None
        excess = 2.0 * (sqrt(count + 0.375) - sqrt(mean + 0.375))
        sigmas = excess / sqrt(series.dispersion)
        if sigmas < _SIGMAS:
            return None
        critical = count >= rule.critical_factor * mean
        return Burst(
            second=end,
            window_s=length_s,
            count=count,
            lines=lines,
            expected=mean,
            share_before=series.share,
            rate_before=series.rate,
            sigmas=sigmas,
            severity="critical" if critical else "warning",
        )

    def _make_room(self) -> None:
        if len(self._series) < self._max_keys:
            return
        by_age = sorted(self._series, key=lambda key: self._series[key].newest)
        for key in by_age[: ceil(self._max_keys / 100)]:
            del self._series[key]
