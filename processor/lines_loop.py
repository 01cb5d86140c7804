"""The first loop: raw-logs to frames, dead letters and learned formats.

Stateless: frames, what else a flush found, and the input offsets are one transaction.
After a restart, or a transaction that did not happen, it goes on from the committed
offsets, and nothing is lost or counted twice.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

import msgspec

from processor.claim import Claim
from processor.flush import Flush, Flusher, Settings
from processor.ownformats import OwnFormat
from processor.parsing import Parser
from processor.paths import Paths
from processor.patience import Patience
from processor.redaction import Redaction
from processor.streams import StreamFormats, format_rows
from processor.telemetry import ProcessorTelemetry
from processor.zones import Zone
from tocsin.config.model import ProcessorConfig
from tocsin.config.tallies import Tally, counted_as
from tocsin.errors import BusUnavailable, TransactionAborted
from tocsin.ports.bus import Bus, Consumer, Position, Producer, Records, Transaction
from tocsin.records import topics
from tocsin.records.frames import encode_frame
from tocsin.records.keys import parse_key
from tocsin.telemetry.health import Health
from tocsin.values import Clock

GROUP = "tocsin-processor"
# One order of frames for every reader, whatever the number of sources.
FRAMES_PARTITION = 0
DEAD_LETTERS_PARTITION = 0


@dataclass(frozen=True, slots=True)
class LinesLoop:
    """Reads raw-logs until `stop` is set; waits for a bus that is away.

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
    tallies: Sequence[Tally] = ()

    def run(self) -> None:
        """Work; opens all but the producer anew when the bus was away."""
        flusher = self._flusher()
        patience = Patience(
            self.stop, self.health, lambda p: self.telemetry.waiting("lines", p)
        )
        with Claim(self.bus, self.identity) as claim:
            while not self.stop.is_set():
                try:
                    self._work(claim.producer(), flusher, patience)
                except BusUnavailable as error:
                    flusher.forget()
                    patience.wait(str(error))

    def _flusher(self) -> Flusher:
        return Flusher(
            Parser(
                Zone(self.config.timezone),
                Redaction(self.config.redact, defaults=self.config.redact_defaults),
                count_by=self.config.count_by,
                own=[OwnFormat(f.name, f.pattern) for f in self.config.formats],
                tallies=self.tallies,
            ),
            StreamFormats(),
            Settings(
                heartbeat_s=self.config.heartbeat,
                window_s=max(int(self.config.window), 1),
                grace_s=self.config.grace,
                max_templates=self.config.max_templates,
                max_templates_a_day=self.config.max_templates_a_day,
                max_values=self.config.max_values,
                counted=counted_as(fields=self.config.count_by, tallies=self.tallies),
                max_services=self.config.max_services,
            ),
        )

    def _work(self, producer: Producer, flusher: Flusher, patience: Patience) -> None:
        with _Session(self.bus, producer, self.clock) as session:
            useless = flusher.formats.load(
                session.remembered_formats(), now=self.clock()
            )
            if useless:
                with session.producer.transaction() as transaction:
                    transaction.put(topics.FORMATS, dict.fromkeys(useless))
            while not self.stop.is_set():
                try:
                    self._turn(session, flusher)
                except TransactionAborted as error:
                    flusher.forget()
                    self.telemetry.redone("lines", str(error))
                patience.over()
                self.health.beat()
                self.health.ready()

    def _turn(self, session: _Session, flusher: Flusher) -> None:
        batches = session.consumer.poll(
            max_records=self.config.max_batch_lines,
            wait_s=min(self.config.heartbeat, 1.0),
            linger_s=self.config.flush,
        )
        positions = _positions(session.consumer)
        session.paths.begin()
        flush = flusher.flush(
            batches,
            positions,
            now=self.clock(),
            known=session.paths.known,
        )
        if flush.frames:
            self._commit(session, flush)
        self._tell(session, flush, positions.values())

    def _commit(self, session: _Session, flush: Flush) -> None:
        with session.producer.transaction() as transaction:
            _send(transaction, flush, now=self.clock())
            transaction.acknowledge(session.consumer)

    def _tell(
        self, session: _Session, flush: Flush, positions: Iterable[Position]
    ) -> None:
        now = self.clock()
        for learned in flush.learned:
            key = parse_key(learned.stream + b":0")
            path = session.paths.of(key.file_id) or key.file_id
            self.telemetry.learned(path, key.service, learned.format, learned.before)
        if flush.gaps:
            self.telemetry.lost(topics.RAW_LOGS, flush.gaps)
        if flush.dead:
            letter = flush.dead[0][1]
            self.telemetry.dead_lettered(len(flush.dead), letter.reason, letter.origin)
        lag = sum(position.lag for position in positions)
        self.telemetry.lag(topics.RAW_LOGS, GROUP, lag)
        self.telemetry.flushed(flush, now=now)


class _Session:
    """What is open on the bus; a new one begins at the committed offsets."""

    consumer: Consumer
    paths: Paths

    def __init__(self, bus: Bus, producer: Producer, clock: Clock) -> None:
        self._bus = bus
        self.producer = producer
        self._closers: list[Consumer | Paths] = []
        try:
            self.consumer = bus.consumer(
                [topics.RAW_LOGS], group=GROUP, member=producer.identity
            )
            self._closers.append(self.consumer)
            self.paths = Paths(bus.table(topics.STREAMS), clock)
            self._closers.append(self.paths)
        except BaseException:
            self.__exit__()
            raise

    def remembered_formats(self) -> dict[bytes, bytes]:
        """The rows of the table `formats`."""
        view = self._bus.table(topics.FORMATS)
        try:
            return dict(view.rows)
        finally:
            view.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for closer in reversed(self._closers):
            closer.close()


def _positions(consumer: Consumer) -> dict[int, Position]:
    assigned = consumer.assignment().positions
    return {place.partition: position for place, position in assigned.items()}


def _send(transaction: Transaction, flush: Flush, *, now: float) -> None:
    stamp = int(now * 1000)
    frames = [encode_frame(frame) for frame in flush.frames]
    keys = [str(frame.source).encode() for frame in flush.frames]
    transaction.send(
        topics.LOG_METRICS,
        FRAMES_PARTITION,
        Records(keys, frames, [stamp] * len(frames)),
    )
    if flush.dead:
        letters = [msgspec.json.encode(letter) for _, letter in flush.dead]
        transaction.send(
            topics.DEAD_LETTERS,
            DEAD_LETTERS_PARTITION,
            Records([key for key, _ in flush.dead], letters, [stamp] * len(letters)),
        )
    if flush.learned:
        transaction.put(topics.FORMATS, format_rows(flush.learned, now))
