"""The table `collectors`: which collectors live. Key: the collector's identity.

A collector writes its row anew every `BEAT_S` and deletes it when it is stopped in
order. So a row that grows old means a collector that crashed, hangs or cannot reach
the bus.
"""

from __future__ import annotations

import msgspec

from tocsin.records.rows import decoded

BEAT_S = 10.0


class CollectorBeat(msgspec.Struct, frozen=True):
    """A sign of life: the host whose files it reads, and when (Unix seconds)."""

    host: str
    at: float


def encode_beat(beat: CollectorBeat) -> bytes:
    """The beat as JSON."""
    return msgspec.json.encode(beat)


def decode_beat(value: bytes) -> CollectorBeat:
    """Read a beat.

    Raises:
        BadRecord: it is none.
    """
    return decoded(_decoder, value, "a row of collectors")


_decoder = msgspec.json.Decoder(CollectorBeat)
