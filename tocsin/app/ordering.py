"""What people order of alerting, written to the bus: silences, acknowledgements."""

from __future__ import annotations

import getpass
import secrets
from collections.abc import Mapping, Sequence

from alerting.acknowledgement import Acknowledgement, encode_acknowledgement
from alerting.matchers import Matcher
from alerting.silences import (
    Silence,
    decode_silence,
    encode_silence,
    expired,
    new_id,
)
from tocsin.errors import BadRecord, ConfigError, TocsinError
from tocsin.ports.bus import Bus
from tocsin.records.topics import ACKNOWLEDGEMENTS, SILENCES

_MAX_TEXT = 500
_KEPT_S = 7 * 86_400.0


def silences(bus: Bus) -> list[Silence]:
    """All silences that are kept, the one that ends last first."""
    view = bus.table(SILENCES)
    found = []
    for value in view.rows.values():
        try:
            found.append(decode_silence(value))
        except BadRecord:
            continue
    view.close()
    return sorted(found, key=lambda x: -x.ends_at)


def add_silence(  # noqa: PLR0913 - what a silence is made of
    bus: Bus,
    matchers: Sequence[Matcher],
    *,
    starts_at: float,
    ends_at: float,
    author: str,
    comment: str,
    now: float,
) -> Silence:
    """Silence incidents; forgets silences that ended over a week ago.

    Raises:
        ConfigError: it would never hold, everything for ever, or nobody knew why.
    """
    if not matchers:
        raise ConfigError(
            "a silence needs a matcher, such as service=checkout",
            hint="service=* silences everything",
        )
    if ends_at <= max(starts_at, now):
        raise ConfigError("a silence must end after it begins, and in the future")
    if not author.strip() or not comment.strip():
        raise ConfigError("a silence needs to say who made it, and why")
    silence = Silence(
        id=new_id(),
        matchers=tuple(matchers),
        starts_at=starts_at,
        ends_at=ends_at,
        author=author[:_MAX_TEXT],
        comment=comment[:_MAX_TEXT],
        created_at=now,
    )
    old = [x for x in silences(bus) if x.ends_at < now - _KEPT_S]
    rows: dict[bytes, bytes | None] = {x.id.encode(): None for x in old}
    _put(bus, SILENCES, {**rows, silence.id.encode(): encode_silence(silence)})
    return silence


def expire_silence(bus: Bus, name: str, now: float) -> Silence:
    """End a silence now.

    Raises:
        TocsinError: there is none of that id.
    """
    found = next((x for x in silences(bus) if x.id == name), None)
    if found is None:
        raise TocsinError(
            f"there is no silence {name!r}", hint="`tocsin silence list` has all"
        )
    ended = expired(found, now)
    _put(bus, SILENCES, {ended.id.encode(): encode_silence(ended)})
    return ended


def acknowledge(
    bus: Bus, incident: str, *, by: str, comment: str, now: float
) -> Acknowledgement:
    """Say that somebody looks after an incident: nobody is reminded of it."""
    row = Acknowledgement(
        incident=incident, by=by[:_MAX_TEXT], at=now, comment=comment[:_MAX_TEXT]
    )
    _put(bus, ACKNOWLEDGEMENTS, {incident.encode(): encode_acknowledgement(row)})
    return row


def me() -> str:
    """Who works at this terminal."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container without users
        return "somebody"


def _put(bus: Bus, table: str, rows: Mapping[bytes, bytes | None]) -> None:
    producer = bus.producer(f"order-{secrets.token_hex(6)}")
    try:
        with producer.transaction() as transaction:
            transaction.put(table, rows)
    finally:
        producer.close()
