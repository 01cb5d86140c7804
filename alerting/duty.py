"""What the active process does with frames: decide, commit, hand over to delivery."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Sequence

import msgspec

from alerting.bundle import Bundle
from alerting.delivery import Delivery
from alerting.desk import Change, Desk
from alerting.engine import Engine, Outcome
from alerting.heartbeat import Heartbeat
from alerting.incident import Incident, encode_incident
from alerting.message import alert_record
from alerting.notice import Notice, encode_row
from alerting.orders import OrderBook
from alerting.outbox import Desired, encode, row_key
from alerting.recovery import encode_positions
from alerting.rollcall import CollectorTable
from alerting.selfcheck import SelfCheck, Vitals
from alerting.telemetry import AlertingTelemetry
from alerting.tiling import Fit
from tocsin.errors import BadRecord
from tocsin.ports.bus import Batch, Bus, Consumer, Producer, Records, Transaction
from tocsin.records.frames import Frame, Skew, decode_frame
from tocsin.records.public import DeadLetter
from tocsin.records.topics import (
    ACKNOWLEDGEMENTS,
    ALERTS,
    COLLECTORS,
    DEAD_LETTERS,
    DECIDED,
    DELIVERIES,
    INCIDENTS,
    LOG_METRICS,
    MEMORIES,
    NOTICES,
    OUTBOX,
)
from tocsin.values import Clock

_COMMIT_EVERY_S = 1.0  # while there is nothing to tell; a crash redoes as much
_PURGE_EVERY_S = 60.0
_KEPT_INCIDENTS, _KEPT_S = 1000, 7 * 86_400.0
_BEGINNING = 500
_CAUGHT_UP_S = 60.0


class Duty:
    """The decisions of one active process, and their transactions."""

    def __init__(  # noqa: PLR0913 - made in one place, from ready-made parts
        self,
        bus: Bus,
        engine: Engine,
        delivery: Delivery,
        desk: Desk,
        orders: OrderBook,
        *,
        collectors: CollectorTable,
        heartbeat: Heartbeat | None = None,
        telemetry: AlertingTelemetry,
        clock: Clock,
    ) -> None:
        self.delivery = delivery
        self._bus = bus
        self._engine = engine
        self._desk = desk
        self._orders = orders
        self._collectors = collectors
        self._heartbeat = heartbeat
        self._check = SelfCheck(desk.incidents.values())
        self._missing = self._skewed = 0  # since the last look
        self._skews: list[Skew] = []
        self._heard_at = clock()
        self._is_idle = True
        self._telemetry = telemetry
        self._clock = clock
        self._outcomes: list[Outcome] = []
        self._incidents: dict[str, Incident] = {}  # changed, and not committed
        self._rows: list[Desired] = []
        self._notices: dict[str, Notice | Bundle] = {}
        self._dead: list[DeadLetter] = []
        self._gone: list[str] = []
        self._positions = engine.positions
        self._owes = False  # frames are decided on and not committed
        self._committed_at = self._ticked_at = self._purged_at = clock()
        self._call_roll(self._ticked_at)  # before the first frame

    def turn(
        self, batches: Sequence[Batch], producer: Producer, consumer: Consumer
    ) -> None:
        """Decide on what was read; commit at once what is to be told.

        Raises:
            TransactionAborted: nothing happened; make a new Duty from what is stored.
        """
        now = self._clock()
        for batch in batches:
            self._decide(batch, now)
        is_tick = now - self._ticked_at >= 1.0
        if is_tick:
            self._ticked_at = now
            self._call_roll(now)
            self._outcomes += self._engine.tick(now)
            self._look_at_itself(now)
            self._orders.refresh()
            if self._heartbeat is not None:
                self._heartbeat.turn()
        if is_tick or self._outcomes:
            self._judge(now)
        due = now - self._committed_at >= _COMMIT_EVERY_S
        if self._outcomes or self._notices or self._rows or (due and self._owes):
            self._commit(producer, consumer, now)

    def close(self) -> None:
        """End delivery."""
        self.delivery.close()
        self._orders.close()
        self._collectors.close()
        if self._heartbeat is not None:
            self._heartbeat.close()

    def _call_roll(self, now: float) -> None:
        self._collectors.refresh(now)
        self._engine.hear(self._collectors.roll.heard_at, now)

    def _look_at_itself(self, now: float) -> None:
        vitals = Vitals(
            now=now,
            heard_at=self._heard_at,
            watermark=self._engine.watermark,
            is_idle=self._is_idle,
            missing=self._missing,
            skewed=self._skewed,
            skews=self._skews,
            collectors_down=self._collectors.roll.down(now),
            uncounted=self._engine.uncounted,
            undelivered_since=self.delivery.waits_since,
        )
        self._missing = self._skewed = 0
        self._skews = []
        for incident, kind in self._check.look(vitals):
            self._incidents[incident.id] = incident
            self._outcomes.append(Outcome(incident, kind, ()))

    def _judge(self, now: float) -> None:
        """Let the desk decide what people are to be told."""
        self._incidents.update((x.id, x) for x in self._engine.changed())
        changed = list(self._incidents.values())
        watermark = self._engine.watermark
        self._rows += self._desk.take(
            changed,
            [Change(x.incident, x.kind, x.spark) for x in self._outcomes],
            self._orders.orders,
            now=now,
            is_caught_up=watermark is not None and now - watermark < _CAUGHT_UP_S,
        )
        for key, row in self._desk.changed().items():
            self._notices[key] = row
            if isinstance(row, Notice):
                self._telemetry.noticed(row)

    def _decide(self, batch: Batch, now: float) -> None:
        fits: Counter[Fit] = Counter()
        for key, value in zip(batch.records.keys, batch.records.values, strict=True):
            try:
                frame = decode_frame(value)
            except BadRecord as error:
                self._reject(key, value, error, now)
                continue
            fits[self._take(frame, now)] += 1
        self._owes = True
        self._telemetry.frames(fits)
        self._telemetry.decided(self._engine.reasons)
        self._engine.reasons.clear()
        self._telemetry.new_templates(self._engine.new_templates())
        if self._engine.dropped:
            self._telemetry.too_late(self._engine.dropped)
            self._engine.dropped = 0

    def _take(self, frame: Frame, now: float) -> Fit:
        step = self._engine.take(frame, now)
        self._heard_at = now
        self._is_idle = frame.caught_up
        self._skewed += frame.skewed
        self._skews += frame.skews
        self._missing += step.missing
        self._outcomes += step.outcomes
        if step.fit is Fit.GAP:
            self._telemetry.gap(frame.source, step.missing)
        elif step.fit is Fit.OVERLAP:
            self._telemetry.overlap(frame.source)
        return step.fit

    def _reject(self, key: bytes, value: bytes, error: BadRecord, now: float) -> None:
        self._telemetry.bad_record(LOG_METRICS, error)
        letter = DeadLetter(
            reason=str(error)[:_BEGINNING],
            stage="alerting",
            origin=f"{LOG_METRICS}:{key[:100].decode('utf-8', 'replace')}",
            at=now,
            bytes=len(value),
            beginning=value[:_BEGINNING].decode("utf-8", "replace"),
        )
        self._dead.append(letter)

    def _commit(self, producer: Producer, consumer: Consumer, now: float) -> None:
        gone = self._old(now)
        positions = self._engine.positions
        with producer.transaction() as transaction:
            transaction.put(
                INCIDENTS,
                {x.encode(): encode_incident(y) for x, y in self._incidents.items()},
            )
            transaction.put(
                NOTICES, {x.encode(): encode_row(y) for x, y in self._notices.items()}
            )
            transaction.put(OUTBOX, {x.key: encode(x) for x in self._rows})
            moved = dict(positions.items() - self._positions.items())
            transaction.put(DECIDED, encode_positions(moved))
            transaction.put(MEMORIES, self._engine.remembered())
            self._send_alerts(transaction, now)
            self._send_dead(transaction, now)
            self._delete(transaction, gone)
            lost = self._collectors.roll.gone(now)
            transaction.put(COLLECTORS, dict.fromkeys(lost))
            transaction.acknowledge(consumer)
        self._positions = positions
        self._tell(gone)
        self._incidents.clear()
        self._notices.clear()
        self._rows = []
        self._outcomes.clear()
        self._dead.clear()
        self._owes = False
        self._committed_at = now

    def _send_alerts(self, transaction: Transaction, now: float) -> None:
        for outcome in self._outcomes:
            record = alert_record(outcome.incident, outcome.kind, now)
            self._send(transaction, ALERTS, record.incident.encode(), record, now)

    def _send_dead(self, transaction: Transaction, now: float) -> None:
        for letter in self._dead:
            self._send(transaction, DEAD_LETTERS, letter.origin.encode(), letter, now)

    def _send(
        self,
        transaction: Transaction,
        topic: str,
        key: bytes,
        record: msgspec.Struct,
        now: float,
    ) -> None:
        partition = zlib.crc32(key) % self._bus.partitions(topic)
        value = msgspec.json.encode(record)
        transaction.send(topic, partition, Records([key], [value], [int(now * 1000)]))

    def _old(self, now: float) -> list[Incident]:
        """Incidents to be forgotten: resolved, and too old or too many."""
        if now - self._purged_at < _PURGE_EVERY_S:
            return []
        self._purged_at = now
        done = [x for x in self._desk.incidents.values() if not x.is_open]
        done.sort(key=lambda x: x.detected_at)
        surplus = len(done) - _KEPT_INCIDENTS
        return [
            x
            for i, x in enumerate(done)
            if i < surplus or x.detected_at < now - _KEPT_S
        ]

    def _delete(self, transaction: Transaction, gone: Sequence[Incident]) -> None:
        if not gone:
            return
        self._gone = self._desk.forget(gone)
        rows = {x.encode(): None for x in self._gone}
        keys = [row_key(c, x) for x in self._gone for c in self.delivery.channels]
        transaction.put(INCIDENTS, {x.id.encode(): None for x in gone})
        transaction.put(NOTICES, rows)
        transaction.put(ACKNOWLEDGEMENTS, rows)
        transaction.put(OUTBOX, dict.fromkeys(keys))
        transaction.put(DELIVERIES, dict.fromkeys(keys))

    def _tell(self, gone: Sequence[Incident]) -> None:
        """Hand over what is committed now."""
        self.delivery.submit(self._rows)
        if gone:
            self.delivery.forget(self._gone)
            self._engine.forget(gone)
        for outcome in self._outcomes:
            if outcome.kind == "opened":
                self._telemetry.opened(outcome.incident)
            elif outcome.kind == "resolved":
                self._telemetry.resolved(outcome.incident)
        if self._outcomes:
            self._telemetry.incidents(self._engine.incidents)
