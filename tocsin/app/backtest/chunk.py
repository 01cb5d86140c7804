"""A piece of a log file, and what was found in it: what processes tell each other.

Light on purpose: the process that decides needs no pyarrow.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

from tocsin.records.frames import Pane


@dataclass(frozen=True, slots=True)
class Chunk:
    """What is to be read; `modified_at` stands in for a year that lines leave out."""

    path: str
    service: str
    host: str
    start: int
    end: int
    modified_at: float
    labels: Mapping[str, str] = field(default_factory=dict)


class Found(msgspec.Struct, frozen=True):
    """What a chunk says: its panes in order of time, and what cannot be placed.

    `latest`: the time of its last line, or None where no line states a time; then its
    `untimed` lines are in no pane.
    """

    panes: list[Pane]
    lines: int
    untimed: int
    latest: float | None


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Found)


def encode_found(found: Found) -> bytes:
    """What a process gives to another: a third of the time of pickle."""
    return _encoder.encode(found)


def decode_found(data: bytes) -> Found:
    """The opposite of `encode_found`."""
    return _decoder.decode(data)
