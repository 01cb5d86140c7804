"""One channel's thread: what is to be shown there, what is shown, and the sending.

It owns its queue, its notifier and its producer, so that a slow, dead or rate-limited
channel delays no other. Opening a producer fences an older process: only one process
records deliveries. What is accepted is recorded at once; between Slack's answer and
the record a crash can come, so after a restart, a timeout or an unclear answer a
message is looked up before it is sent again.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from typing import TypeVar

from alerting.notify.port import Notifier
from alerting.outbox import (
    Delivered,
    Desired,
    channel_prefix,
    decode_delivered,
    decode_desired,
    encode,
)
from alerting.queue import Act, ChannelQueue, Entry, Sending, backoff_s
from alerting.rows import readable
from alerting.telemetry import AlertingTelemetry
from tocsin.errors import (
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
_IDLE_S = 5.0
_LOOK_BACK_S = 60.0  # clocks of ours and of Slack differ


class Channel:
    """The thread of one channel; methods may be called by any thread."""

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
        self.loaded = threading.Event()
        self.waits_since: float | None = None  # its oldest message
        self._bus = bus
        self._notifier = notifier
        self._telemetry = telemetry
        self._clock = clock
        self._stop = stop
        self._on_failure = on_failure
        self._inbox: SimpleQueue[Desired | Sequence[str] | None] = SimpleQueue()
        self._queue = ChannelQueue(
            can_edit=notifier.can_edit,
            post_every_s=notifier.post_every_s,
            edit_every_s=notifier.edit_every_s,
            renew_every_s=notifier.renew_every_s,
        )
        # A daemon: a channel that does not answer must not keep the process alive.
        # What it was sending has an unknown outcome, and is looked up next time.
        self._thread = threading.Thread(
            target=self._run, name=f"deliver-{self.name}", daemon=True
        )

    def start(self) -> None:
        """Start the thread; `loaded` is set when it knows what is delivered."""
        self._thread.start()

    def submit(self, row: Desired) -> None:
        """Hand over a row that is committed."""
        self._inbox.put(row)

    def forget(self, incidents: Sequence[str]) -> None:
        """Let go of incidents whose rows are deleted."""
        self._inbox.put(incidents)

    def wake(self) -> None:
        """Let it look whether it is to stop."""
        self._inbox.put(None)

    def join(self, timeout_s: float) -> None:
        """Wait for the thread's end."""
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
        self._check()
        while not self._stop.is_set():
            self._take_in()
            chosen = self._queue.next(self._clock())
            if chosen is not None and not self._stop.is_set():
                self._send(producer, *chosen)

    def _check(self) -> None:
        """Tell at the start what would fail at the first page, at night."""
        try:
            self._notifier.check()
        except DeliveryFailed as error:
            self._telemetry.not_working(self.name, error)

    def _load(self) -> bool:
        prefix = channel_prefix(self.name)
        desired = self._bus.table(OUTBOX, prefix=prefix)
        shown = self._bus.table(DELIVERIES, prefix=prefix)
        self._queue.load(
            readable(OUTBOX, decode_desired, desired.rows.values(), self._telemetry),
            readable(
                DELIVERIES, decode_delivered, shown.rows.values(), self._telemetry
            ),
        )
        desired.close()
        shown.close()
        return True

    def _take_in(self) -> None:
        """Wait some seconds at most for something to do, and take the inbox in."""
        now = self._clock()
        oldest_at = self.waits_since = self._queue.oldest_at()
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
        try:
            if act is Act.FIND:
                delivered = self._look_up(entry)
            else:
                delivered = self._tell(entry, act)
        except DeliveryFailed as error:
            self._failed(entry, act, error)
            return
        self._queue.sent(act, self._clock())
        if not delivered:
            return
        rows = {self._key(x): encode(x) for x in delivered}
        self._retried(lambda: _commit(producer, rows))
        for row in delivered:
            self._queue.shows(row)

    def _tell(self, entry: Entry, act: Act) -> list[Delivered]:
        """Post, edit or note; what the channel shows then."""
        message = entry.desired.message
        kind = self._notifier.kind
        started = time.monotonic()
        noted = message.note_sequence
        match act:
            case Act.EDIT:
                reference, outcome = self._queue.reference(entry), Sending.EDITED
                noted = self._queue.noted(entry)
                self._notifier.edit(reference, message)
            case Act.NOTE | Act.FIND_NOTE:
                reference, outcome = self._queue.reference(entry), Sending.NOTED
                if act is Act.FIND_NOTE and not self._is_noted(entry, reference):
                    entry.is_unknown = False
                    return []
                if act is Act.NOTE:
                    self._notifier.note(reference, message)
            case _:
                if entry.is_unknown and not self._notifier.can_edit:
                    self._telemetry.maybe_twice(kind, self.name, message.incident)
                thread = self._queue.thread(entry)
                reference = self._notifier.post(message, thread=thread)
                outcome = Sending.POSTED
        self._telemetry.sent(kind, outcome, time.monotonic() - started)
        if act is Act.POST and message.is_open and not entry.was_shown:
            self._telemetry.alerted(self._clock(), message.arrival.written_at)
        return [self._shows(entry, reference, message.sequence, noted)]

    def _look_up(self, entry: Entry) -> list[Delivered]:
        """Look up all messages that may be there; what is not is posted next."""
        entries = self._queue.unknown(entry.desired.message.parent)
        wanted = {x.desired.message.incident: x for x in entries}
        since = min(x.desired.since for x in entries) - _LOOK_BACK_S
        thread = self._queue.thread(entry)
        try:
            search = self._notifier.find(wanted, since, thread=thread)
        except DeliveryFailed as error:
            if error.retryable:
                raise
            search = None
        shown = []
        for incident, waiting in wanted.items():
            found = search.found.get(incident) if search else None
            if found is not None:
                # Notes of an earlier state are not looked up: the edit tells it.
                noted = waiting.desired.message.note_sequence
                noted = noted if noted <= found.sequence else 0
                shown.append(self._shows(waiting, *found, noted))
                self._telemetry.sent(self._notifier.kind, Sending.FOUND, 0.0)
                continue
            waiting.is_unknown = False
            if search is None or not search.is_whole:
                self._telemetry.maybe_twice(self._notifier.kind, self.name, incident)
        return shown

    def _is_noted(self, entry: Entry, reference: str) -> bool:
        """Whether the note is there; a channel that nobody may read has none."""
        try:
            return self._notifier.has_note(reference, entry.desired.message)
        except DeliveryFailed as error:
            if error.retryable:
                raise
            return False

    def _shows(
        self, entry: Entry, reference: str, sequence: int, noted: int
    ) -> Delivered:
        message = entry.desired.message
        return Delivered(
            channel=self.name,
            incident=message.incident,
            sequence=sequence,
            reference=reference,
            is_open=message.is_open,
            at=self._clock(),
            noted=noted,
        )

    def _key(self, row: Delivered) -> bytes:
        return channel_prefix(self.name) + row.incident.encode()

    def _failed(self, entry: Entry, act: Act, error: DeliveryFailed) -> None:
        setback = self._queue.failed(
            entry, act, error, now=self._clock(), chance=random.random()
        )
        self._telemetry.failed(self._notifier.kind, setback.outcome)
        if setback.outcome is Sending.REFUSED:
            self._telemetry.refused(error, setback.wait_s)
        elif setback.outcome is not Sending.GONE:
            self._telemetry.retrying(error, setback.wait_s)

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


def _commit(producer: Producer, rows: dict[bytes, bytes]) -> bool:
    with producer.transaction() as transaction:
        transaction.put(DELIVERIES, rows)
    return True
