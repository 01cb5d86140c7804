"""Rules that count: what they ask of the seconds of their groups.

Rules that count the same lines share one counter; those of ERROR and FATAL lines share
that of the default rule. So a rule more costs its questions and no memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from math import ceil

from alerting.burst import Burst, Calm
from alerting.evidence import Trail
from alerting.group import Group
from alerting.rules.change import Change
from alerting.rules.condition import Condition
from alerting.rules.ratio import Ratio
from alerting.rules.rule import Rule
from alerting.rules.selection import Part, Selection
from alerting.rules.threshold import Threshold
from alerting.rules.watch import Asked, Learner, Sign, Watch
from alerting.seconds import KEPT_S, Seconds
from tocsin.records.frames import Pane, TemplateCount

_MAX_GROUPS = 20_000
_MAX_STEPS_S = 600  # seconds of the watermark that are looked at one by one

SecondsOf = Callable[[str], Seconds | None]
"""The seconds of a service, None where it has none."""


class Counting(Watch):
    """A rule with a condition on counts, and the seconds that it asks about."""

    def __init__(
        self,
        rule: Rule,
        seconds: Callable[[Group], Seconds | None],
        trails: Mapping[Group, Trail],
    ) -> None:
        super().__init__(rule.name, rule.policy)
        self.condition = condition_of(rule)
        self.waits = self.condition.waits
        self._rule = rule
        self._seconds = seconds
        self._trails = trails
        self._is_about: dict[str, bool] = {}
        self._filling: set[Group] = set()  # to be asked about at the watermark

    def is_about(self, service: str) -> bool:
        """Whether the rule watches a service."""
        known = self._is_about.get(service)
        if known is None:
            if len(self._is_about) >= _MAX_GROUPS:
                self._is_about.clear()
            known = self._is_about[service] = self._rule.lines.is_about(service)
        return known

    def counted(self, group: Group) -> None:
        """Lines of a group came; a rule that waits asks about it later."""
        if self.waits:
            self._filling.add(group)

    def due(self, start: int, reached: int) -> Iterator[tuple[int, Group]]:
        """Each second that is over, while a window still holds lines."""
        first = max(start, reached - _MAX_STEPS_S)
        for group in sorted(self._filling):
            yield from ((second, group) for second in range(first, reached + 1))
        self.pass_by(start, reached)

    def pass_by(self, start: int, reached: int) -> None:  # noqa: ARG002 - as `due`
        """Only windows that still hold lines are asked about later."""
        self._filling = {x for x in self._filling if self._is_filling(x, reached)}

    def judge(self, group: Group, end: int) -> Sign | None:
        """Whether the condition holds in the window that ends with `end`, and why."""
        seconds = self._seconds(group)
        found = None if seconds is None else self.condition.judge(seconds, end)
        if found is None:
            return None
        burst = Burst(
            second=end,
            window_s=self.condition.window_s,
            count=found.count,
            lines=found.lines,
            expected=found.expected,
            share_before=0.0,
            rate_before=0.0,
            surprise=0.0,
            severity=found.severity,
        )
        return Sign(burst, self.name, found.why)

    def judge_since(self, group: Group, second: int) -> Sign | None:
        """The worst window with a line that comes out of order: it may end later."""
        seconds = self._seconds(group)
        if seconds is None or second >= seconds.newest:
            return self.judge(group, second)
        last = min(seconds.newest, second + self.condition.window_s - 1)
        found = (self.judge(group, end) for end in range(second, last + 1))
        return max((x for x in found if x is not None), key=_weight, default=None)

    def calm(self, group: Group, end: int) -> Calm:
        """How far the condition is from holding."""
        seconds = self._seconds(group)
        return Calm(0, 0.0) if seconds is None else self.condition.calm(seconds, end)

    def recent(self, group: Group, end: int, length_s: int) -> tuple[int, ...]:
        """The count of each of the last seconds."""
        seconds = self._seconds(group)
        if seconds is None:
            return (0,) * length_s
        ends = range(end - length_s + 1, end + 1)
        return tuple(seconds.errors(at - 1, at) for at in ends)

    def wants(self, group: Group, found: TemplateCount) -> bool:
        """Whether it counts the lines of a template."""
        return self._rule.lines.wants_of(group, found)

    def trail(self, group: Group) -> Trail | None:
        """The recent lines of a group of some panes of a service, or of several."""
        return self._trails.get(group)

    def _is_filling(self, group: Group, reached: int) -> bool:
        seconds = self._seconds(group)
        if seconds is None:
            return False
        return seconds.newest > reached - self.condition.window_s


class Counter(Learner):
    """Lines of one kind by group; 8 KiB a group."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._lines = rules[0].lines  # of any of those that count the same
        self._seconds: dict[Group, Seconds] = {}
        self._trails: dict[Group, Trail] = {}
        self._watches = [Counting(x, self._seconds.get, self._trails) for x in rules]

    @property
    def watches(self) -> Sequence[Counting]:
        """The rules that count these lines."""
        return self._watches

    def learn(
        self,
        panes: Sequence[Pane],
        errors: int,  # noqa: ARG002 - of Errors
    ) -> Iterable[tuple[Watch, Asked]]:
        """Count the lines of one service and second."""
        about = [x for x in self._watches if x.is_about(panes[0].service)]
        if not about:
            return ()
        asked: list[tuple[Watch, Asked]] = []
        for part in self._lines.parts(panes):
            if self._add(part, panes[0].second):
                asked += _asked(about, part.group, part.count, part.panes)
        return asked

    def _add(self, part: Part, second: int) -> bool:
        seconds = self._seconds.get(part.group)
        if seconds is None:
            self._make_room()
            seconds = self._seconds[part.group] = Seconds(second)
        if second <= seconds.newest - KEPT_S:
            return False
        if second > seconds.newest:
            seconds.append(second, part.count, part.lines)
        else:
            seconds.add(second, part.count, part.lines)
        if self._lines.is_by_origin and part.count:
            trail = self._trails.setdefault(part.group, Trail())
            trail.add(part.panes)
        return True

    def _make_room(self) -> None:
        if len(self._seconds) < _MAX_GROUPS:
            return
        by_age = sorted(self._seconds, key=lambda x: self._seconds[x].newest)
        for group in by_age[: ceil(_MAX_GROUPS / 100)]:
            del self._seconds[group]
            self._trails.pop(group, None)


