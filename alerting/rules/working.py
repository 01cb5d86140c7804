"""All rules of an engine at work: who counts, who is asked, and what is remembered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any

import msgspec

from alerting.group import Group
from alerting.incident import Incident
from alerting.rules.absence import Absence
from alerting.rules.budget import Budget
from alerting.rules.cardinality import Cardinality
from alerting.rules.composite import Composite
from alerting.rules.condition import Near
from alerting.rules.counting import SecondsOf, counters
from alerting.rules.new_pattern import NewPattern
from alerting.rules.rule import Rule
from alerting.rules.watch import Asked, Learner, Seen, Watch
from tocsin.config.expression import Expression, parse_expression

_MAX_SERVICES = 20_000
_Learn = Callable[[Seen], Iterable[tuple[Watch, Asked]]]


class Working:
    """The rules at work, by name. Rows of the table `memories`: see `remembered`."""

    def __init__(self, rules: Iterable[Rule], errors: SecondsOf) -> None:
        rules = list(rules)
        self._needs = {x.name: x.needs for x in rules if x.needs}
        own: list[Learner] = []
        counting: list[Rule] = []
        joined: list[tuple[Rule, Expression]] = []
        self._news: list[NewPattern] = []
        self._absences: list[Absence] = []
        for rule in rules:
            match rule.config.type:
                case "absence":
                    self._absences.append(Absence(rule))
                case "budget":
                    own.append(Budget(rule, rule.config.objective or 0.0))
                case "composite":
                    joined.append((rule, parse_expression(rule.config.when or "")))
                case "cardinality":
                    own.append(Cardinality(rule, rule.config.of or "template"))
                case "new_pattern":
                    self._news.append(NewPattern(rule))
                case _:
                    counting.append(rule)
        self._learners = [
            *counters(counting, errors),
            *self._news,
            *self._absences,
            *own,
        ]
        at_work = (watch for x in self._learners for watch in x.watches)
        self.by_name = {x.name: x for x in at_work}
        self._waiting = [x for x in self.by_name.values() if x.waits]
        self._composites = [Composite(x, when) for x, when in joined]
        self.by_name |= {x.name: x for x in self._composites}
        self._about: dict[str, tuple[list[_Learn], list[_Learn]]] = {}
        self._lost: dict[bytes, bytes | None] = {}

    def learn(self, seen: Seen) -> list[tuple[Watch, Asked]]:
        """Count what was seen of a service; what is to be asked at once."""
        about = self._about.get(seen.service)
        if about is None:
            if len(self._about) >= _MAX_SERVICES:
                self._about.clear()
            about = self._about[seen.service] = self._plan(seen.service)
        asked: list[tuple[Watch, Asked]] = []
        for learn in about[0] if seen.errors else about[1]:
            found = learn(seen)
            if found:
                asked += found
        return asked

    def _plan(self, service: str) -> tuple[list[_Learn], list[_Learn]]:
        """Who counts a service, where it has errors and where it has none."""
        about = [x for x in self._learners if x.is_about(service)]
        always: list[_Learn] = [x.learn for x in about if not x.is_of_errors]
        return [x.learn for x in about], always

    def due(self, start: int, reached: int) -> Iterator[tuple[Watch, int, Group]]:
        """What is to be asked about the seconds that the watermark has passed."""
        for watch in self._waiting:
            for second, group in watch.due(start, reached):
                yield watch, second, group

    def due_of_composites(
        self, start: int, reached: int
    ) -> Iterator[tuple[Watch, int, Group]]:
        """The same of rules about other rules, which are decided on by now."""
        for watch in self._composites:
            for second, group in watch.due(start, reached):
                yield watch, second, group

    def note(self, incident: Incident) -> None:
        """An incident changed."""
        own = self.by_name.get(incident.rule)
        if own is not None and incident.is_open:
            own.open.add(incident.of)
        elif own is not None:
            own.open.discard(incident.of)
        for watch in self._composites:
            watch.note(incident)

    def pass_by(self, start: int, reached: int) -> None:
        """The same for seconds that were decided on in an earlier run."""
        for watch in self._waiting:
            watch.pass_by(start, reached)

    def next_due(self) -> int | None:
        """The next second at which a rule may fire though no line comes."""
        due = (x.next_due() for x in self._waiting)
        return min((x for x in due if x is not None), default=None)

    def near(
        self, own: Group, second: int, reached: int | None
    ) -> Iterator[tuple[str, Group, Near]]:
        """How near each rule is to firing, where all lines are of one service.

        `second`: the last one with lines; `reached`: up to where all are known.
        """
        for watch in self.by_name.values():
            end = reached if watch.waits else second
            for group in watch.groups(own) if end is not None else ():
                found = watch.near(group, end) if end is not None else None
                if found is not None:
                    yield watch.name, group, found

    def hear(self, down: frozenset[str]) -> None:
        """Hosts whose collector is silent."""
        for watch in self._waiting:
            watch.hear(down)

    def see(self, counted: Collection[str] | None) -> list[str]:
        """Frames count this now; the rules that cannot see their lines for that."""
        known = None if counted is None else set(counted)
        for name, needs in self._needs.items():
            is_seen = known is None or known.issuperset(needs)
            self.by_name[name].is_uncounted = not is_seen
        return [x for x in self._needs if self.by_name[x].is_uncounted]

    def new_templates(self) -> Counter[str]:
        """How many new templates services had since the last call."""
        found: Counter[str] = Counter()
        for news in self._news:
            found += news.found
            news.found.clear()
        return found

    def held_back(self) -> dict[str, int]:
        """How often rules told of no silence, as nobody read the files; cleared."""
        found = {x.name: x.held_back for x in self._absences if x.held_back}
        for absence in self._absences:
            absence.held_back = 0
        return found

    def remembered(self) -> dict[bytes, bytes | None]:
        """The rows that changed since they were last asked for."""
        rows, self._lost = self._lost, {}
        for watch in self.by_name.values():
            for group, row in watch.remembered().items():
                rows[_key(watch.name, group)] = row
        return rows

    def restore(self, rows: Mapping[bytes, bytes]) -> None:
        """Go on from what was remembered; rows of rules that are gone are deleted."""
        known: dict[str, dict[Group, bytes]] = {}
        for key, row in rows.items():
            rule, group = _read_key(key)
            if rule in self.by_name:
                known.setdefault(rule, {})[group] = row
            else:
                self._lost[key] = None
        for rule, found in known.items():
            self.by_name[rule].restore(found)


def _key(rule: str, group: Group) -> bytes:
    return msgspec.json.encode((rule, *group))


def _read_key(key: bytes) -> tuple[str, Group]:
    rule, service, labels = msgspec.json.decode(key, type=_KEY)
    return rule, Group(service, labels)


_KEY: Any = tuple[str, str, tuple[tuple[str, str], ...]]
