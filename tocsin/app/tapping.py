"""Reads a topic from some point on, for `tocsin tap`."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator
from typing import NamedTuple

from tocsin.ports.bus import Batch, Bus, Start

_WAIT_S = 0.25
_MAX_RECORDS = 1_000


class Tapped(NamedTuple):
    """One record; the timestamp in Unix seconds."""

    topic: str
    partition: int
    at: float
    key: bytes
    value: bytes


def tap(
    bus: Bus,
    topic: str,
    *,
    start: Start | float,
    follow: bool,
    stop: threading.Event,
) -> Generator[Tapped]:
    """Each committed record of a topic, from `start` on.

    Without `follow` it ends with what is there now. Each step blocks until there is
    something to give.
    """
    reader = bus.reader([topic], start=start)
    try:
        while not stop.is_set():
            batches = reader.poll(max_records=_MAX_RECORDS, wait_s=_WAIT_S)
            for batch in batches:
                yield from _records(batch)
            if not follow and reader.is_caught_up():
                return
    finally:
        reader.close()


def _records(batch: Batch) -> Iterator[Tapped]:
    columns = zip(
        batch.records.keys,
        batch.records.values,
        batch.records.timestamps_ms,
        strict=True,
    )
    for key, value, at_ms in columns:
        yield Tapped(batch.topic, batch.partition, at_ms / 1000, key, value)
