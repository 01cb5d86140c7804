"""A piece of a log file, and what was found in it: what processes tell each other.

Light on purpose: the process that decides needs no pyarrow.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec

from tocsin.config.tallies import Tally
from tocsin.records.frames import Pane

PlainHabit = tuple[int, int, bool, bool | None]
"""A `Habit` of tocsin.formats.multiline, in plain values."""
NO_FORMAT = -1  # as processor.verdicts has it; a test compares
NEW: PlainHabit = (150, 0, True, None)  # before the first line; a test compares


class Spot(NamedTuple):
    """A place in a file, and what is remembered there of the events before it.

    `is_known`: an event begins there, and this is its habit; else both are a guess.
    """

    offset: int
    habit: PlainHabit | None = None
    is_known: bool = True


BEGINNING = Spot(0, NEW)


@dataclass(frozen=True, slots=True)
class Chunk:
    """What is to be read; `modified_at` stands in for a year that lines leave out.

    `usual`: the format of most of the file, as far as it is known; for speed only.
    """

    path: str
    service: str
    host: str
    begins: Spot
    end: int
    modified_at: float
    labels: Mapping[str, str] = field(default_factory=dict)
    usual: int = NO_FORMAT


@dataclass(frozen=True, slots=True)
class Reading:
    """How lines are joined to events, and read."""

    timezone: str = "UTC"
    max_templates: int = 20
    count_by: Sequence[str] = ()
    tallies: Sequence[Tally] = ()
    max_line: int = 1_000_000
    max_event_lines: int | None = 500


class Found(msgspec.Struct, frozen=True):
    """What a chunk says: its panes in order of time, and what cannot be placed.

    `latest`: the time of its last event, or None where none states a time; then its
    `untimed` lines are in no pane. `begins`, `ends`: the spots that it lies between.
    `usual`: the format of most of its lines.
    """

    panes: list[Pane]
    lines: int
    untimed: int
    latest: float | None
    begins: Spot
    ends: Spot
    usual: int = NO_FORMAT


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Found)


def encode_found(found: Found) -> bytes:
    """What a process gives to another: a third of the time of pickle."""
    return _encoder.encode(found)


def decode_found(data: bytes) -> Found:
    """The opposite of `encode_found`."""
    return _decoder.decode(data)
