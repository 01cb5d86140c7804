"""Many incidents in one message: a storm as it happens, a digest of what was missed.

Pure. A storm is of one channel: more than `limit` new incidents there within a minute.
Those that come then stand below its message; it takes more in until none came for a
minute, and is over when all of its incidents are. A digest lists incidents that were
too old to page when they were found, as after a downtime.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

import msgspec

from alerting.incident import Incident, incident_id
from alerting.message import Message, span
from alerting.notice import Notice
from alerting.text import cut, one_line
from tocsin.records.rows import decoded

STORM_S = 60.0
_EDIT_EVERY_S = 10.0
_MAX_LINES = 200
_MAX_NAME = 40


class Bundle(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag=True):
    """Incidents that share a message in one channel; instants in Unix seconds.

    `last_at`: when the last one came; `told_at`: when the message was last made;
    `note_sequence`: the message that told of the storm's end of growth.
    """

    version: int = 1
    id: str
    kind: Literal["storm", "digest"]
    channel: str
    started_at: float
    last_at: float
    told_at: float
    members: tuple[str, ...]
    sequence: int = 1
    note_sequence: int = 0
    is_open: bool = True


class StormWatch:
    """Counts the new incidents of one channel; `storm` is the one that still grows."""

    def __init__(self, channel: str, limit: int) -> None:
        self._channel = channel
        self._limit = limit
        self._recent: deque[tuple[float, str]] = deque()
        self.storm: Bundle | None = None

    def restore(
        self, told: Iterable[tuple[float, str]], storms: Iterable[Bundle]
    ) -> None:
        """Go on from what is stored: when incidents were told, and storms."""
        self._recent.extend(sorted(told))
        self.storm = max(storms, key=lambda x: x.last_at, default=None)

    def gather(self, fresh: Sequence[str], now: float) -> Bundle | None:
        """Take new incidents in; the storm that they are part of, if they are."""
        while self._recent and self._recent[0][0] < now - STORM_S:
            self._recent.popleft()
        if self.storm is not None and now - self.storm.last_at > STORM_S:
            self.storm = None
        if self.storm is not None:
            self.storm = _grown(self.storm, fresh, now)
        elif len(self._recent) + len(fresh) > self._limit:
            earlier = [x for _, x in self._recent]
            self.storm = _begun(self._channel, (*earlier, *fresh), now)
        self._recent.extend((now, x) for x in fresh)
        return self.storm


def _begun(channel: str, members: tuple[str, ...], now: float) -> Bundle:
    return Bundle(
        id=incident_id(channel, "storm", int(now)),
        kind="storm",
        channel=channel,
        started_at=now,
        last_at=now,
        told_at=now,
        members=members,
    )


def _grown(storm: Bundle, fresh: Sequence[str], now: float) -> Bundle:
    return msgspec.structs.replace(
        storm,
        members=(*storm.members, *fresh),
        last_at=now,
        told_at=now,
        sequence=storm.sequence + 1,
        is_open=True,
    )


def digest(channel: str, members: Sequence[str], now: float) -> Bundle:
    """One message about what was found too late."""
    return Bundle(
        id=incident_id(channel, "digest", int(now)),
        kind="digest",
        channel=channel,
        started_at=now,
        last_at=now,
        told_at=now,
        members=tuple(members),
        is_open=False,
    )


def advanced(
    storm: Bundle, incidents: Mapping[str, Incident], changed: set[str], now: float
) -> Bundle | None:
    """The storm with its message made anew, or None where there is no need.

    At once when it is over, and each ten seconds while its incidents change. When it
    stopped to grow people are told once, with all that is in it.
    """
    is_open = any(
        x in incidents and incidents[x].resolved_at is None for x in storm.members
    )
    has_settled = not storm.note_sequence and now - storm.last_at > STORM_S
    may_edit = now - storm.told_at >= _EDIT_EVERY_S
    differs = is_open != storm.is_open or has_settled
    if not differs and not (may_edit and changed.intersection(storm.members)):
        return None
    sequence = storm.sequence + 1
    return msgspec.structs.replace(
        storm,
        sequence=sequence,
        told_at=now,
        is_open=is_open,
        note_sequence=sequence if has_settled else storm.note_sequence,
    )


def describe_bundle(
    bundle: Bundle, incidents: Mapping[str, Incident], *, now: float
) -> Message:
    """The message that the incidents share."""
    known = [incidents[x] for x in bundle.members if x in incidents]
    known.sort(key=_weight)
    of_storm = bundle.kind == "storm"
    head = _storm_head(bundle, known) if of_storm else _digest_head(known)
    icon, title, why = head
    lines = [_line(x, now) for x in known[:_MAX_LINES]]
    if len(known) > _MAX_LINES:
        lines.append(f"and {len(known) - _MAX_LINES:,} more: tocsin incidents list")
    return Message(
        incident=bundle.id,
        sequence=bundle.sequence,
        kind="opened" if bundle.is_open or not of_storm else "resolved",
        is_open=bundle.is_open,
        icon=icon,
        title=title,
        why=why,
        fields=(),
        table=tuple(lines),
        detected_at=bundle.started_at,
        opened_at=min((x.opened_at for x in known), default=bundle.started_at),
        labels={"rule": bundle.kind, "service": ""},
        note=f"the storm stopped growing: {len(bundle.members):,} incidents",
        note_sequence=bundle.note_sequence,
    )


def _storm_head(bundle: Bundle, known: Sequence[Incident]) -> tuple[str, str, str]:
    total = len(bundle.members)
    still = sum(x.resolved_at is None for x in known)
    critical = sum(x.severity == "critical" for x in known if x.resolved_at is None)
    services = len({x.service for x in known})
    if not bundle.is_open:
        lasted = span(max((x.resolved_at or 0.0) for x in known) - bundle.started_at)
        title = f"Storm over: {total:,} incidents in {services:,} services"
        return "✅", title, f"all resolved, the last one after {lasted}"
    title = f"Storm: {total:,} incidents in {services:,} services"
    why = f"{still:,} open, {critical:,} critical; each one is below this message"
    return "🔴" if critical else "🟠", title, why


def _digest_head(known: Sequence[Incident]) -> tuple[str, str, str]:
    services = len({x.service for x in known})
    still = sum(x.resolved_at is None for x in known)
    title = f"Found late: {len(known):,} incidents in {services:,} services"
    why = (
        f"too old to page when Tocsin read them; {still:,} not over at their last news"
    )
    return "🕓", title, why


def _weight(incident: Incident) -> tuple[bool, bool, float]:
    is_over = incident.resolved_at is not None
    return is_over, incident.severity != "critical", -incident.errors


def _line(incident: Incident, now: float) -> str:
    icon = "✅" if incident.resolved_at is not None else _DOTS[incident.severity]
    name = cut(one_line(str(incident.of)), _MAX_NAME)
    lasted = span(incident.duration_s(now))
    what = incident.total
    if incident.headline and not incident.errors:
        what = cut(one_line(incident.headline), _MAX_NAME)
    return f"{icon} {name}: {what}, {lasted} ({incident.id})"


_DOTS = {"critical": "🔴", "warning": "🟠"}


def decode_row(value: bytes) -> Notice | Bundle:
    """Read a row of the table `notices`.

    Raises:
        BadRecord: it is none.
    """
    return decoded(_decoder, value, "a row of notices")


_decoder: msgspec.json.Decoder[Notice | Bundle] = msgspec.json.Decoder(Notice | Bundle)
