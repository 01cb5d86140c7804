"""composite: other rules hold together, or one without another.

A rule holds for a group while an incident of it is open, and for a window after it was
resolved. An incident of several services, or one that lacks what the composite groups
by, holds for every group. It is asked when the watermark passed a second, so neither
the order nor the place of lines matters: `a and not b` says nothing of a second before
all that b says of it is known.

It knows nothing but incidents, which are stored: so a restart changes nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from alerting.burst import Burst, Calm, Severity
from alerting.evidence import Evidence, TemplateTally, Trail
from alerting.group import Group
from alerting.incident import Incident
from alerting.rules.condition import Near
from alerting.rules.rule import Rule
from alerting.rules.watch import Sign, Watch
from alerting.text import cut, one_line
from tocsin.config.expression import Expression

_MAX_STEPS_S = 600
_AGAIN_S = 60
_SHOWN, _SHOWN_CHARS = 3, 120


class Composite(Watch):
    """Follows the incidents of its parts, and its own."""

    waits = True

    def __init__(self, rule: Rule, when: Expression) -> None:
        super().__init__(rule.name, rule.policy)
        self._levels = rule.levels
        self._window_s = rule.window_s
        self._when = when
        self._names = frozenset(when.names)
        self._by = [x.partition(".")[2] or x for x in rule.config.by]
        self._services = rule.lines
        # By service, or together where it does not go by it: a storm has thousands.
        self._parts: dict[str, dict[tuple[str, Group], Incident]] = {}
        self._own: dict[Group, Incident] = {}

    def note(self, incident: Incident) -> None:
        """An incident changed."""
        if incident.rule in self._names and not incident.is_pending:
            service = incident.service if "service" in self._by else ""
            self._parts.setdefault(service, {})[incident.key] = incident
        if incident.rule == self.name:
            self._own[incident.of] = incident

    def due(self, start: int, reached: int) -> Iterator[tuple[int, Group]]:
        """Each second, and each group for which a part holds in it."""
        self._forget(reached)
        if not self._parts:
            return
        for second in range(max(start, reached - _MAX_STEPS_S), reached + 1):
            for group in sorted(self._groups(second)):
                if self._is_news(group, second):
                    yield second, group

    def judge(self, group: Group, end: int) -> Sign | None:
        """Whether the expression is true of the parts."""
        held = self._held(group, end)
        if not self._when.holds(held.keys()):
            return None
        parts = sorted(
            (x for some in held.values() for x in some), key=lambda x: x.opened_at
        )
        severity = self._severity(parts, len(held))
        if severity is None:
            return None
        length_s = max(1, end - int(max(x.fired_at for x in parts)) + 1)
        burst = Burst(end, length_s, 0, 0, 0.0, 0.0, 0.0, 0.0, severity)
        return Sign(burst, self.name, _why(parts))

    def calm(self, group: Group, end: int) -> Calm:
        """Calm is that the expression is not true."""
        held = self._held(group, end)
        return Calm(int(bool(held) and self._when.holds(held.keys())), 0.0)

    def near(self, group: Group, end: int) -> Near | None:
        """Which of its rules hold."""
        held = self._held(group, end)
        names = self._names
        holding = ", ".join(sorted(held)) or "none"
        missing = ", ".join(sorted(names - held.keys())) or "none"
        share = 1.0 if self._when.holds(held.keys()) else len(held) / len(names) / 2
        return Near(share, f"these hold: {holding}; these do not: {missing}")

    def evidence(self, group: Group, burst: Burst, trail: Trail) -> Evidence:  # noqa: ARG002
        """That of the parts."""
        held = self._held(group, burst.second)
        hosts: dict[str, None] = {}
        templates: dict[str, TemplateTally] = {}
        for part in (x for some in held.values() for x in some):
            hosts |= dict.fromkeys(part.evidence.hosts)
            for tally in part.evidence.templates:
                known = templates.get(tally.template_id)
                if known is None or known.count < tally.count:  # not the same twice
                    templates[tally.template_id] = tally
        return Evidence().merged(Evidence(tuple(templates.values()), tuple(hosts)))

    def _severity(self, parts: Iterable[Incident], count: int) -> Severity | None:
        """By how many rules hold; where nothing is said, as bad as the worst part."""
        if self._levels.warning is not None or self._levels.critical is not None:
            return self._levels.severity(count)
        worst = any(x.severity == "critical" for x in parts)
        return "critical" if worst else "warning"

    def _is_news(self, group: Group, second: int) -> bool:
        own = self._own.get(group)
        if own is None or not own.is_open or own.is_pending:
            return True
        if second % _AGAIN_S == 0:  # what its parts say may have changed
            return True
        sign = self.judge(group, second) if own.severity == "warning" else None
        return sign is not None and sign.burst.severity == "critical"

    def _held(self, group: Group, end: int) -> Mapping[str, list[Incident]]:
        """The incidents that hold for a group at the end of a second, by rule."""
        held: defaultdict[str, list[Incident]] = defaultdict(list)
        services = dict.fromkeys((group.service, ""))
        for incident in (x for y in services for x in self._parts.get(y, {}).values()):
            if self._holds(incident, end) and self._is_of(incident, group):
                held[incident.rule].append(incident)
        return held

    def _holds(self, incident: Incident, end: int) -> bool:
        if incident.fired_at > end:
            return False
        over = incident.resolved_at
        return over is None or end - over < self._window_s

    def _is_of(self, incident: Incident, group: Group) -> bool:
        wanted = {"service": group.service, **dict(group.labels)}
        labels = incident.labels
        return all(labels.get(x) in (None, "", wanted[x]) for x in self._by)

    def _groups(self, end: int) -> set[Group]:
        """The groups that some part names wholly."""
        found = set()
        for incident in (x for some in self._parts.values() for x in some.values()):
            labels = incident.labels
            is_whole = all(labels.get(x) for x in self._by)
            if is_whole and self._holds(incident, end):
                service = incident.service if "service" in self._by else ""
                more = ((x, labels[x]) for x in sorted(self._by) if x != "service")
                if not service or self._services.is_about(service):
                    found.add(Group(service, tuple(more)))
        return found

    def _forget(self, reached: int) -> None:
        old = reached - max(self._window_s, _MAX_STEPS_S)

        def is_kept(incident: Incident) -> bool:
            return incident.resolved_at is None or incident.resolved_at >= old

        for service, known in list(self._parts.items()):
            kept = {key: x for key, x in known.items() if is_kept(x)}
            if kept:
                self._parts[service] = kept
            else:
                del self._parts[service]
        self._own = {x: own for x, own in self._own.items() if is_kept(own)}


def _why(parts: Iterable[Incident]) -> str:
    said = [
        cut(one_line(f"{x.rule}: {x.why or x.headline or x.severity}"), _SHOWN_CHARS)
        for x in parts
    ]
    more = f"; and {len(said) - _SHOWN} more" if len(said) > _SHOWN else ""
    return "; ".join(said[:_SHOWN]) + more
