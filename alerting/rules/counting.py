"""Rules that count: what they ask of the seconds of their groups.

Rules that count the same lines share one counter. Where groups are services, all lines
are those that the default rule counted, and of others only the seconds that have some
are kept. So a rule more costs its questions and little memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from math import ceil

from alerting.burst import Burst, Calm
from alerting.evidence import Trail
from alerting.group import Group
from alerting.rules.change import Change
from alerting.rules.condition import Condition, Counts, Near
from alerting.rules.ratio import Ratio
from alerting.rules.rule import Rule
from alerting.rules.selection import Part, Selection
from alerting.rules.threshold import Threshold
from alerting.rules.watch import Asked, Learner, Seen, Sign, Watch
from alerting.seconds import KEPT_S, AllLines, Beside, Few, Seconds
from tocsin.records.frames import TemplateCount
from tocsin.values import Level

_MAX_GROUPS = 20_000
_MAX_STEPS_S = 600  # seconds of the watermark that are looked at one by one

SecondsOf = Callable[[str], Seconds | None]
"""The seconds of a service, None where it has none."""


class Counting(Watch):
    """A rule with a condition on counts, and the seconds that it asks about."""

    def __init__(
        self,
        rule: Rule,
        seconds: Callable[[Group], Counts | None],
        trails: Mapping[Group, Trail],
        groups: Mapping[Group, object] | None = None,
    ) -> None:
        super().__init__(rule.name, rule.policy)
        self.are_errors = rule.lines.are_errors
        self._all = groups
        self.condition = condition_of(rule)
        self.waits = self.condition.waits
        self._rule = rule
        self._seconds = seconds
        self._trails = trails
        self._floor = self.condition.floor
        self._window_s = self.condition.window_s
        self._filling: dict[Group, int] = {}  # to be asked at the watermark

    def is_about(self, service: str) -> bool:
        """Whether the rule watches a service."""
        return self._rule.lines.is_about(service)

    def has_reason(self, group: Group, second: int, seconds: Counts) -> bool:
        """Whether lines of a group that came are to be asked about now, or followed."""
        if self.waits:
            self._filling[group] = max(second, self._filling.get(group, 0))
            return group in self.open
        window_s = self._window_s
        # A line that comes late is in windows that ended later, too.
        last = min(max(seconds.newest, second), second + window_s - 1)
        count = seconds.errors(second - window_s, last)
        return count >= self._floor or group in self.open

    def due(self, start: int, reached: int) -> Iterator[tuple[int, Group]]:
        """Each second that is over, while a window still holds lines that count."""
        first = max(start, reached - _MAX_STEPS_S)
        for group in sorted(self._filling):
            yield from ((second, group) for second in range(first, reached + 1))
        self.pass_by(start, reached)

    def pass_by(self, start: int, reached: int) -> None:  # noqa: ARG002 - as `due`
        """Only windows that still hold lines are asked about later."""
        after = reached - self._window_s
        self._filling = {x: at for x, at in self._filling.items() if at > after}

    def judge(self, group: Group, end: int) -> Sign | None:
        """Whether the condition holds in the window that ends with `end`, and why."""
        seconds = self._seconds(group)
        found = None if seconds is None else self.condition.judge(seconds, end)
        if seconds is None or found is None:
            return None
        burst = Burst(
            second=end,
            window_s=end - _before_first(seconds, end - self._window_s, end),
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

    def near(self, group: Group, end: int) -> Near | None:
        """How near the condition is to holding."""
        seconds = self._seconds(group)
        return None if seconds is None else self.condition.near(seconds, end)

    def groups(self, own: Group) -> Iterable[Group]:
        """Those that are counted, or the service."""
        return (own,) if self._all is None else tuple(self._all)

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


class _OfServices(Learner):
    """Groups are services; `about` says which rules watch one."""

    def __init__(self, watches: Sequence[Counting]) -> None:
        self._watches = watches
        self._about: dict[str, list[Counting]] = {}

    @property
    def watches(self) -> Sequence[Counting]:
        """The rules that count these lines."""
        return self._watches

    def is_about(self, service: str) -> bool:
        """Whether some rule watches a service."""
        return any(x.is_about(service) for x in self._watches)

    def asked(
        self, seen: Seen, count: int, seconds: Counts
    ) -> Iterable[tuple[Watch, Asked]]:
        """What is to be asked about lines that count."""
        about = self._about.get(seen.service)
        if about is None:
            if len(self._about) >= _MAX_GROUPS:
                self._about.clear()
            about = [x for x in self._watches if x.is_about(seen.service)]
            self._about[seen.service] = about
        group, second = seen.group, seen.second
        asked = [x for x in about if x.has_reason(group, second, seconds)]
        if not asked:
            return ()
        return [(x, Asked(group, count, seen.panes)) for x in asked]


class Errors(_OfServices):
    """ERROR and FATAL lines: the default rule has counted them."""

    def __init__(self, rules: Sequence[Rule], seconds: SecondsOf) -> None:
        self._of = seconds
        watches = [Counting(x, lambda x: seconds(x.service), {}) for x in rules]
        super().__init__(watches)

    @property
    def is_of_errors(self) -> bool:
        """Of nothing else."""
        return True

    def learn(self, seen: Seen) -> Iterable[tuple[Watch, Asked]]:
        """What the default rule has counted."""
        seconds = self._of(seen.service) if seen.errors else None
        return () if seconds is None else self.asked(seen, seen.errors, seconds)


class Lines(_OfServices):
    """All lines: the default rule has counted them, too."""

    def __init__(self, rules: Sequence[Rule], seconds: SecondsOf) -> None:
        self._of = seconds
        super().__init__([Counting(x, self._lines, {}) for x in rules])

    def learn(self, seen: Seen) -> Iterable[tuple[Watch, Asked]]:
        """What the default rule has counted."""
        seconds = self._lines(seen.group)
        return () if seconds is None else self.asked(seen, seen.lines, seconds)

    def _lines(self, group: Group) -> Counts | None:
        seconds = self._of(group.service)
        return None if seconds is None else AllLines(seconds)


class Some(_OfServices):
    """Other lines of services, such as those of a template: seconds that have some."""

    def __init__(self, rules: Sequence[Rule], seconds: SecondsOf) -> None:
        self._of = seconds
        self._lines = rules[0].lines  # of any of those that count the same
        self._few: dict[Group, Few] = {}
        super().__init__([Counting(x, self._beside, {}) for x in rules])

    @property
    def is_of_errors(self) -> bool:
        """Whether the lines that it counts are."""
        return self._lines.is_of_errors

    def learn(self, seen: Seen) -> Iterable[tuple[Watch, Asked]]:
        """Count lines."""
        count = sum(map(self._lines.count, seen.panes))
        if not count:
            return ()
        few = self._few.get(seen.group)
        if few is None:
            if len(self._few) >= _MAX_GROUPS:
                del self._few[next(iter(self._few))]
            few = self._few[seen.group] = Few()
        few.add(seen.second, count)
        seconds = self._beside(seen.group)
        return () if seconds is None else self.asked(seen, count, seconds)

    def _beside(self, group: Group) -> Counts | None:
        seconds = self._of(group.service)
        few = self._few.get(group)
        return None if seconds is None or few is None else Beside(few, seconds)


class Split(Learner):
    """Lines by groups of other kinds; 4 KiB a group."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._lines = rules[0].lines  # of any of those that count the same
        self._is_rare = self._lines.is_rare
        self._seconds: dict[Group, Seconds] = {}
        self._trails: dict[Group, Trail] = {}
        counted, trails = self._seconds, self._trails
        self._watches = [Counting(x, counted.get, trails, counted) for x in rules]

    @property
    def watches(self) -> Sequence[Counting]:
        """The rules that count these lines."""
        return self._watches

    @property
    def is_of_errors(self) -> bool:
        """Whether they are, and nothing is to be known where there are none."""
        return self._lines.is_rare and self._lines.is_of_errors

    def is_about(self, service: str) -> bool:
        """Whether some rule watches a service."""
        return any(x.is_about(service) for x in self._watches)

    def learn(self, seen: Seen) -> Iterable[tuple[Watch, Asked]]:
        """Count lines, by group."""
        if self._is_rare and not any(x.tallies for x in seen.panes):
            return ()
        about = [x for x in self._watches if x.is_about(seen.service)]
        asked: list[tuple[Watch, Asked]] = []
        for part in self._lines.parts(seen.panes):
            seconds = self._add(part, seen.second)
            if seconds is None or not part.count:
                continue
            found = [x for x in about if x.has_reason(part.group, seen.second, seconds)]
            asked += [(x, Asked(part.group, part.count, part.panes)) for x in found]
        return asked

    def _add(self, part: Part, second: int) -> Seconds | None:
        seconds = self._seconds.get(part.group)
        if seconds is None:
            self._make_room()
            seconds = self._seconds[part.group] = Seconds(second)
        if second <= seconds.newest - KEPT_S:
            return None
        if second > seconds.newest:
            seconds.append(second, part.count, part.lines)
        else:
            seconds.add(second, part.count, part.lines)
        if self._lines.is_by_origin and part.count:
            trail = self._trails.setdefault(part.group, Trail())
            trail.add(part.panes)
        return seconds

    def _make_room(self) -> None:
        if len(self._seconds) < _MAX_GROUPS:
            return
        by_age = sorted(self._seconds, key=lambda x: self._seconds[x].newest)
        for group in by_age[: ceil(_MAX_GROUPS / 100)]:
            del self._seconds[group]
            self._trails.pop(group, None)


def _before_first(seconds: Counts, after: int, end: int) -> int:
    """The last second of a window before any line that counts: then it began."""
    if not seconds.errors(after, end):
        return after
    last = end
    while last - after > 1:
        middle = (after + last) // 2
        if seconds.errors(after, middle):
            last = middle
        else:
            after = middle
    return after


def _weight(sign: Sign) -> tuple[bool, int]:
    return sign.burst.severity == "critical", sign.burst.count


def counters(rules: Iterable[Rule], seconds: SecondsOf) -> list[Learner]:
    """The counters that rules need; `seconds`: what the default rule counts."""
    kinds: dict[object, list[Rule]] = {}
    for rule in rules:
        kinds.setdefault(rule.lines.kind, []).append(rule)
    return [_counter(same, seconds) for same in kinds.values()]


def _counter(rules: Sequence[Rule], seconds: SecondsOf) -> Learner:
    kind = rules[0].lines.kind
    if kind == Selection().kind:
        return Errors(rules, seconds)
    if kind == Selection(levels=tuple(Level)).kind:
        return Lines(rules, seconds)
    if rules[0].lines.is_plain:
        return Some(rules, seconds)
    return Split(rules)


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
