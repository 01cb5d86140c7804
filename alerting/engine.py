"""Frames in, decisions out: the rule, the evidence and the reducer of all services.

Pure: no I/O, no clock. The same engine runs live and over history. Frames must come
in the order of log-metrics; every decision depends on them and on `now` alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from alerting.burst import BurstDetector, BurstRule, Calm
from alerting.evidence import Evidence, Trail
from alerting.group import Group
from alerting.happening import Event, Hold, Observed, Progress, Release, Stalled, Tell
from alerting.incident import BURST, Arrival, Incident, Kind, Policy, Reason
from alerting.reducer import reduce
from alerting.rules.condition import Near
from alerting.rules.rule import Rule
from alerting.rules.watch import Asked, Seen, Sign, Watch
from alerting.rules.working import Working
from alerting.tiling import Fit, Place, Tiling
from tocsin.records.frames import Frame, Pane
from tocsin.values import Level

SPARK_S = 60
_MAX_STEPS_S = 600  # seconds of the watermark that are looked at one by one
_MAX_TRAILS = 20_000
_DOWN_AFTER_S = 30.0
_NOTHING = Evidence()
_ERROR, _FATAL = int(Level.ERROR), int(Level.FATAL)  # an enum's are slow to look up
_Key = tuple[str, Group]  # rule, and what its incident is of


@dataclass(frozen=True, slots=True)
class Outcome:
    """Something to tell: the incident afterwards, and its errors of the last minute."""

    incident: Incident
    kind: Kind
    spark: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """What one frame led to; `missing`: offsets that no frame told of."""

    fit: Fit
    missing: int
    outcomes: tuple[Outcome, ...]


class Engine:
    """The whole of alerting's state, rebuilt from incidents and recent frames.

    `reasons` counts decisions of rules, also those to do nothing; `dropped` counts
    lines that were too late for the ring. Whoever reads them may clear them.
    """

    def __init__(
        self,
        rule: BurstRule,
        policy: Policy,
        *,
        rules: Iterable[Rule] = (),
        incidents: Iterable[Incident] = (),
    ) -> None:
        self._policy, self._rule = policy, rule
        self._detector = BurstDetector(rule)
        self._working = Working(rules, self._detector.seconds_of)
        self._processed_at = 0.0  # when the frame in hand was made
        self._tiling = Tiling()
        self._trails: dict[str, Trail] = {}
        self._groups: dict[str, Group] = {}  # of whole services
        self._incidents: dict[_Key, Incident] = {}
        self._checked: int | None = None
        self._counted: tuple[str, ...] | None = None  # by the last frame
        self.uncounted: list[str] = []  # rules that cannot see their lines
        self._changed: dict[str, Incident] = {}
        self.reasons: Counter[tuple[str, Reason]] = Counter()
        self.dropped = 0
        for incident in incidents:
            self._restore(incident)

    @property
    def incidents(self) -> list[Incident]:
        """The latest incident of every rule and service that had one."""
        return list(self._incidents.values())

    @property
    def watermark(self) -> float | None:
        """How far the time of all sources has come."""
        return self._tiling.watermark

    @property
    def positions(self) -> dict[int, Place]:
        """Up to where the frames of each source are decided on."""
        return self._tiling.positions

    def usual_rate(self, service: str, second: int) -> float:
        """The errors a second that are expected of a service now."""
        return self._detector.usual_rate(service, second)

    def changed(self) -> list[Incident]:
        """The incidents that changed since the last call, as they are now."""
        changed = list(self._changed.values())
        self._changed.clear()
        return changed

    def forget(self, incidents: Iterable[Incident]) -> None:
        """Let go of old incidents."""
        for incident in incidents:
            if self._incidents.get(incident.key) == incident:
                del self._incidents[incident.key]

    def hear(self, collectors: Mapping[str, float], now: float) -> None:
        """When the collector of each host was last heard of; who is not named lives."""
        down = {host for host, at in collectors.items() if now - at > _DOWN_AFTER_S}
        self._working.hear(frozenset(down))

    def next_due(self) -> int | None:
        """The next second at which a rule may fire though no line comes."""
        return self._working.next_due()

    def new_templates(self) -> Counter[str]:
        """How many templates were new to rules since the last call, by service."""
        return self._working.new_templates()

    def remembered(self) -> dict[bytes, bytes | None]:
        """Rows of what rules remember that changed since the last call."""
        return self._working.remembered()

    def recall(self, rows: Mapping[bytes, bytes]) -> None:
        """Take in what rules remembered in an earlier run, before any frame."""
        self._working.restore(rows)

    def resume(self, positions: Mapping[int, Place]) -> None:
        """Go on after the frames that were decided on in an earlier run."""
        self._tiling.resume(positions)
        self._working.new_templates()  # they were told of

    def warm(self, frame: Frame) -> None:
        """Learn from a frame that was decided on before."""
        self._see(frame)
        fit, _ = self._tiling.take(frame)
        if fit.counts:
            settled = self._whole_watermark()
            for panes in _by_second(frame.panes):
                seen = self._learn(panes, settled)
                if seen is not None:
                    self._working.learn(seen)
        reached = self._whole_watermark()
        if reached is not None:
            self._working.pass_by(_next(self._checked, reached), reached)
        self._checked = reached

    def take(self, frame: Frame, now: float) -> Step:
        """Decide on what a frame tells."""
        self._see(frame)
        fit, missing = self._tiling.take(frame)
        if not fit.counts:
            return Step(fit, missing, ())
        outcomes: list[Outcome] = []
        stale = sum(x.stale and x.errors > 0 for x in frame.panes)
        self.reasons[BURST, Reason.TOO_OLD] += stale
        settled = self._whole_watermark()
        self._processed_at = frame.processed_at
        for panes in _by_second(frame.panes):
            seen = self._learn(panes, settled)
            if seen is None:
                continue
            if seen.errors:
                outcomes += self._observe(seen, now)
            for watch, asked in self._working.learn(seen):
                outcomes += self._observe_rule(watch, asked, now)
        outcomes += self._advance(now)
        return Step(fit, missing, tuple(outcomes))

    def _see(self, frame: Frame) -> None:
        if frame.counted != self._counted:
            self._counted = frame.counted
            self.uncounted = self._working.see(frame.counted)

    def near(self, service: str, second: int) -> Iterator[tuple[str, Group, Near]]:
        """How near each rule is to firing; for an engine that sees one service alone.

        `second`: the last one with lines.
        """
        own = Group(service)
        yield BURST, own, self._near_burst(service, second)
        yield from self._working.near(own, second, self._checked)

    def _near_burst(self, service: str, second: int) -> Near:
        """The first condition that is not met, in numbers."""
        rule, seconds = self._rule, self._detector.seconds_of(service)
        longest_s = max(rule.windows_s)
        count = 0 if seconds is None else seconds.errors(second - longest_s, second)
        why = f"{count:,} ERROR in {longest_s} s"
        if count < rule.min_count:
            return Near(
                0.5 * count / rule.min_count, f"{why}, {rule.min_count} at least"
            )
        usual = self._detector.usual_rate(service, second) * longest_s
        why += (
            f", usual are {usual:.1f}; it takes {rule.warning_factor:g} times as many"
        )
        share = count / max(usual * rule.warning_factor, 0.1)
        if self._detector.judge(service, second) is not None:
            return Near(1.0, why)
        return Near(min(share, 0.99), f"{why}, and more than chance and its own noise")

    def tick(self, now: float) -> list[Outcome]:
        """Notice that frames fail to come; call it each second or so."""
        if not self._tiling.silent_sources(now):
            return []
        second = self._whole_watermark() or int(now)
        outcomes: list[Outcome] = []
        for key, incident in list(self._incidents.items()):
            if incident.is_open:
                outcomes += self._follow(key, Stalled(), second, now)
        return outcomes

    def _restore(self, incident: Incident) -> None:
        kept = self._incidents.get(incident.key)
        if kept is None or kept.detected_at < incident.detected_at:
            self._incidents[incident.key] = incident
            self._working.note(incident)
        if incident.rule != BURST:
            return
        until = None if incident.resolved_at is None else int(incident.resolved_at)
        self._detector.restore(incident.service, int(incident.opened_at), until)

    def _learn(self, panes: Sequence[Pane], settled: int | None) -> Seen | None:
        """Count the panes of one service and second; None where they are too late."""
        pane = panes[0]
        service, second = pane.service, pane.second
        counts = pane.counts
        errors, lines = counts[_ERROR] + counts[_FATAL], sum(counts)
        for other in panes[1:]:
            errors += other.errors
            lines += other.lines
        counted = self._detector.observe(
            service,
            second,
            errors=errors,
            lines=lines,
            settled=second if settled is None else settled,
        )
        if not counted:
            self.dropped += lines
            return None
        if errors:
            self._trail(service).add(panes)
        group = self._groups.get(service)
        if group is None:
            if len(self._groups) >= _MAX_TRAILS:
                self._groups.clear()
            group = self._groups[service] = Group(service)
        return Seen(group, panes, errors, lines)

    def _trail(self, service: str) -> Trail:
        trail = self._trails.get(service)
        if trail is None:
            if len(self._trails) >= _MAX_TRAILS:
                del self._trails[next(iter(self._trails))]
            trail = self._trails[service] = Trail()
        return trail

    def _observe(self, seen: Seen, now: float) -> list[Outcome]:
        service, panes, second = seen.service, seen.panes, seen.second
        burst = self._detector.judge_since(service, second)
        state = self._incidents.get((BURST, seen.group))
        is_open = state is not None and state.is_open
        if burst is None and not is_open:
            self.reasons[BURST, Reason.NOT_FIRING] += 1
            return []
        trail = self._trails[service]
        window, span_s, end = _NOTHING, 1, second
        if burst is not None and not is_open:
            span_s, end = burst.window_s, burst.second
            window = trail.window(burst.second, burst.window_s, errors=burst.count)
        since = int(state.opened_at) - 1 if state is not None else second
        event = Observed(
            rule=BURST,
            of=seen.group,
            second=second,
            errors=seen.errors,
            peak=max(self._detector.recent(service, end, span_s)),
            burst=burst,
            window=window,
            added=trail.of_panes(panes, since=since),
            arrival=_arrival(panes, self._processed_at),
            later=self._later((BURST, Group(service)), burst.second) if burst else 0,
        )
        return self._decide(event, second, now)

    def _later(self, key: _Key, second: int) -> int:
        """Errors of seconds after this one that are known already."""
        rule, group = key
        seconds = self._detector.seconds_of(group.service) if rule == BURST else None
        return 0 if seconds is None else seconds.errors(second, seconds.newest)

    def _observe_rule(self, watch: Watch, asked: Asked, now: float) -> list[Outcome]:
        """Ask a rule about its lines, unless it waits, and follow its incident."""
        group, panes = asked.group, asked.panes
        second = panes[0].second
        state = self._incidents.get((watch.name, group))
        is_open = state is not None and state.is_open
        sign = None if watch.waits else watch.judge_since(group, second)
        if sign is None and not is_open:
            self.reasons[watch.name, Reason.NOT_FIRING] += 1
            return []
        trail = self._trail_of(watch, group)
        since = int(state.opened_at) - 1 if state is not None else second
        added = trail.of_panes(panes, since=since) if trail else _NOTHING
        found = (x for pane in panes for x in pane.templates)
        wanted = {x.template_id for x in found if watch.wants(group, x)}
        event = self._event(watch, group, second, sign, count=asked.lines)
        event = replace(
            event, added=added.only(wanted), arrival=_arrival(panes, self._processed_at)
        )
        return self._decide(event, second, now)

    def _event(
        self, watch: Watch, group: Group, second: int, sign: Sign | None, *, count: int
    ) -> Observed:
        window, peak = _NOTHING, count
        if sign is not None:
            trail = self._trail_of(watch, group)
            window = watch.evidence(group, sign.burst, trail or Trail())
            span_s = max(1, min(sign.burst.window_s, SPARK_S))
            peak = max(watch.recent(group, second, span_s), default=count)
        return Observed(
            rule=watch.name,
            of=group,
            second=second,
            errors=count,
            peak=peak,
            burst=sign.burst if sign else None,
            window=window,
            added=_NOTHING,
            arrival=Arrival(),
            headline=sign.headline if sign else "",
            are_errors=watch.are_errors,
            why=sign.why if sign else "",
        )

    def _trail_of(self, watch: Watch, group: Group) -> Trail | None:
        return watch.trail(group) or self._trails.get(group.service)

    def _ask(
        self, due: Iterable[tuple[Watch, int, Group]], now: float
    ) -> list[Outcome]:
        """Ask rules about seconds that are over now."""
        outcomes: list[Outcome] = []
        for watch, second, group in due:
            sign = watch.judge(group, second)
            if sign is None:
                self.reasons[watch.name, Reason.NOT_FIRING] += 1
            else:
                event = self._event(watch, group, second, sign, count=0)
                outcomes += self._decide(event, second, now)
        return outcomes

    def _advance(self, now: float) -> list[Outcome]:
        """Take open incidents through the seconds that the watermark has passed."""
        reached = self._whole_watermark()
        if reached is None or (self._checked is not None and reached <= self._checked):
            return []
        start = _next(self._checked, reached)
        self._checked = reached
        outcomes = self._ask(self._working.due(start, reached), now)
        for rule, count in self._working.held_back().items():
            self.reasons[rule, Reason.COLLECTOR_DOWN] += count
        for incident in [x for x in self._incidents.values() if x.is_open]:
            key = incident.key
            first = max(start, reached - _MAX_STEPS_S, int(incident.fired_at))
            for second in range(first, reached + 1):
                if not self._incidents[key].is_open:
                    break
                calm = self._calm(key, second)
                event = Progress(second, calm, self._later(key, second))
                outcomes += self._follow(key, event, second, now)
        outcomes += self._ask(self._working.due_of_composites(start, reached), now)
        return outcomes

    def _spark(self, watch: Watch | None, group: Group, second: int) -> tuple[int, ...]:
        if watch is None:
            return self._detector.recent(group.service, second, SPARK_S)
        return watch.recent(group, second, SPARK_S)

    def _whole_watermark(self) -> int | None:
        """The last second that the watermark has left behind."""
        watermark = self._tiling.watermark
        return None if watermark is None else int(watermark) - 1

    def _calm(self, key: _Key, second: int) -> Calm:
        rule, group = key
        if rule == BURST:
            return self._detector.calm(group.service, second)
        watch = self._working.by_name.get(rule)  # None: the rule was taken away
        return Calm(0, 0.0) if watch is None else watch.calm(group, second)

    def _decide(self, event: Observed, second: int, now: float) -> list[Outcome]:
        return self._follow((event.rule, event.of), event, second, now)

    def _follow(
        self, key: _Key, event: Event, second: int, now: float
    ) -> list[Outcome]:
        rule, group = key
        watch = self._working.by_name.get(rule)
        policy = self._policy if watch is None else watch.policy
        before = self._incidents.get(key)
        state, commands, reason = reduce(before, event, now, policy)
        self.reasons[rule, reason] += 1
        if state is None:
            return []
        if state != before:
            self._incidents[key] = state
            self._changed[state.id] = state
            self._working.note(state)
        outcomes = []
        for command in commands:
            match command:
                case Hold(since) if rule == BURST:
                    self._detector.hold(group.service, since)
                case Release(at) if rule == BURST:
                    self._detector.release(group.service, at)
                case Tell(kind):
                    spark = self._spark(watch, group, second)
                    outcomes.append(Outcome(state, kind, spark))
        return outcomes


def _next(checked: int | None, reached: int) -> int:
    return reached if checked is None else checked + 1


def _by_second(panes: Iterable[Pane]) -> Iterator[list[Pane]]:
    """Panes by second and service, in order; those of long ago are left out."""
    groups: dict[tuple[int, str], list[Pane]] = {}
    for pane in panes:
        if not pane.stale:
            key = pane.second, pane.service
            if key in groups:
                groups[key].append(pane)
            else:
                groups[key] = [pane]
    return (groups[key] for key in sorted(groups))


def _arrival(panes: Sequence[Pane], processed_at: float) -> Arrival:
    samples = [x.sample for pane in panes for x in pane.templates]
    last = max(samples, key=lambda x: x.event_at, default=None)
    if last is None:
        newest = max(panes, key=lambda x: x.read_at)
        return Arrival(float(newest.second), newest.read_at, processed_at)
    return Arrival(last.event_at, last.read_at, processed_at)
