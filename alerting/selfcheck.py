"""Incidents about Tocsin itself: it lags, loses, misreads times, cannot deliver. Pure.

A monitor that fails in silence is worse than none. Each problem is an incident of the
rule `tocsin`, told and silenced like any other; it opens when the problem has lasted
for its time and is over when it was gone for a minute.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

import msgspec

from alerting.burst import Severity
from alerting.evidence import Evidence
from alerting.incident import (
    SELF,
    Arrival,
    Incident,
    Kind,
    Phase,
    Reason,
    Trigger,
    incident_id,
)
from alerting.message import span
from tocsin.records.frames import Skew

_CALM_S = 60.0
_LAG_S = 120.0
_NEWS_S = 600.0  # what was lost or misread is news for so long
_UNDELIVERED_S = 300.0
_SHOWN = 8
_MAX_SKEWS = 2000
_QUARTER_S, _ZONE_QUARTERS = 900, 14 * 4  # zones are whole quarters of an hour
_MIN_SKEWED = 10  # a line or two with a strange time are no reason to wake anybody


class Problem(Enum):
    """What can be wrong; the value is the headline."""

    NO_FRAMES = "no news from the processor"
    COLLECTOR_DOWN = "a collector is down"
    LAGGING = "alerting sees lines late"
    LOST = "lines were lost before any rule saw them"
    SKEWED = "lines with implausible times"
    UNCOUNTED = "rules cannot see their lines"
    UNDELIVERED = "messages cannot be delivered"

    @property
    def service(self) -> str:
        """What the incident is an incident of; its name is stable."""
        return f"{SELF}-{self.name.lower().replace('_', '-')}"


_AFTER_S = {
    Problem.NO_FRAMES: 60.0,
    Problem.LAGGING: 60.0,
    Problem.UNCOUNTED: 60.0,  # after a change, the processor learns of it, too
    Problem.COLLECTOR_DOWN: 30.0,  # when the bus was away, all rows are old at first
}
_NAMES_WHO = {Problem.COLLECTOR_DOWN, Problem.SKEWED}
_SEVERITY: dict[Problem, Severity] = {
    Problem.NO_FRAMES: "critical",
    Problem.COLLECTOR_DOWN: "critical",
    Problem.LOST: "critical",
}


@dataclass(frozen=True, slots=True)
class Vitals:
    """How Tocsin is; counts are those since the last look, instants Unix seconds.

    `skews`: whose lines those are, as far as it is told.
    `heard_at`: when the processor last said anything; None before it ever did.
    `collectors_down`: the hosts whose collector is. `undelivered_since`: by channel,
    since when its oldest message waits. `uncounted`: the rules whose lines the
    processor does not count.
    """

    now: float
    heard_at: float | None = None
    watermark: float | None = None
    is_idle: bool = True  # the processor had nothing left to read
    missing: int = 0
    skewed: int = 0
    skews: Sequence[Skew] = ()
    collectors_down: Sequence[str] = ()
    uncounted: Sequence[str] = ()
    undelivered_since: Mapping[str, float] = field(default_factory=dict)


class SelfChange(NamedTuple):
    """An incident about Tocsin, and what happened to it."""

    incident: Incident
    kind: Kind


@dataclass(slots=True)
class _Watched:
    since: float | None = None  # the problem is there
    seen_at: float = 0.0
    incident: Incident | None = None


class SelfCheck:
    """Watches every problem; restored from the incidents that are stored."""

    def __init__(self, incidents: Iterable[Incident] = ()) -> None:
        self._watched = {x: _Watched() for x in Problem}
        self._lost: list[tuple[float, int]] = []
        self._skewed: list[tuple[float, int]] = []
        self._skews: list[tuple[float, Skew]] = []
        by_service = {x.service: x for x in Problem}
        for incident in incidents:
            problem = by_service.get(incident.service)
            if incident.rule == SELF and incident.is_open and problem is not None:
                self._watched[problem].incident = incident
                self._watched[problem].seen_at = incident.detected_at

    def look(self, vitals: Vitals) -> list[SelfChange]:
        """Take a look, each second or so; what changed."""
        self._count(vitals)
        changes = []
        for problem, watched in self._watched.items():
            why = self._why(problem, vitals)
            change = _step(problem, watched, why, vitals.now)
            if change is not None:
                changes.append(change)
        return changes

    def _count(self, vitals: Vitals) -> None:
        now = vitals.now
        self._lost = _recent(self._lost, now, vitals.missing)
        self._skewed = _recent(self._skewed, now, vitals.skewed)
        kept = (x for x in self._skews if x[0] > now - _NEWS_S)
        self._skews = [*kept, *((now, x) for x in vitals.skews)][-_MAX_SKEWS:]

    def _why(self, problem: Problem, vitals: Vitals) -> str:  # noqa: PLR0911 - one each
        """What is wrong in one sentence; empty where nothing is."""
        match problem:
            case Problem.NO_FRAMES:
                return _no_frames(vitals)
            case Problem.LAGGING:
                return _lagging(vitals)
            case Problem.COLLECTOR_DOWN:
                return _collectors_down(vitals.collectors_down)
            case Problem.LOST:
                lost = sum(x for _, x in self._lost)
                return f"{lost:,} lines in the last 10 m" if lost else ""
            case Problem.SKEWED:
                skewed = sum(x for _, x in self._skewed)
                enough = skewed >= _MIN_SKEWED
                return _skewed(skewed, (x for _, x in self._skews)) if enough else ""
            case Problem.UNCOUNTED:
                return _uncounted(vitals.uncounted)
            case Problem.UNDELIVERED:
                return _undelivered(vitals)


def _no_frames(vitals: Vitals) -> str:
    if vitals.heard_at is None or vitals.now - vitals.heard_at < _CALM_S:
        return ""
    silent_s = vitals.now - vitals.heard_at
    return f"nothing for {silent_s:.0f} s: whether services err is not known"


def _lagging(vitals: Vitals) -> str:
    if vitals.watermark is None or vitals.is_idle:
        return ""
    lag_s = vitals.now - vitals.watermark
    return f"{lag_s:.0f} s behind: pages come that late" if lag_s > _LAG_S else ""


def _collectors_down(hosts: Sequence[str]) -> str:
    if not hosts:
        return ""
    what = "whether services there err or are silent is not known"
    return f"on {_some(hosts)}: {what}"


def _uncounted(rules: Sequence[str]) -> str:
    if not rules:
        return ""
    what = "the processor counts nothing for them; give it the same alerting.rules"
    return f"{_some(rules)}: {what}"


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_SHOWN])
    return shown + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")


def _skewed(lines: int, skews: Iterable[Skew]) -> str:
    """How far whose clocks are off, the one with the most lines first."""
    places: dict[tuple[str, str], Skew] = {}
    for skew in skews:  # the newest says how far, all say how many
        before = places.get((skew.service, skew.host))
        total = skew.lines + (before.lines if before else 0)
        places[skew.service, skew.host] = msgspec.structs.replace(skew, lines=total)
    ranked = sorted(places.values(), key=lambda x: -x.lines)
    whose = [f"{x.service} on {x.host} is {_off(x.off_s)}" for x in ranked]
    told = _some(whose) or "check clocks and time zones"
    return f"{told}: {lines:,} lines in the last 10 m"


def _off(off_s: float) -> str:
    """How far a clock is off, and whether that is what a time zone would make."""
    size = abs(off_s)
    way = "ahead" if off_s > 0 else "behind"
    quarters = round(size / _QUARTER_S)
    zone_s = quarters * _QUARTER_S
    if 0 < quarters <= _ZONE_QUARTERS and abs(size - zone_s) < 60:
        return f"{span(zone_s)} {way} (a time zone?)"
    far = f"{size / 86_400:,.0f} days" if size >= 2 * 86_400 else span(size)
    return f"{far} {way}"


def _undelivered(vitals: Vitals) -> str:
    late = [
        channel
        for channel, since in vitals.undelivered_since.items()
        if vitals.now - since > _UNDELIVERED_S
    ]
    return f"not for over 5 m in {', '.join(sorted(late))}" if late else ""


def _recent(
    counted: list[tuple[float, int]], now: float, count: int
) -> list[tuple[float, int]]:
    kept = [x for x in counted if x[0] > now - _NEWS_S]
    return [*kept, (now, count)] if count else kept


def _step(
    problem: Problem, watched: _Watched, why: str, now: float
) -> SelfChange | None:
    if why:
        watched.seen_at = now
        watched.since = now if watched.since is None else watched.since
        lasted_s = now - watched.since
        if watched.incident is None and lasted_s >= _AFTER_S.get(problem, 0.0):
            watched.incident = _opened(problem, why, watched.since, now)
            return SelfChange(watched.incident, "opened")
        return _renewed(problem, watched, why, now)
    watched.since = None
    if watched.incident is None or now - watched.seen_at < _CALM_S:
        return None
    done = _resolved(watched.incident, watched.seen_at, now)
    watched.incident = None
    return SelfChange(done, "resolved")


def _renewed(
    problem: Problem, watched: _Watched, why: str, now: float
) -> SelfChange | None:
    """Tell that others are concerned now; that numbers grow is no news."""
    incident = watched.incident
    if incident is None or problem not in _NAMES_WHO:
        return None
    if _who(problem, incident.why) == _who(problem, why):
        return None
    watched.incident = msgspec.structs.replace(
        incident, why=why, sequence=incident.sequence + 1, edited_at=now
    )
    return SelfChange(watched.incident, "updated")


def _who(problem: Problem, why: str) -> str:
    return why.rpartition(": ")[0] if problem is Problem.SKEWED else why


def _opened(problem: Problem, why: str, since: float, now: float) -> Incident:
    return Incident(
        id=incident_id(SELF, problem.service, int(since)),
        rule=SELF,
        service=problem.service,
        phase=Phase.OPEN,
        severity=_SEVERITY.get(problem, "warning"),
        sequence=1,
        paged=True,
        opened_at=since,
        fired_at=now,
        detected_at=now,
        edited_at=now,
        trigger=Trigger(0, 0, 0.0, 0.0, 0.0, 0.0),
        errors=0,
        peak=0,
        evidence=Evidence(),
        arrival=Arrival(),
        headline=problem.value,
        why=why,
    )


def _resolved(incident: Incident, seen_at: float, now: float) -> Incident:
    return msgspec.structs.replace(
        incident,
        phase=Phase.RESOLVED,
        sequence=incident.sequence + 1,
        quiet_since=seen_at,
        resolved_at=now,
        reason=Reason.RESOLVED.name,
    )