class Errors(Learner):
    """The counter of ERROR and FATAL lines: the default rule has counted them."""

    def __init__(self, rules: Sequence[Rule], seconds: SecondsOf) -> None:
        self._watches = [Counting(x, lambda x: seconds(x.service), {}) for x in rules]

    @property
    def watches(self) -> Sequence[Counting]:
        """The rules that count these lines."""
        return self._watches

    def learn(
        self, panes: Sequence[Pane], errors: int
    ) -> Iterable[tuple[Watch, Asked]]:
        """What the default rule has counted."""
        service = panes[0].service
        about = [x for x in self._watches if x.is_about(service)]
        return _asked(about, Group(service), errors, panes)


def _asked(
    about: Iterable[Counting], group: Group, count: int, panes: Sequence[Pane]
) -> Iterable[tuple[Watch, Asked]]:
    asked: list[tuple[Watch, Asked]] = []
    for watch in about:
        watch.counted(group)
        if count:
            asked.append((watch, Asked(group, count, panes)))
    return asked


def _weight(sign: Sign) -> tuple[bool, int]:
    return sign.burst.severity == "critical", sign.burst.count


def counters(rules: Iterable[Rule], errors: SecondsOf) -> list[Learner]:
    """The counters that rules need."""
    kinds: dict[object, list[Rule]] = {}
    for rule in rules:
        kinds.setdefault(rule.lines.kind, []).append(rule)
    usual = Selection().kind
    return [
        Errors(same, errors) if kind == usual else Counter(same)
        for kind, same in kinds.items()
    ]


def condition_of(rule: Rule) -> Condition:
    """What a rule that counts asks of counts."""
    config, noun = rule.config, rule.lines.noun
    match config.type:
        case "ratio":
            return Ratio(rule.window_s, rule.levels, config.min_count, noun)
        case "change":
            return Change(rule.window_s, rule.levels, config.min_count, noun)
        case _:
            return Threshold(rule.window_s, rule.levels, noun)
