"""Delivery: makes each channel show what the outbox says. One thread a channel.

A channel's thread owns its queue, its notifier and its producer, so that a slow, dead
or rate-limited channel delays no other. Opening a producer fences an older process:
only one process records deliveries. What is accepted is recorded at once; between
Slack's answer and the record a crash can come, so after a restart, a timeout or an
unclear answer a message is looked up before it is sent again.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from queue import Empty, SimpleQueue
from typing import Self, TypeVar

from alerting.notify.port import MessageGone, Notifier, OutcomeUnknown
from alerting.outbox import (
    Delivered,
    Desired,
    channel_prefix,
    decode_delivered,
    decode_desired,
    encode,
)
from alerting.queue import Act, ChannelQueue, Entry
from alerting.telemetry import AlertingTelemetry, Sending
from tocsin.errors import (
    BadRecord,
    BusUnavailable,
    DeliveryFailed,
    Fenced,
    TransactionAborted,
)
from tocsin.ports.bus import Bus, Producer
from tocsin.records.topics import DELIVERIES, OUTBOX
from tocsin.values import Clock

IDENTITY = "tocsin-alerting-delivery"
_T = TypeVar("_T")
_BACKOFF_S, _MAX_BACKOFF_S = 0.5, 60.0
_REFUSED_S = 60.0  # a person has to act; look again after a minute
_IDLE_S = 5.0
_LOAD_S = 10.0
_CLOSE_S = 8.0  # a channel answers within 6 s, or never
_LOOK_BACK_S = 60.0  # clocks of ours and of Slack differ


class Delivery:
    """The threads of all channels; a context manager that ends them.

    `failure` is set when a thread ended with an error; Fenced means that another
    process delivers now.
    """

    def __init__(
        self,
        bus: Bus,
        notifiers: Sequence[Notifier],
        *,
        telemetry: AlertingTelemetry,
        clock: Clock = time.time,
    ) -> None:
        self._stop = threading.Event()
        self.failure: BaseException | None = None
        self._channels = [
            _Channel(
                bus,
                notifier,
                telemetry=telemetry,
                clock=clock,
                stop=self._stop,
                on_failure=self._on_failure,
            )
            for notifier in notifiers
        ]

    def start(self) -> None:
        """Start the threads; returns when they know what is delivered, ~10 s at most.

        What is submitted afterwards is certainly new: it needs no look-up.
        """
        for channel in self._channels:
            channel.start()
        for channel in self._channels:
            channel.loaded.wait(_LOAD_S)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def channels(self) -> list[str]:
        """The names of the channels."""
        return [x.name for x in self._channels]

    def submit(self, rows: Iterable[Desired]) -> None:
        """Hand over rows that are committed; never blocks."""
        for row in rows:
            for channel in self._channels:
                if channel.name == row.channel:
                    channel.submit(row)

    def forget(self, incidents: Sequence[str]) -> None:
        """Let go of incidents whose rows are deleted."""
        for channel in self._channels:
            channel.forget(incidents)

    def close(self) -> None:
        """End the threads; waits at most 8 s for their answers."""
        self._stop.set()
        deadline = time.monotonic() + _CLOSE_S
        for channel in self._channels:
            channel.wake()
        for channel in self._channels:
            channel.join(max(0.0, deadline - time.monotonic()))

    def _on_failure(self, error: BaseException) -> None:
        self.failure = error


class _Channel:
    def __init__(  # noqa: PLR0913 - made in one place, from ready-made parts
        self,
        bus: Bus,
        notifier: Notifier,
        *,
        telemetry: AlertingTelemetry,
        clock: Clock,
        stop: threading.Event,
        on_failure: Callable[[BaseException], None],
    ) -> None:
        self.name = notifier.channel
        self._bus = bus
        self._notifier = notifier
        self._telemetry = telemetry
        self._clock = clock
        self._stop = stop
        self._on_failure = on_failure
        self.loaded = threading.Event()
        self._inbox: SimpleQueue[Desired | Sequence[str] | None] = SimpleQueue()
        self._queue = ChannelQueue(
            can_edit=notifier.can_edit,
            post_every_s=notifier.post_every_s,
            edit_every_s=notifier.edit_every_s,
        )
        # A daemon: a channel that does not answer must not keep the process alive.
        # What it was sending has an unknown outcome, and is looked up next time.
        self._thread = threading.Thread(
            target=self._run, name=f"deliver-{self.name}", daemon=True
        )

    def start(self) -> None:
        self._thread.start()

    def submit(self, row: Desired) -> None:
        self._inbox.put(row)

    def forget(self, incidents: Sequence[str]) -> None:
        self._inbox.put(incidents)

    def wake(self) -> None:
        self._inbox.put(None)

    def join(self, timeout_s: float) -> None:
        self._thread.join(timeout_s)

    def _run(self) -> None:
        try:
            producer = self._retried(
                lambda: self._bus.producer(f"{IDENTITY}-{self.name}")
            )
            if producer is None:
                return
            try:
                self._deliver(producer)
            finally:
                producer.close()
        except Fenced as error:
            self._telemetry.delivery_lost(self.name, error)
            self._on_failure(error)
        except Exception as error:  # noqa: BLE001 - the top of a thread: told, handed on
            self._telemetry.crashed("delivery ended", error)
            self._on_failure(error)
        finally:
            self.loaded.set()

    def _deliver(self, producer: Producer) -> None:
        """Send what differs, for ever; the producer is open, so nobody else does."""
        self._retried(self._load)
        self.loaded.set()
        while not self._stop.is_set():
            self._take_in()
            chosen = self._queue.next(self._clock())
            if chosen is not None and not self._stop.is_set():
                self._send(producer, *chosen)

    def _load(self) -> bool:
        prefix = channel_prefix(self.name)
        desired = self._bus.table(OUTBOX, prefix=prefix)
        shown = self._bus.table(DELIVERIES, prefix=prefix)
        self._queue.load(
            self._decoded(OUTBOX, decode_desired, desired.rows.values()),
            self._decoded(DELIVERIES, decode_delivered, shown.rows.values()),
        )
        desired.close()
        shown.close()
        return True

    def _decoded(
        self, table: str, decode: Callable[[bytes], _T], values: Iterable[bytes]
    ) -> list[_T]:
        rows = []
        for value in values:
            try:
                rows.append(decode(value))
            except BadRecord as error:
                self._telemetry.bad_record(table, error)
        return rows

    def _take_in(self) -> None:
        """Wait some seconds at most for something to do, and take the inbox in."""
        now = self._clock()
        oldest_at = self._queue.oldest_at()
        age_s = 0.0 if oldest_at is None else max(0.0, now - oldest_at)
        self._telemetry.outbox(self._notifier.kind, len(self._queue), age_s)
        wait_s = self._queue.wait_s(now)
        try:
            wait_s = _IDLE_S if wait_s is None else min(wait_s, _IDLE_S)
            self._accept(self._inbox.get(timeout=wait_s) if wait_s > 0 else None)
            while True:
                self._accept(self._inbox.get_nowait())
        except Empty:
            return

    def _accept(self, news: Desired | Sequence[str] | None) -> None:
        if isinstance(news, Desired):
            self._queue.put(news)
        else:
            for incident in news or ():
                self._queue.forget(incident)

    def _send(self, producer: Producer, entry: Entry, act: Act) -> None:
        started = time.monotonic()
        try:
            delivered, outcome = self._attempt(entry, act)
        except DeliveryFailed as error:
            self._failed(entry, act, error)
            return
        now = self._clock()
        self._queue.sent(act, now)
        if delivered is None:  # looked up, and not there: post it next
            entry.is_unknown = False
            return
        self._telemetry.sent(self._notifier.kind, outcome, time.monotonic() - started)
        message = entry.desired.message
        if act is Act.POST and message.is_open and not entry.was_shown:
            self._telemetry.alerted(now - message.arrival.written_at)
        rows = {entry.desired.key: encode(delivered)}
        self._retried(lambda: _commit(producer, rows))
        self._queue.shows(delivered)

    def _attempt(self, entry: Entry, act: Act) -> tuple[Delivered | None, Sending]:
        message = entry.desired.message
        if act is Act.FIND:
            found = self._find(entry)
            if found is None:
                return None, Sending.FOUND
            return self._shows(entry, *found), Sending.FOUND
        if act is Act.EDIT:
            reference = self._queue.reference(entry)
            self._notifier.edit(reference, message)
            return self._shows(entry, reference, message.sequence), Sending.EDITED
        if entry.is_unknown and not self._notifier.can_edit:
            self._telemetry.maybe_twice(
                self._notifier.kind, self.name, message.incident
            )
        reference = self._notifier.post(message)
        return self._shows(entry, reference, message.sequence), Sending.POSTED

    def _find(self, entry: Entry) -> tuple[str, int] | None:
        """Look up a message that may be there; None when nobody can tell, too."""
        since = entry.desired.since - _LOOK_BACK_S
        incident = entry.desired.message.incident
        try:
            return self._notifier.find(incident, since)
        except DeliveryFailed as error:
            if error.retryable:
                raise
            self._telemetry.maybe_twice(self._notifier.kind, self.name, incident)
            return None

    def _shows(self, entry: Entry, reference: str, sequence: int) -> Delivered:
        message = entry.desired.message
        return Delivered(
            channel=self.name,
            incident=message.incident,
            sequence=sequence,
            reference=reference,
            is_open=message.is_open,
            at=self._clock(),
        )

    def _failed(self, entry: Entry, act: Act, error: DeliveryFailed) -> None:
        """Decide when to try again: the answer names it, or it grows each time."""
        now = self._clock()
        kind = self._notifier.kind
        if isinstance(error, MessageGone):
            self._telemetry.failed(kind, Sending.GONE)
            self._queue.lost(entry.desired.message.incident)
            entry.is_unknown = False
            entry.was_shown = True
            return
        if error.retry_after_s is not None:
            self._telemetry.failed(kind, Sending.LIMITED)
            self._queue.pause(act, now + error.retry_after_s)
            self._telemetry.retrying(error, error.retry_after_s)
            return
        entry.attempts += 1
        wait_s = backoff_s(entry.attempts, random.random())
        if error.retryable:
            entry.is_unknown |= isinstance(error, OutcomeUnknown)
            self._telemetry.failed(kind, Sending.UNKNOWN)
            self._telemetry.retrying(error, wait_s)
        else:
            wait_s = max(wait_s, _REFUSED_S)
            self._telemetry.failed(kind, Sending.REFUSED)
            self._telemetry.refused(error, wait_s)
            if error.hint:  # the channel's fault, not the message's
                self._queue.pause_all(now + wait_s)
        entry.not_before = now + wait_s

    def _retried(self, work: Callable[[], _T]) -> _T | None:
        """Do it until the bus takes it; None when told to stop after a failure."""
        attempt = 0
        while attempt == 0 or not self._stop.is_set():
            try:
                return work()
            except (BusUnavailable, TransactionAborted) as error:
                if attempt == 0:
                    self._telemetry.waiting(error)
                attempt += 1
                self._stop.wait(min(2.0, backoff_s(attempt, random.random())))
        return None


def backoff_s(attempt: int, chance: float) -> float:
    """How long to wait after `attempt` failures; `chance` in [0, 1) spreads retries."""
    longest = min(_MAX_BACKOFF_S, _BACKOFF_S * 2.0 ** (attempt - 1))
    return longest * (0.5 + 0.5 * chance)


def _commit(producer: Producer, rows: dict[bytes, bytes]) -> bool:
    with producer.transaction() as transaction:
        transaction.put(DELIVERIES, rows)
    return True
