"""The second loop: frames to windows.

One process at a time does it: all frames are in one partition, and the others of the
group stand by. State rows, records and offsets are one transaction; a process that
gets the partition loads the table and goes on.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Self

import msgspec

from processor.claim import Claim
from processor.flush import Gap
from processor.patience import Patience
from processor.telemetry import ProcessorTelemetry
from processor.windows import Changes, Verdict, Windows
from tocsin.config.model import ProcessorConfig
from tocsin.errors import BadRecord, BusUnavailable, TransactionAborted
from tocsin.ports.bus import Batch, Bus, Producer, Records
from tocsin.records import topics
from tocsin.records.frames import decode_frame
from tocsin.records.keys import encode_name, partition_of
from tocsin.records.public import WindowRecord
from tocsin.telemetry.health import Health
from tocsin.values import Clock

GROUP = "tocsin-windows"
# Together about a second from a frame to its place in the table.
_WAIT_S, _LINGER_S = 0.5, 0.5
# A frame has 1 MB at most, so a turn never holds more than 100 MB of them.
_MAX_FRAMES = 100


@dataclass(slots=True)
class WindowsLoop:
    """Reads log-metrics until `stop` is set; waits for a bus that is away.

    Raises (from `run`):
        Fenced: another process has this identity.
        BusError: waiting would not help.
    """

    bus: Bus
    config: ProcessorConfig
    identity: str
    telemetry: ProcessorTelemetry
    health: Health
    stop: threading.Event
    clock: Clock
    _windows: Windows | None = None
    _generation: int = -1

    def run(self) -> None:
        """Work; opens all but the producer anew when the bus was away."""
        patience = Patience(
            self.stop, self.health, lambda p: self.telemetry.waiting("windows", p)
        )
        with Claim(self.bus, f"{self.identity}-windows") as claim:
            while not self.stop.is_set():
                try:
                    self._work(claim.producer(), patience)
                except BusUnavailable as error:
                    patience.wait(str(error))

    def _work(self, producer: Producer, patience: Patience) -> None:
        with _Session(self.bus, producer, member=self.identity) as session:
            self._forget()
            while not self.stop.is_set():
                try:
                    self._turn(session)
                except TransactionAborted as error:
                    self._forget()
                    self.telemetry.redone("windows", str(error))
                patience.over()

    @property
    def _size_s(self) -> int:
        return max(int(self.config.window), 1)

    def _forget(self) -> None:
        self._windows = None
        self._generation = -1

    def _turn(self, session: _Session) -> None:
        batches = session.consumer.poll(
            max_records=_MAX_FRAMES, wait_s=_WAIT_S, linger_s=_LINGER_S
        )
        assignment = session.consumer.assignment()
        if not assignment.positions:
            self._forget()
            return
        if self._windows is None or assignment.generation != self._generation:
            self._windows = self._load()
            self._generation = assignment.generation
        for batch in batches:
            self._merge(self._windows, batch)
        changes = self._windows.collect(now=self.clock())
        if batches or changes.rows:
            self._commit(session, changes)
        self.telemetry.windows_written(len(changes.records))
        self.telemetry.watermark(self._windows.watermark)
        lag = sum(position.lag for position in assignment.positions.values())
        self.telemetry.lag(topics.LOG_METRICS, GROUP, lag)

    def _load(self) -> Windows:
        windows = Windows(
            sizes_s=[self._size_s, *map(int, self.config.further_windows)],
            grace_s=self.config.grace,
            sources=self.bus.partitions(topics.RAW_LOGS),
        )
        view = self.bus.table(topics.WINDOWS)
        try:
            windows.load(view.rows)
        finally:
            view.close()
        return windows

    def _merge(self, windows: Windows, batch: Batch) -> None:
        duplicates = 0
        bad: list[str] = []
        for value in batch.records.values:
            try:
                frame = decode_frame(value)
            except BadRecord as error:
                bad.append(str(error))
                continue
            expected = windows.expected(frame.source)
            verdict = windows.merge(frame)
            duplicates += verdict is Verdict.DUPLICATE
            if verdict is Verdict.AFTER_GAP and expected is not None:
                gap = Gap(frame.source, expected, frame.lo)
                self.telemetry.lost(topics.LOG_METRICS, [gap])
        if duplicates:
            self.telemetry.duplicates(duplicates)
        if bad:
            self.telemetry.bad_frames(len(bad), bad[0])

    def _commit(self, session: _Session, changes: Changes) -> None:
        by_partition: dict[int, list[WindowRecord]] = {}
        for record in changes.records:
            service = encode_name(record.service)
            partition = partition_of(service, session.partitions)
            by_partition.setdefault(partition, []).append(record)
        with session.producer.transaction() as transaction:
            for partition, records in by_partition.items():
                columns = _columns(records, self._size_s, int(self.clock() * 1000))
                transaction.send(topics.LOG_METRICS_1M, partition, columns)
            if changes.rows:
                transaction.put(topics.WINDOWS, changes.rows)
            transaction.acknowledge(session.consumer)


class _Session:
    """What is open on the bus; a new one begins at the committed offsets."""

    def __init__(self, bus: Bus, producer: Producer, *, member: str) -> None:
        self.producer = producer
        self.partitions = bus.partitions(topics.LOG_METRICS_1M)
        self.consumer = bus.consumer([topics.LOG_METRICS], group=GROUP, member=member)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.consumer.close()


def _columns(records: list[WindowRecord], size_s: int, stamp_ms: int) -> Records:
    keys = [_key(record, size_s) for record in records]
    values = [msgspec.json.encode(record) for record in records]
    return Records(keys, values, [stamp_ms] * len(records))


def _key(record: WindowRecord, size_s: int) -> bytes:
    """Windows of the first size have the key that they always had."""
    key = f"{encode_name(record.service)}/{record.window_start}"
    if record.window_s != size_s:
        key += f"/{record.window_s}"
    return key.encode()
