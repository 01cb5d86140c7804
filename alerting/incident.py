"""An incident: what is known of it, and its row in the table `incidents` (JSON by id).

`alerting.reducer` decides how it goes on.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from enum import Enum
from typing import Literal

import msgspec

from alerting.burst import Severity
from alerting.evidence import Evidence
from alerting.group import Group
from tocsin.records.rows import decoded

BURST = "burst"
SELF = "tocsin"
"""The rule of incidents about Tocsin itself."""
FLAPS = 3  # so many reopenings within an hour are flapping


class Reason(Enum):
    """Why something was done, or nothing; the value is what a person reads."""

    __hash__ = object.__hash__  # a third of the time of an enum's own; counted a lot

    OPENED = "the rule fires for the first time"
    ESCALATED = "it became critical"
    REOPENED = "it fires again soon after it resolved: no new page"
    RESOLVED = "errors stayed calm for the quiet time"
    PENDING = "the rule fires, but not for long enough yet"
    NOT_LONG_ENOUGH = "it stopped before it had lasted long enough"
    NEW_NORMAL = "it went on for so long that it is the new normal"
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
    COLLECTOR_DOWN = "nobody reads its files: that no lines come says nothing"


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
    `errors` are the lines that its rule counts; `are_errors`: all are ERROR or FATAL.
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
    are_errors: bool = True
    why: str = ""
    is_stale: bool = False
    is_dirty: bool = False
    reason: str = Reason.OPENED.name
    group: dict[str, str] = {}

    @property
    def of(self) -> Group:
        """The lines that it is an incident of."""
        return Group(self.service, tuple(sorted(self.group.items())))

    @property
    def key(self) -> tuple[str, Group]:
        """What it is an incident of, and which rule's."""
        return self.rule, self.of

    @property
    def labels(self) -> dict[str, str]:
        """What routes, silences and inhibition match on."""
        own = {"service": self.service, "rule": self.rule, "severity": self.severity}
        return self.group | own

    @property
    def total(self) -> str:
        """How many lines, and what."""
        if self.are_errors:
            return f"{self.errors:,} ERROR"
        return f"{self.errors:,} line{'' if self.errors == 1 else 's'}"

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
        return len(self.reopenings) >= FLAPS

    def duration_s(self, until: float) -> float:
        """How long it lasted, or has lasted at `until`."""
        end = self.quiet_since if self.resolved_at is not None else None
        return max(0.0, (until if end is None else end) - self.opened_at)


@dataclass(frozen=True, slots=True)
class Policy:
    """The numbers of an incident's life, in seconds.

    `for_s`: how long a rule must fire until it is an incident. `new_normal_s`: what
    went on for longer did not end by itself: it is what is usual now.
    """

    quiet_s: float = 120.0
    reopen_s: float = 600.0
    edit_every_s: float = 10.0
    page_within_s: float = 900.0
    for_s: float = 0.0
    new_normal_s: float = 3600.0  # so long the baseline is frozen, then it takes it in


def incident_id(rule: str, service: str, since: int, *more: str) -> str:
    """A short id that is the same whenever the same incident is found again."""
    slug = re.sub(r"[^a-z0-9]+", "-", service.lower()).strip("-")[:24] or "service"
    text = "\0".join((rule, service, str(since), *more))
    digest = hashlib.blake2s(text.encode("utf-8", "replace"))
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
    return decoded(_decoder, value, "a row of incidents")
