"""What people were told of an incident, and what keeps it from them. Pure.

The incident (alerting.incident) is what happens; a notice is what is said of it, in
which channels. They are apart because a silence, an acknowledgement or a route changes
nothing about the incident. `judge` decides on one incident, and says why, also where
nothing is said.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

import msgspec

from alerting.acknowledgement import Acknowledgement
from alerting.incident import Incident, Kind
from alerting.silences import Silence


class Standing(Enum):
    """Whether people hear of an incident, or what keeps it from them."""

    TOLD = "people were told"
    ACKED = "somebody looks after it: no reminders"
    SILENCED = "a silence covers it"
    INHIBITED = "another incident explains it"
    MUTED = "its routes are quiet at this time"
    TOO_OLD = "it was too old to page: a digest tells of it"
    PENDING = "it does not last long enough yet"

    @property
    def is_held(self) -> bool:
        """Whether nobody is told anything new."""
        return self not in {Standing.TOLD, Standing.ACKED}


class Verdict(Enum):
    """What was decided on an incident the last time; the value is the reason."""

    NEW = "told for the first time"
    ESCALATED = "told again, because it became critical"
    REMINDED = "told again, because nobody acknowledged it"
    CHANGED = "what was told is brought up to date"
    HELD = "kept from people"
    NOTHING = "nothing new is to be told"


class Notice(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag=True):
    """What is said of an incident, where, since when (Unix seconds).

    `sequence` grows with each message. `noticed_at`: the last time at which it made a
    noise, and `note` the verdict that made it. `parents`: by channel, the storm below
    which it stands. `standing_by`: which silence, incident or interval.
    """

    version: int = 1
    incident: str
    sequence: int = 0
    channels: tuple[str, ...] = ()
    told_at: float = 0.0
    noticed_at: float = 0.0
    reminders: int = 0
    note: str = ""
    note_sequence: int = 0
    acked_by: str = ""
    acked_at: float = 0.0
    ack_comment: str = ""
    standing: str = Standing.TOLD.name
    standing_by: str = ""
    verdict: str = Verdict.NOTHING.name
    parents: dict[str, str] = {}
    in_digest: bool = False


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What holds for an incident now.

    `muted`: the interval that keeps its routes quiet. `renotify_s`: when people are
    reminded; the last one repeats.
    """

    channels: tuple[str, ...]
    renotify_s: Sequence[float] = ()
    muted: str = ""
    silence: Silence | None = None
    inhibitor: str = ""
    acknowledgement: Acknowledgement | None = None


class Judgement(NamedTuple):
    """The notice afterwards; what kind of message is sent, and where it is new."""

    notice: Notice
    tells: Kind | None
    fresh: tuple[str, ...] = ()


def judge(
    before: Notice,
    incident: Incident,
    change: Kind | None,
    given: Circumstances,
    *,
    now: float,
) -> Judgement:
    """Decide what is said; `change`: what happened to the incident, or nothing."""
    notice = _acknowledged(before, given.acknowledgement)
    standing, by = _standing(notice, incident, given)
    notice = msgspec.structs.replace(notice, standing=standing.name, standing_by=by)
    fresh = _fresh(notice, incident, change, given, standing)
    if not notice.channels and not fresh:
        return _silent(notice, before, Verdict.HELD)
    if fresh and not notice.channels:
        told = msgspec.structs.replace(
            _told(notice, incident, Verdict.NEW),
            channels=fresh,
            told_at=now,
            noticed_at=now,
        )
        return Judgement(told, "opened", fresh)
    notice = msgspec.structs.replace(notice, channels=(*notice.channels, *fresh))
    if change == "escalated" and not standing.is_held:
        told = _noted(_told(notice, incident, Verdict.ESCALATED), now)
        return Judgement(told, "escalated", fresh)
    if _is_due(notice, incident, standing, given, now):
        told = _noted(_told(notice, incident, Verdict.REMINDED), now)
        told = msgspec.structs.replace(told, reminders=notice.reminders + 1)
        return Judgement(told, "updated", fresh)
    differs = (notice.standing, notice.acked_by) != (before.standing, before.acked_by)
    if change is not None or fresh or (differs and incident.is_open):
        told = _told(notice, incident, Verdict.CHANGED)
        return Judgement(told, change or "updated", fresh)
    return _silent(notice, before, Verdict.NOTHING)


