"""The life of an incident, as a pure function: state and event in, state and why out.

    none -> open(severity) -> escalated -> resolved -> open again (no new page) -> …

Two clocks: an incident opens on the second that is still open, and resolves only by
progress of the watermark, so a lagging or dead part never looks like calm. `now` is
the wall clock live and the event time in a backtest; it paces edits and decides what
is too old to page.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from alerting.burst import Burst
from alerting.group import Group
from alerting.happening import (
    Command,
    Event,
    Hold,
    Observed,
    Progress,
    Release,
    Stalled,
    Tell,
)
from alerting.incident import (
    FLAPS,
    Incident,
    Kind,
    Phase,
    Policy,
    Reason,
    Trigger,
    incident_id,
)

_FLAP_S = 3600  # reopenings of longer ago are no flapping
_MAX_QUIET_S = 1800.0


class Decision(NamedTuple):
    """The state afterwards, what is to be done, and why."""

    state: Incident | None
    commands: tuple[Command, ...]
    reason: Reason


def reduce(
    state: Incident | None, event: Event, now: float, policy: Policy
) -> Decision:
    """Decide on one event of one key."""
    match event:
        case Observed():
            return _observe(state, event, now, policy)
        case Progress():
            return _progress(state, event, now, policy)
        case Stalled():
            return _stall(state, now, policy)


def _observe(
    state: Incident | None, event: Observed, now: float, policy: Policy
) -> Decision:
    if state is not None and state.is_open:
        return _observe_open(state, event, now, policy)
    if event.burst is None:
        return Decision(state, (), Reason.NOT_FIRING)
    if state is not None and state.resolved_at is not None:
        if event.second <= state.resolved_at:
            return Decision(state, (), Reason.ALREADY_RESOLVED)
        if state.paged and event.second - state.resolved_at <= policy.reopen_s:
            return _reopen(state, event.burst, event, now)
    return _open(event.burst, event, now, policy)


def _open(burst: Burst, event: Observed, now: float, policy: Policy) -> Decision:
    since = burst.second - burst.window_s + 1
    incident = Incident(
        id=incident_id(event.rule, event.of.service, since, *_text(event.of)),
        rule=event.rule,
        service=event.of.service,
        group=dict(event.of.labels),
        phase=Phase.OPEN,
        sequence=0,
        paged=False,
        opened_at=since,
        fired_at=burst.second,
        detected_at=now,
        edited_at=now,
        errors=burst.count + event.later,
        peak=event.peak,
        evidence=event.window,
        arrival=event.arrival,
        severity=burst.severity,
        trigger=_trigger(burst),
        headline=event.headline,
        why=event.why,
        are_errors=event.are_errors,
    )
    hold = Hold(since)
    if policy.for_s > 0:
        waiting = msgspec.structs.replace(
            incident, phase=Phase.PENDING, reason=Reason.PENDING.name
        )
        return Decision(waiting, (hold,), Reason.PENDING)
    return _announce(incident, event, now, policy, hold)


def _announce(
    incident: Incident, event: Observed, now: float, policy: Policy, *more: Command
) -> Decision:
    """Tell of a new incident, if it is not too old."""
    if event.second < now - policy.page_within_s:
        quiet = msgspec.structs.replace(incident, reason=Reason.TOO_OLD.name)
        return Decision(quiet, more, Reason.TOO_OLD)
    return _tell(incident, "opened", Reason.OPENED, now, *more, paged=True)


def _reopen(state: Incident, burst: Burst, event: Observed, now: float) -> Decision:
    # All that came back counts, not only the line that told of it.
    again = msgspec.structs.replace(
        _counted(state, event),
        errors=state.errors + burst.count + event.later,
        phase=Phase.OPEN,
        resolved_at=None,
        quiet_since=None,
        reopened=state.reopened + 1,
        reopenings=(
            *(x for x in state.reopenings if x > event.second - _FLAP_S),
            event.second,
        ),
        fired_at=burst.second,
        severity=burst.severity,
        trigger=_trigger(burst),
    )
    hold = Hold(burst.second - burst.window_s + 1)
    return _tell(again, "reopened", Reason.REOPENED, now, hold)


def _observe_open(
    state: Incident, event: Observed, now: float, policy: Policy
) -> Decision:
    burst = event.burst
    counted = _counted(state, event)
    if burst is not None and burst.count >= state.trigger.count:
        counted = msgspec.structs.replace(
            counted, trigger=_trigger(burst), why=event.why
        )
    if burst is not None and burst.severity == "critical":  # never back while open
        counted = msgspec.structs.replace(
            counted,
            severity="critical",
            has_escalated=counted.has_escalated or state.severity != "critical",
        )
    if state.is_pending:
        return _observe_pending(counted, event, now, policy)
    if not state.paged:
        return _observe_silent(counted, event, now, policy)
    if counted.severity != state.severity:
        return _tell(counted, "escalated", Reason.ESCALATED, now)
    return _edit(counted, now, policy)


def _observe_pending(
    counted: Incident, event: Observed, now: float, policy: Policy
) -> Decision:
    if event.burst is None:
        return Decision(counted, (), Reason.NOT_FIRING)
    firing = msgspec.structs.replace(counted, fired_at=event.second)
    if event.second - counted.opened_at < policy.for_s:
        return Decision(firing, (), Reason.PENDING)
    lasting = msgspec.structs.replace(
        firing, phase=Phase.OPEN, detected_at=now, arrival=event.arrival
    )
    return _announce(lasting, event, now, policy)


def _observe_silent(
    counted: Incident, event: Observed, now: float, policy: Policy
) -> Decision:
    if event.burst is None or event.second < now - policy.page_within_s:
        return Decision(counted, (), Reason.TOO_OLD)
    seen = msgspec.structs.replace(
        counted, detected_at=now, fired_at=event.second, arrival=event.arrival
    )
    return _tell(seen, "opened", Reason.OPENED, now, paged=True)


def _progress(
    state: Incident | None, event: Progress, now: float, policy: Policy
) -> Decision:
    if state is None or not state.is_open:
        return Decision(state, (), Reason.NO_INCIDENT)
    if event.second < state.fired_at:
        return Decision(state, (), Reason.UNCHANGED)
    if state.is_stale:
        state = msgspec.structs.replace(state, is_stale=False, is_dirty=True)
    if not event.calm.is_calm:
        loud = msgspec.structs.replace(state, quiet_since=None)
        return _edit(loud, now, policy, otherwise=Reason.NOT_CALM)
    since = event.second if state.quiet_since is None else state.quiet_since
    quiet = msgspec.structs.replace(state, quiet_since=since)
    if event.second - since < quiet_s(state, policy):
        return _edit(quiet, now, policy, otherwise=Reason.CALMING)
    return _resolve(quiet, event, now, policy)


def quiet_s(state: Incident, policy: Policy) -> float:
    """How long it must be calm; twice as long for each reopening that is flapping."""
    flaps = len(state.reopenings) - FLAPS + 1
    return min(max(_MAX_QUIET_S, policy.quiet_s), policy.quiet_s * 2.0 ** max(0, flaps))


def _resolve(state: Incident, event: Progress, now: float, policy: Policy) -> Decision:
    second = event.second
    done = msgspec.structs.replace(
        state,
        phase=Phase.RESOLVED,
        resolved_at=float(second),
        # The total is that of its time, whatever was read of later ones already.
        errors=max(0, state.errors - event.later),
    )
    release = Release(second)
    if state.is_pending:
        done = msgspec.structs.replace(done, reason=Reason.NOT_LONG_ENOUGH.name)
        return Decision(done, (release,), Reason.NOT_LONG_ENOUGH)
    if not state.paged:
        done = msgspec.structs.replace(done, reason=Reason.RESOLVED_SILENTLY.name)
        return Decision(done, (release,), Reason.RESOLVED_SILENTLY)
    long = second - state.opened_at > policy.new_normal_s
    reason = Reason.NEW_NORMAL if long else Reason.RESOLVED
    return _tell(done, "resolved", reason, now, release)


def _stall(state: Incident | None, now: float, policy: Policy) -> Decision:
    if state is None or not state.is_open:
        return Decision(state, (), Reason.NO_INCIDENT)
    if not state.is_stale:
        state = msgspec.structs.replace(state, is_stale=True, is_dirty=True)
    return _edit(state, now, policy, otherwise=Reason.STALE)


def _edit(
    state: Incident, now: float, policy: Policy, *, otherwise: Reason | None = None
) -> Decision:
    if not state.is_dirty or not state.paged:
        return Decision(state, (), otherwise or Reason.UNCHANGED)
    if now - state.edited_at < policy.edit_every_s:
        return Decision(state, (), otherwise or Reason.HELD)
    return _tell(state, "updated", Reason.UPDATED, now)


def _tell(
    state: Incident,
    kind: Kind,
    reason: Reason,
    now: float,
    *more: Command,
    paged: bool | None = None,
) -> Decision:
    told = msgspec.structs.replace(
        state,
        sequence=state.sequence + 1,
        edited_at=now,
        is_dirty=False,
        reason=reason.name,
        paged=state.paged if paged is None else paged,
    )
    return Decision(told, (Tell(kind), *more), reason)


def _counted(state: Incident, event: Observed) -> Incident:
    if event.second < state.opened_at:  # late lines of the time before
        return state
    return msgspec.structs.replace(
        state,
        errors=state.errors + event.errors,
        peak=max(state.peak, event.peak),
        evidence=state.evidence.merged(event.added),
        is_dirty=True,
    )


def _text(group: Group) -> list[str]:
    return [f"{name}={value}" for name, value in group.labels]


def _trigger(burst: Burst) -> Trigger:
    return Trigger(
        window_s=burst.window_s,
        count=burst.count,
        expected=burst.expected,
        share=burst.count / burst.lines if burst.lines else 0.0,
        share_before=burst.share_before,
        rate_before=burst.rate_before,
    )
