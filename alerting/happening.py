"""What happens to an incident, and what the reducer asks to be done about it."""

from __future__ import annotations

from dataclasses import dataclass

from alerting.burst import Burst, Calm
from alerting.evidence import Evidence
from alerting.group import Group
from alerting.incident import Arrival, Kind


@dataclass(frozen=True, slots=True)
class Observed:
    """Errors of a second of event time were counted.

    `burst`: what the rule says now; `window`: the evidence of its window; `added`: that
    of the new errors alone; `peak`: the most errors in a second, of that second or,
    where it opens an incident, of the window. `later`: errors after the window that are
    known already, as lines come out of order.
    """

    rule: str
    of: Group
    second: int
    errors: int
    peak: int
    burst: Burst | None
    window: Evidence
    added: Evidence
    arrival: Arrival
    later: int = 0
    headline: str = ""
    why: str = ""
    are_errors: bool = True


@dataclass(frozen=True, slots=True)
class Progress:
    """The watermark reached the end of a second.

    `later`: errors of seconds after it that are known already.
    """

    second: int
    calm: Calm
    later: int = 0


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
