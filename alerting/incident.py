"""The life of an incident, as a pure function: state and event in, state and why out.

    none -> open(severity) -> escalated -> resolved -> open again (no new page) -> …

Two clocks: an incident opens on the second that is still open, and resolves only by
progress of the watermark, so a lagging or dead part never looks like calm. `now` is
the wall clock live and the event time in a backtest; it paces edits and decides what
is too old to page.

Rows of the table `incidents` are `Incident`s as JSON; the key is the id.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from enum import Enum
from typing import Literal, NamedTuple

import msgspec

from alerting.burst import Burst, Calm, Severity
from alerting.evidence import Evidence
from tocsin.errors import BadRecord

BURST = "burst"
_NEW_NORMAL_S = 3600  # the baseline is frozen so long, then it takes the new normal in
_FLAPS, _FLAP_S = 3, 3600  # so many reopenings in so long are flapping
_MAX_QUIET_S = 1800.0


class Reason(Enum):
    """Why something was done, or nothing; the value is what a person reads."""

    OPENED = "the rule fires for the first time"
    ESCALATED = "it became critical"
    REOPENED = "it fires again soon after it resolved: no new page"
    RESOLVED = "errors stayed calm for the quiet time"
    PENDING = "the rule fires, but not for long enough yet"
    NOT_LONG_ENOUGH = "it stopped before it had lasted long enough"
    NEW_NORMAL = "it went on for over an hour and is the new normal"
    RESOLVED_SILENTLY = "it is over, and it was too old to page"
    UPDATED = "its numbers changed"
    HELD = "its numbers changed, but its message was edited a moment ago"
    UNCHANGED = "there is nothing new to show"
    NOT_FIRING = "the rule does not fire"
    TOO_OLD = "it is too old to page"
    ALREADY_RESOLVED = "late lines of a time that is resolved already"
    NOT_CALM = "there are still too many errors"
    CALMING = "errors are calm, but not for long enough"
    STALE = "no news from the processor: silence is not calm"
    NO_INCIDENT = "there is no open incident"


class Phase(Enum):
    """Where an incident is in its life."""

    PENDING = "pending"
    OPEN = "open"
    RESOLVED = "resolved"


Kind = Literal["opened", "escalated", "updated", "resolved", "reopened"]


class Arrival(msgspec.Struct, frozen=True, omit_defaults=True):
    """When the latest line of a decision was written, read and processed."""

    written_at: float = 0.0
    read_at: float = 0.0
    processed_at: float = 0.0


class Trigger(msgspec.Struct, frozen=True):
    """What made the rule fire: the most telling window, and what was expected of it."""

    window_s: int
    count: int
    expected: float
    share: float
    share_before: float
    rate_before: float


class Incident(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An incident; instants in Unix seconds.

    Event time: `opened_at` (start of the window that fired), `fired_at`, `quiet_since`
    and `resolved_at`. Wall clock: `detected_at`, `edited_at`. `sequence` grows with
    everything that is told of it. `paged` is false where it was too old to tell.
    """

    version: int = 1
    id: str
    rule: str
    service: str
    phase: Phase
    severity: Severity
    sequence: int
    paged: bool
    opened_at: float
    fired_at: float
    detected_at: float
    edited_at: float
    trigger: Trigger
    errors: int
    peak: int
    evidence: Evidence
    arrival: Arrival
    quiet_since: float | None = None
    resolved_at: float | None = None
    reopened: int = 0
    reopenings: tuple[int, ...] = ()
    has_escalated: bool = False
    headline: str = ""
    why: str = ""
    is_stale: bool = False
    is_dirty: bool = False
    reason: str = Reason.OPENED.name

    @property
    def key(self) -> tuple[str, str]:
        """What it is an incident of."""
        return self.rule, self.service

    @property
    def labels(self) -> dict[str, str]:
        """What routes, silences and inhibition match on."""
        return {"service": self.service, "rule": self.rule, "severity": self.severity}

    @property
    def is_open(self) -> bool:
        """Whether it is not resolved."""
        return self.phase is not Phase.RESOLVED

    @property
    def is_pending(self) -> bool:
        """Whether it does not last long enough yet to be an incident."""
        return self.phase is Phase.PENDING

    @property
    def is_flapping(self) -> bool:
        """Whether it came back so often that it counts as one for longer."""
        return len(self.reopenings) >= _FLAPS

    def duration_s(self, until: float) -> float:
        """How long it lasted, or has lasted at `until`."""
        end = self.quiet_since if self.resolved_at is not None else None
        return max(0.0, (until if end is None else end) - self.opened_at)


