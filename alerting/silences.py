"""Silences: incidents that people want to hear nothing of for a while. Pure.

Rows of the table `silences` are `Silence`s as JSON; the key is the id. A silence is
never deleted before its end: to expire it is to move its end.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import msgspec

from alerting.matchers import Matcher, from_patterns, match_all
from tocsin.config.alerting import SilenceConfig
from tocsin.records.rows import decoded

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


class Silence(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who wants to hear nothing of what, from when until when (Unix seconds)."""

    version: int = 1
    id: str
    matchers: tuple[Matcher, ...]
    starts_at: float
    ends_at: float
    author: str
    comment: str
    created_at: float

    def is_active(self, now: float) -> bool:
        """Whether it holds now; its end is not part of it."""
        return self.starts_at <= now < self.ends_at

    def covers(self, labels: Mapping[str, str]) -> bool:
        """Whether an incident with these labels is meant, whenever it is."""
        return match_all(self.matchers, labels)

    def state(self, now: float) -> str:
        """`pending`, `active` or `expired`."""
        if now < self.starts_at:
            return "pending"
        return "active" if now < self.ends_at else "expired"


def covering(
    silences: Iterable[Silence], labels: Mapping[str, str], now: float
) -> Silence | None:
    """The active silence that covers an incident, the one that ends last."""
    active = [x for x in silences if x.is_active(now) and x.covers(labels)]
    return max(active, key=lambda x: x.ends_at, default=None)


def expired(silence: Silence, now: float) -> Silence:
    """The silence with its end moved to now; one that is over stays as it is."""
    if now >= silence.ends_at:
        return silence
    return msgspec.structs.replace(
        silence, starts_at=min(silence.starts_at, now), ends_at=now
    )


def configured(config: Sequence[SilenceConfig]) -> tuple[Silence, ...]:
    """The silences of the configuration; they begin at once unless they say when."""
    return tuple(
        Silence(
            id=f"config-{number}",
            matchers=from_patterns(x.match),
            starts_at=_instant(x.start) if x.start else 0.0,
            ends_at=_instant(x.until),
            author=x.author,
            comment=x.comment,
            created_at=0.0,
        )
        for number, x in enumerate(config, 1)
    )


def _instant(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def new_id() -> str:
    """An id that is easy to type."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(6))


def encode_silence(silence: Silence) -> bytes:
    """The silence as JSON."""
    return msgspec.json.encode(silence)


def decode_silence(value: bytes) -> Silence:
    """Read a silence.

    Raises:
        BadRecord: it is none.
    """
    return decoded(_decoder, value, "a row of silences")


_decoder = msgspec.json.Decoder(Silence)
