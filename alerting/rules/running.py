"""Rules at work: counters of lines by service, and what the rules ask of them.

Rules that count the same lines share one counter; those of ERROR and FATAL lines share
that of the default rule. So a rule more costs its questions and no memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from math import ceil

from alerting.burst import Burst, Calm
from alerting.rules.rule import ERRORS, Rule
from alerting.seconds import KEPT_S, Seconds
from tocsin.records.frames import Pane

_MAX_SERVICES = 20_000

SecondsOf = Callable[[str], Seconds | None]
"""The seconds of a service, None where it has none."""


class Counter:
    """Lines of one kind by service; 8 KiB a service."""

    def __init__(self, rule: Rule) -> None:
        self._rule = rule  # any of those that count the same
        self._seconds: dict[str, Seconds] = {}
        self.rules: list[Running] = []

    def seconds(self, service: str) -> Seconds | None:
        """The seconds of a service, None where it has none."""
        return self._seconds.get(service)

    def learn(self, panes: Sequence[Pane], errors: int) -> int:  # noqa: ARG002 - of Errors
        """Count the panes of one service and second; the lines that are counted."""
        service, second = panes[0].service, panes[0].second
        count = self._rule.count(panes)
        lines = sum(x.lines for x in panes)
        seconds = self._seconds.get(service)
        if seconds is None:
            self._make_room()
            seconds = self._seconds[service] = Seconds(second)
        if second <= seconds.newest - KEPT_S:
            return 0
        if second > seconds.newest:
            seconds.append(second, count, lines)
        else:
            seconds.add(second, count, lines)
        return count

    def _make_room(self) -> None:
        if len(self._seconds) < _MAX_SERVICES:
            return
        by_age = sorted(self._seconds, key=lambda x: self._seconds[x].newest)
        for service in by_age[: ceil(_MAX_SERVICES / 100)]:
            del self._seconds[service]


class Errors:
    """The counter of ERROR and FATAL lines: the default rule has counted them."""

    def __init__(self, seconds: SecondsOf) -> None:
        self.seconds = seconds
        self.rules: list[Running] = []

    def learn(self, panes: Sequence[Pane], errors: int) -> int:  # noqa: ARG002 - of Counter
        """How many the default rule has counted."""
        return errors


def counters(rules: Iterable[Rule], errors: SecondsOf) -> list[Counter | Errors]:
    """The counters that rules need, each with its rules at work."""
    made: dict[tuple[object, object], Counter | Errors] = {}
    for rule in rules:
        pattern = None if rule.pattern is None else rule.pattern.text
        kind = rule.levels, pattern
        if kind not in made:
            is_usual = kind == (ERRORS, None)
            made[kind] = Errors(errors) if is_usual else Counter(rule)
        counter = made[kind]
        counter.rules.append(Running(rule, counter.seconds))
    return list(made.values())


class Running:
    """A rule, and the seconds it asks about."""

    def __init__(self, rule: Rule, seconds: SecondsOf) -> None:
        self.rule = rule
        self.waits = rule.condition.waits
        self._seconds = seconds
        self._is_about: dict[str, bool] = {}
        self.due: set[str] = set()  # services to be asked about at the watermark

    def watches(self, service: str) -> bool:
        """Whether the rule is about a service."""
        known = self._is_about.get(service)
        if known is None:
            if len(self._is_about) >= _MAX_SERVICES:
                self._is_about.clear()
            known = self._is_about[service] = self.rule.is_about(service)
        return known

    def judge(self, service: str, end: int) -> tuple[Burst, str] | None:
        """Whether the condition holds in the window that ends with `end`, and why."""
        seconds = self._seconds(service)
        found = None if seconds is None else self.rule.condition.judge(seconds, end)
        if found is None:
            return None
        burst = Burst(
            second=end,
            window_s=self.rule.condition.window_s,
            count=found.count,
            lines=found.lines,
            expected=found.expected,
            share_before=0.0,
            rate_before=0.0,
            surprise=0.0,
            severity=found.severity,
        )
        return burst, found.why

    def calm(self, service: str, end: int) -> Calm:
        """How far the condition is from holding."""
        seconds = self._seconds(service)
        if seconds is None:
            return Calm(0, 0.0)
        return self.rule.condition.calm(seconds, end)

    def recent(self, service: str, end: int, length_s: int) -> tuple[int, ...]:
        """The count of each of the last seconds."""
        seconds = self._seconds(service)
        if seconds is None:
            return (0,) * length_s
        ends = range(end - length_s + 1, end + 1)
        return tuple(seconds.errors(at - 1, at) for at in ends)

    def is_filling(self, service: str, reached: int) -> bool:
        """Whether the window still holds lines, so that its share can change."""
        seconds = self._seconds(service)
        if seconds is None:
            return False
        return seconds.newest > reached - self.rule.condition.window_s