@dataclass(frozen=True, slots=True)
class Policy:
    """The numbers of an incident's life, in seconds.

    `for_s`: how long a rule must fire until it is an incident.
    """

    quiet_s: float = 120.0
    reopen_s: float = 600.0
    edit_every_s: float = 10.0
    page_within_s: float = 900.0
    for_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Observed:
    """Errors of a second of event time were counted.

    `burst`: what the rule says now; `window`: the evidence of its window; `added`: that
    of the new errors alone; `peak`: the most errors in a second, of that second or,
    where it opens an incident, of the window.
    """

    rule: str
    service: str
    second: int
    errors: int
    peak: int
    burst: Burst | None
    window: Evidence
    added: Evidence
    arrival: Arrival
    headline: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class Progress:
    """The watermark reached the end of a second."""

    second: int
    calm: Calm


@dataclass(frozen=True, slots=True)
class Stalled:
    """The watermark does not move, and no frames come."""


@dataclass(frozen=True, slots=True)
class Tell:
    """Tell people; only `opened` and `escalated` may make a noise."""

    kind: Kind


@dataclass(frozen=True, slots=True)
class Hold:
    """Keep the seconds from `since` on out of the baseline."""

    since: int


@dataclass(frozen=True, slots=True)
class Release:
    """Let seconds after `at` into the baseline again."""

    at: int


Event = Observed | Progress | Stalled
Command = Tell | Hold | Release


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
        id=incident_id(event.rule, event.service, since),
        rule=event.rule,
        service=event.service,
        phase=Phase.OPEN,
        sequence=0,
        paged=False,
        opened_at=since,
        fired_at=burst.second,
        detected_at=now,
        edited_at=now,
        errors=burst.count,
        peak=event.peak,
        evidence=event.window,
        arrival=event.arrival,
        severity=burst.severity,
        trigger=_trigger(burst),
        headline=event.headline,
        why=event.why,
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
    again = msgspec.structs.replace(
        _counted(state, event),
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
    return _resolve(quiet, event.second, now)


def quiet_s(state: Incident, policy: Policy) -> float:
    """How long it must be calm; twice as long for each reopening that is flapping."""
    flaps = len(state.reopenings) - _FLAPS + 1
    return min(max(_MAX_QUIET_S, policy.quiet_s), policy.quiet_s * 2.0 ** max(0, flaps))


def _resolve(state: Incident, second: int, now: float) -> Decision:
    done = msgspec.structs.replace(
        state, phase=Phase.RESOLVED, resolved_at=float(second)
    )
    release = Release(second)
    if state.is_pending:
        done = msgspec.structs.replace(done, reason=Reason.NOT_LONG_ENOUGH.name)
        return Decision(done, (release,), Reason.NOT_LONG_ENOUGH)
    if not state.paged:
        done = msgspec.structs.replace(done, reason=Reason.RESOLVED_SILENTLY.name)
        return Decision(done, (release,), Reason.RESOLVED_SILENTLY)
    long = second - state.opened_at > _NEW_NORMAL_S
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


def _trigger(burst: Burst) -> Trigger:
    return Trigger(
        window_s=burst.window_s,
        count=burst.count,
        expected=burst.expected,
        share=burst.count / burst.lines if burst.lines else 0.0,
        share_before=burst.share_before,
        rate_before=burst.rate_before,
    )


def incident_id(rule: str, service: str, since: int) -> str:
    """A short id that is the same whenever the same incident is found again."""
    slug = re.sub(r"[^a-z0-9]+", "-", service.lower()).strip("-")[:24] or "service"
    digest = hashlib.blake2s(f"{rule}\0{service}\0{since}".encode("utf-8", "replace"))
    number = int.from_bytes(digest.digest()[:5])
    tail = "".join(_ALPHABET[number >> shift & 31] for shift in range(0, 25, 5))
    return f"{slug}-{tail}"


_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # no i, l, o, u: easy to read aloud

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Incident)


def encode_incident(incident: Incident) -> bytes:
    """The incident as JSON."""
    return _encoder.encode(incident)


def decode_incident(value: bytes) -> Incident:
    """Read an incident.

    Raises:
        BadRecord: it is none.
    """
    try:
        return _decoder.decode(value)
    except msgspec.MsgspecError as error:
        raise BadRecord(f"not a row of incidents: {error}") from error
