r"""The outbox: what each channel should show, and what it does show.

Both are tables on the bus with the key `channel\0incident`. A row of `outbox` is the
newest message (the last writer wins, so edits coalesce by themselves); a row of
`deliveries` tells what was accepted, and how to find it. Delivery makes the second
equal the first.
"""

from __future__ import annotations

import msgspec

from alerting.message import Message
from tocsin.records.rows import decoded


class Desired(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a channel should show of an incident; instants in Unix seconds.

    `since`: from when on an earlier message may be found in the channel's history.
    """

    version: int = 1
    channel: str
    message: Message
    queued_at: float
    since: float

    @property
    def key(self) -> bytes:
        """The row's key, in both tables."""
        return row_key(self.channel, self.message.incident)


class Delivered(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a channel shows of an incident; `reference` finds it again there.

    `noted`: the sequence of the last note below it.
    """

    version: int = 1
    channel: str
    incident: str
    sequence: int
    reference: str
    is_open: bool
    at: float
    noted: int = 0


def row_key(channel: str, incident: str) -> bytes:
    """The key of an incident in a channel."""
    return channel_prefix(channel) + incident.encode()


def channel_prefix(channel: str) -> bytes:
    """What the keys of a channel begin with."""
    return channel.encode("utf-8", "surrogateescape") + b"\0"


_encoder = msgspec.json.Encoder()
_desired = msgspec.json.Decoder(Desired)
_delivered = msgspec.json.Decoder(Delivered)


def encode(row: Desired | Delivered) -> bytes:
    """The row as JSON."""
    return _encoder.encode(row)


def decode_desired(value: bytes) -> Desired:
    """Read a row of outbox.

    Raises:
        BadRecord: it is none.
    """
    return decoded(_desired, value, "a row of outbox")


def decode_delivered(value: bytes) -> Delivered:
    """Read a row of deliveries.

    Raises:
        BadRecord: it is none.
    """
    return decoded(_delivered, value, "a row of deliveries")
