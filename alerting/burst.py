"""The default rule: an adaptive burst of errors, over one-second panes.

For a key (a service) and windows W of 1, 5, 15, 60 and 300 s that end at a second of
event time, with x errors among n lines, it fires for some W iff

    (a)  x >= min_count
    (b)  x >= factor·μ, where μ = max(λ·W, p·n): a surge of traffic raises what is
         expected, an outage that kills the traffic does not lower it
    (c)  the chance of x or more is below 1 in two million, given λ, p and φ and
         how well they are known (alerting.baseline)
    (d)  once 40 minutes are known, log((x + 4)/(μ + 4)) is above the key's own tail
         (alerting.tail): noise of any shape, also that of no formula, is learned

Counts only grow inside a second, so the rule looks at the second that is still open.
Late lines are added to the second they belong to. Memory: some 9 KiB a key.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, log, sqrt
from typing import Literal, NamedTuple

from alerting.baseline import MINUTE_S, Baseline
from alerting.seconds import KEPT_S, Seconds
from alerting.tail import Tail

GUARD_S = 300  # a minute is learned so long after its end
_MAX_HOLD_S = 3600
_AGAIN_S = 660  # as long as an incident opens again without a page, and a minute
_CHANCE = 5e-7
_LOG_CHANCE = log(_CHANCE)
_OFFSET = 4.0  # ratios of small counts say little

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
    """Why the rule fires at `second`: x errors of n lines in the last `window_s`.

    `surprise`: how many digits the odds against it have, were all as usual.
    """

    second: int
    window_s: int
    count: int
    lines: int
    expected: float
    share_before: float
    rate_before: float
    surprise: float
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


class _Hold(NamedTuple):
    """Seconds of an incident; `again`: it began soon after the one before it."""

    since: int
    end: int
    again: bool


class Series:
    """The seconds, the baseline and the tails of one key; whole Unix seconds."""

    __slots__ = (
        "_holds",
        "_learned",
        "_since",
        "_tails",
        "_windows",
        "baseline",
        "seconds"
    )  # fmt: skip

    def __init__(
        self, second: int, *, half_life_s: float, windows_s: Sequence[int]
    ) -> None:
        self.seconds = Seconds(second)
        self._learned = second  # seconds before it are learned
        self._since = second - KEPT_S  # windows begin after it
        self._holds: list[_Hold] = []
        self._windows = windows_s
        self._tails = [Tail() for _ in windows_s]
        self.baseline = Baseline(half_life_s=half_life_s)

    @property
    def newest(self) -> int:
        """The latest second that has lines."""
        return self.seconds.newest

    def add(self, second: int, errors: int, lines: int, settled: int) -> bool:
        """Count lines of a second; false when it is too old to be counted.

        `settled`: up to there all lines are believed to be known.
        """
        seconds = self.seconds
        newest = seconds.newest
        if second > newest:
            if second - KEPT_S + 2 > self._learned:
                self._forget(second - KEPT_S + 2)
            seconds.append(second, errors, lines)
        elif second <= newest - KEPT_S:
            return False
        else:
            seconds.add(second, errors, lines)
        if settled - GUARD_S - MINUTE_S >= self._learned:
            self._learn(min(seconds.newest, settled) - GUARD_S)
        return True

    def errors_in(self, end: int, window_s: int) -> int:
        """Errors of the `window_s` seconds that end with `end`."""
        return self.seconds.errors(max(end - window_s, self._since), end)

    def lines_in(self, end: int, window_s: int) -> int:
        """Lines of the `window_s` seconds that end with `end`."""
        return self.seconds.lines(max(end - window_s, self._since), end)

    def errors_of(self, first: int, last: int) -> list[int]:
        """Errors of each second from `first` to `last`, as windows count them."""
        seconds = self.seconds
        start = max(first, seconds.oldest, self._since + 1)
        end = min(last, seconds.newest)
        if start > end:
            return [0] * (last - first + 1)
        known = seconds.errors_of(start, end)
        return [0] * (start - first) + known + [0] * (last - end)

    def window_at(self, end: int, window_s: int) -> int:
        """The window's length without what an earlier incident already told."""
        return min(window_s, end - self._since)

    def is_unheard_of(self, number: int, count: int, mean: float) -> bool:
        """Whether the tail of the window with this number leaves it no chance."""
        return _logarithm(count, mean) > self._tails[number].threshold

    def hold(self, since: int, until: int | None = None) -> None:
        """Keep seconds from `since` on out of the baseline, for at most an hour."""
        end = since + _MAX_HOLD_S if until is None else min(until, since + _MAX_HOLD_S)
        others = [x for x in self._holds if x.since != since][-7:]
        again = any(0 <= since - x.end <= _AGAIN_S for x in others)
        self._holds = [*others, _Hold(since, end, again)]

    def release(self, at: int) -> None:
        """End the hold; windows no longer reach back beyond `at`."""
        self._holds = [x._replace(end=min(x.end, at)) for x in self._holds]
        self._since = max(self._since, at)

    def _learn(self, before: int) -> None:
        """Learn whole minutes that end before a second."""
        while True:
            end = self._learned // MINUTE_S * MINUTE_S + MINUTE_S
            if end > before or self._learned > self.seconds.newest:
                return
            self._learn_minute(self._learned, end)
            self._learned = end

    def _learn_minute(self, first: int, end: int) -> None:
        seconds = self.seconds
        last = min(end - 1, seconds.newest)
        lines = seconds.lines(first - 1, last)
        if seconds.errors(first - 1, last):
            errors = seconds.errors_of(first, last) + [0] * (end - 1 - last)
        else:
            errors = [0] * (end - first)
        held = [x for x in self._holds if x.since < end and first < x.end]
        if held:
            # What comes back soon after it was over is noise that this key makes.
            if any(x.again and first <= x.since for x in held):
                self._learn_tails(first, errors)
            free = [x for at, x in enumerate(errors, first) if not self._is_held(at)]
            self.baseline.learn(free, lines * len(free) // len(errors))
            return
        self._learn_tails(first, errors)
        self.baseline.learn(errors, lines)

    def _is_held(self, second: int) -> bool:
        return any(x.since <= second < x.end for x in self._holds)

    def _learn_tails(self, first: int, errors: Sequence[int]) -> None:
        """The largest ratio of the minute for each window."""
        seconds, known = self.seconds, self.baseline
        ends = [first + k for k, x in enumerate(errors) if x]
        over = max(
            (x.end for x in self._holds if x.end <= first), default=first - KEPT_S
        )
        for window_s, tail in zip(self._windows, self._tails, strict=True):
            largest = 0.0
            for end in ends:
                after = max(end - window_s, over)
                mean = known.expected(end - after, seconds.lines(after, end))
                ratio = _logarithm(seconds.errors(after, end), mean)
                largest = max(largest, ratio)
            tail.add(largest)

    def _forget(self, oldest: int) -> None:
        """Learn what the seconds will forget, settled or not; a silence fades all."""
        self._learn(min(oldest + MINUTE_S, self.seconds.newest + 1))
        if oldest > self._learned:
            self.baseline.pass_by(oldest - self._learned)
            self._learned = oldest


def _logarithm(count: int, mean: float) -> float:
    return log((count + _OFFSET) / (mean + _OFFSET))


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
            rule = self._rule
            series = self._series[key] = Series(
                second, half_life_s=rule.half_life_s, windows_s=rule.windows_s
            )
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
        windows_s = self._rule.windows_s
        if series.errors_in(second, max(windows_s)) < self._rule.min_count:
            return None
        for number in range(len(windows_s)):
            found = self._judge_window(series, second, number)
            if found and (best is None or found.surprise > best.surprise):
                best = found
        return best

    def judge_since(self, key: str, second: int) -> Burst | None:
        """As `judge`, for all windows that a line of `second` counts in.

        For a line that comes out of order: it may complete a window that ended later.
        So what is told does not depend on the order in which sources are heard.
        """
        series = self._series.get(key)
        if series is None or second >= series.newest:
            return self.judge(key, second)
        longest = max(self._rule.windows_s)
        last = min(series.newest, second + longest - 1)
        if series.errors_in(last, last - second + longest) < self._rule.min_count:
            return None
        found = (self.judge(key, end) for end in range(second, last + 1))
        return max(
            (x for x in found if x is not None and x.second - x.window_s < second),
            key=lambda x: x.surprise,
            default=None,
        )

    def calm(self, key: str, second: int) -> Calm:
        """How quiet the key is in the calm window that ends at `second`."""
        series = self._series.get(key)
        if series is None:
            return Calm(0, 2.0)
        window_s = self._rule.calm_window_s
        lines = series.lines_in(second, window_s)
        mean = series.baseline.expected(window_s, lines)
        scatter = sqrt(mean * series.baseline.dispersion)
        limit = max(1.5 * mean + 1.5 * scatter, 2.0)
        return Calm(series.errors_in(second, window_s), limit)

    def seconds_of(self, key: str) -> Seconds | None:
        """The counts of a key, for rules that ask something else of them."""
        series = self._series.get(key)
        return None if series is None else series.seconds

    def usual_rate(self, key: str, second: int) -> float:
        """Expected errors a second in the calm window that ends at `second`."""
        series = self._series.get(key)
        if series is None:
            return 0.0
        window_s = self._rule.calm_window_s
        lines = series.lines_in(second, window_s)
        return series.baseline.expected(window_s, lines) / window_s

    def recent(self, key: str, second: int, seconds: int) -> tuple[int, ...]:
        """Errors in each of the last `seconds` seconds up to `second`."""
        series = self._series.get(key)
        if series is None:
            return (0,) * seconds
        return tuple(series.errors_of(second - seconds + 1, second))

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

    def _judge_window(self, series: Series, end: int, number: int) -> Burst | None:
        rule, known = self._rule, series.baseline
        window_s = rule.windows_s[number]
        count = series.errors_in(end, window_s)
        if count < rule.min_count:
            return None
        length_s = series.window_at(end, window_s)
        if count < rule.warning_factor * known.rate * length_s:
            return None  # most end here, and the lines need not be counted
        lines = series.lines_in(end, window_s)
        mean = known.expected(length_s, lines)
        if count < rule.warning_factor * mean:
            return None
        log_chance = known.log_chance(count, mean, length_s)
        if log_chance > _LOG_CHANCE or not series.is_unheard_of(number, count, mean):
            return None
        critical = count >= rule.critical_factor * mean
        return Burst(
            second=end,
            window_s=length_s,
            count=count,
            lines=lines,
            expected=mean,
            share_before=known.share,
            rate_before=known.rate,
            surprise=-log_chance / log(10.0),
            severity="critical" if critical else "warning",
        )

    def _make_room(self) -> None:
        if len(self._series) < self._max_keys:
            return
        by_age = sorted(self._series, key=lambda key: self._series[key].newest)
        for key in by_age[: ceil(self._max_keys / 100)]:
            del self._series[key]