def _acknowledged(notice: Notice, row: Acknowledgement | None) -> Notice:
    if row is None or row.at <= notice.acked_at:
        return notice
    return msgspec.structs.replace(
        notice, acked_by=row.by, acked_at=row.at, ack_comment=row.comment
    )


def _standing(
    notice: Notice, incident: Incident, given: Circumstances
) -> tuple[Standing, str]:
    silence = given.silence
    causes = (
        (incident.is_pending, Standing.PENDING, ""),
        (not incident.paged, Standing.TOO_OLD, ""),
        (silence is not None, Standing.SILENCED, silence.id if silence else ""),
        (bool(given.inhibitor), Standing.INHIBITED, given.inhibitor),
        (not given.channels, Standing.MUTED, given.muted),
        (bool(notice.acked_by), Standing.ACKED, notice.acked_by),
        (True, Standing.TOLD, ""),
    )
    return next((standing, by) for holds, standing, by in causes if holds)


def _fresh(
    notice: Notice,
    incident: Incident,
    change: Kind | None,
    given: Circumstances,
    standing: Standing,
) -> tuple[str, ...]:
    """Where it is to be told and was not; one that is over only if it just opened."""
    if standing.is_held or not (incident.is_open or change == "opened"):
        return ()
    return tuple(x for x in given.channels if x not in notice.channels)


def _is_due(
    notice: Notice,
    incident: Incident,
    standing: Standing,
    given: Circumstances,
    now: float,
) -> bool:
    renotify_s = given.renotify_s
    if standing is not Standing.TOLD or not incident.is_open or not renotify_s:
        return False
    if notice.parents or incident.is_stale:  # its storm is told of; or nobody knows
        return False
    wait_s = renotify_s[min(notice.reminders, len(renotify_s) - 1)]
    return now - notice.noticed_at >= wait_s


def _told(notice: Notice, incident: Incident, verdict: Verdict) -> Notice:
    sequence = max(notice.sequence + 1, incident.sequence)
    return msgspec.structs.replace(notice, sequence=sequence, verdict=verdict.name)


def _noted(notice: Notice, now: float) -> Notice:
    return msgspec.structs.replace(
        notice, note=notice.verdict, note_sequence=notice.sequence, noticed_at=now
    )


def _silent(notice: Notice, before: Notice, verdict: Verdict) -> Judgement:
    """Nothing is said; what was last decided stays, unless something holds it now."""
    if notice == before:
        return Judgement(before, None)
    return Judgement(msgspec.structs.replace(notice, verdict=verdict.name), None)


class Phrase(Enum):
    """The states of an incident as people read them."""

    PENDING = "pending"
    OPEN = "open"
    ESCALATED = "escalated"
    REOPENED = "reopened"
    ACKED = "acknowledged"
    QUIET = "quiet"
    STALE = "stale"
    SILENCED = "silenced"
    INHIBITED = "inhibited"
    MUTED = "muted"
    RESOLVED = "resolved"
    CLOSED = "closed"


_HELD = {
    Standing.SILENCED.name: Phrase.SILENCED,
    Standing.INHIBITED.name: Phrase.INHIBITED,
    Standing.MUTED.name: Phrase.MUTED,
}


def phrase(
    incident: Incident, notice: Notice | None, *, now: float, reopen_s: float = 600.0
) -> Phrase:
    """The one word for how an incident is; what matters most to a reader comes first.

    Closed: resolved so long that the same errors would be a new incident.
    """
    if incident.resolved_at is not None:
        over = now - incident.resolved_at > reopen_s
        return Phrase.CLOSED if over else Phrase.RESOLVED
    standing = notice.standing if notice is not None else ""
    marks = (
        (incident.is_pending, Phrase.PENDING),
        (incident.is_stale, Phrase.STALE),
        (standing in _HELD, _HELD.get(standing, Phrase.OPEN)),
        (incident.quiet_since is not None, Phrase.QUIET),
        (notice is not None and bool(notice.acked_by), Phrase.ACKED),
        (incident.has_escalated, Phrase.ESCALATED),
        (bool(incident.reopened), Phrase.REOPENED),
        (True, Phrase.OPEN),
    )
    return next(word for holds, word in marks if holds)


def encode_row(row: msgspec.Struct) -> bytes:
    """A row of the table `notices` as JSON."""
    return msgspec.json.encode(row)
