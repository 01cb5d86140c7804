"""A collector's sign of life: its row in the table `collectors`."""

from __future__ import annotations

import contextlib
import time

from tocsin.errors import BusUnavailable, Fenced, TransactionAborted
from tocsin.ports.bus import Producer
from tocsin.records.collectors import BEAT_S, CollectorBeat, encode_beat
from tocsin.records.topics import COLLECTORS
from tocsin.values import Clock


class Heartbeat:
    """Writes the row every ten seconds: one small transaction, a millisecond or two."""

    def __init__(
        self, producer: Producer, *, identity: str, host: str, clock: Clock
    ) -> None:
        self._producer = producer
        self._key = identity.encode()
        self._host = host
        self._clock = clock
        self._due_at = 0.0

    def turn(self) -> None:
        """Write the row if it is due; call it often.

        Raises:
            TransactionAborted, BusUnavailable: it is due again at once.
        """
        now = time.monotonic()
        if now < self._due_at:
            return
        self._put(encode_beat(CollectorBeat(self._host, self._clock())))
        self._due_at = now + BEAT_S

    def say_goodbye(self) -> None:
        """Delete the row: who stops in order is not missed."""
        with contextlib.suppress(BusUnavailable, TransactionAborted, Fenced):
            self._put(None)

    def _put(self, row: bytes | None) -> None:
        with self._producer.transaction() as transaction:
            transaction.put(COLLECTORS, {self._key: row})
