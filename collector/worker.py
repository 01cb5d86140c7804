"""The collector's loop: look, read, commit, wait."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Mapping
from typing import TypeVar

from collector.checkpoint import file_ids, row_prefix
from collector.descriptors import Descriptors
from collector.discovery import Discovery
from collector.framing import Framing
from collector.gone import Gone
from collector.heartbeat import Heartbeat
from collector.ledger import Setup
from collector.pins import Pins
from collector.roster import Roster
from collector.shipping import Shipper
from collector.source import Standing
from collector.telemetry import CollectorTelemetry
from collector.wakeup import Wakeup
from tocsin.config.model import CollectorConfig
from tocsin.errors import BusUnavailable, RecordTooLarge, TransactionAborted
from tocsin.ports.bus import Bus, Producer
from tocsin.records.text import chosen_text
from tocsin.records.topics import CHECKPOINTS, RAW_LOGS, STREAMS
from tocsin.telemetry.health import Health
from tocsin.values import Clock

_CHUNK = 256 * 1024
_FIRST_BACKOFF_S = 0.05
_MAX_BACKOFF_S = 2.0
# Transactions follow each other no faster: a busy file's lines share one.
_MIN_GAP_S = 0.005
# A scan takes at most this share of the time, where the kernel tells of changes and
# where it does not; so many idle files cost little. But it is never that rare.
_WATCHED_SHARE = 0.002
_BLIND_SHARE = 0.05
_MIN_SCAN_INTERVAL_S = 0.01
_MAX_SCAN_INTERVAL_S = 20.0
# In a backlog a scan may be late by so much: three transactions follow each other.
_BACKLOG_S = 0.6

_T = TypeVar("_T")


def run(  # noqa: PLR0913 - the shape of every worker
    bus: Bus,
    config: CollectorConfig,
    *,
    identity: str,
    telemetry: CollectorTelemetry,
    health: Health,
    stop: threading.Event,
    clock: Clock = time.time,
    pins_dir: str | None = None,
    leave: threading.Event | None = None,
) -> None:
    """Ship every line of the configured files to raw-logs until `stop` is set.

    The topics must exist, or appear. While the bus is away nothing is read and nothing
    is lost: the files are the buffer. Files are pinned in `pins_dir`, if any. Returns
    within a second of `stop` unless the bus hangs in a commit (10 s at most). After
    `leave` it returns as soon as no file is left that only its descriptor reaches.

    Raises:
        Fenced: another collector works under `identity` now.
        BusError: the bus failed in a way that waiting does not mend.
    """
    patience = _Patience(telemetry, health, stop)
    producer = patience.call(lambda: bus.producer(identity))
    if producer is None:
        return
    pins = Pins(pins_dir, told=telemetry.pinning_failed)
    descriptors = Descriptors(config.max_open_files, pins)
    wakeup = Wakeup(telemetry.watching_failed)
    try:
        opened = patience.call(lambda: _open_state(bus, identity))
        if opened is None:
            return
        partitions, rows, streams = opened
        gone = Gone()
        gone.load(streams, identity, file_ids(identity, rows))
        setup = Setup(
            identity=identity,
            config=config,
            partitions=partitions,
            framing=Framing.of(
                max_line=config.max_line,
                chunk=_CHUNK,
                max_event_lines=config.multiline_max_lines
                if config.multiline
                else None,
            ).fit(chosen_text(config.encoding or "", config.delimiter)),
            descriptors=descriptors,
            telemetry=telemetry,
            pins=pins,
            gone=gone,
        )
        roster = Roster(setup, rows)
        heart = Heartbeat(producer, identity=identity, host=config.host, clock=clock)
        shipper = Shipper(bus, producer, roster, setup, clock)
        with contextlib.closing(shipper):
            _Loop(
                Discovery(
                    config.paths,
                    exclude=config.exclude,
                    own=pins_dir,
                    text=setup.framing.text,
                ),
                roster,
                shipper,
                wakeup,
                patience,
                heart=heart,
                scan_interval_s=config.scan_interval,
                clock=clock,
            ).run(stop, leave or threading.Event())
    finally:
        wakeup.close()
        descriptors.close_all()
        _close(producer)


def _open_state(
    bus: Bus, identity: str
) -> tuple[int, Mapping[bytes, bytes], Mapping[bytes, bytes]]:
    """The partitions of raw-logs, this collector's checkpoints, and all streams."""
    checkpoints = bus.table(CHECKPOINTS, prefix=row_prefix(identity))
    try:
        streams = bus.table(STREAMS)
        try:
            return bus.partitions(RAW_LOGS), dict(checkpoints.rows), dict(streams.rows)
        finally:
            streams.close()
    finally:
        checkpoints.close()


def _close(producer: Producer) -> None:
    # Away or not: nothing is open that matters.
    with contextlib.suppress(BusUnavailable):
        producer.close()


class _Patience:
    """Waits for a bus that is away, longer each time, and tells of it."""

    def __init__(
        self, telemetry: CollectorTelemetry, health: Health, stop: threading.Event
    ) -> None:
        self._telemetry = telemetry
        self._health = health
        self._stop = stop
        self._backoff_s = 0.0
        self._until = 0.0

    @property
    def is_over(self) -> bool:
        """Whether the bus may be tried again."""
        return time.monotonic() >= self._until

    def failed(self, error: BusUnavailable) -> None:
        """Note that the bus is away."""
        self._backoff_s = min(_MAX_BACKOFF_S, self._backoff_s * 2 or _FIRST_BACKOFF_S)
        self._until = time.monotonic() + self._backoff_s
        self._telemetry.bus_unavailable(error)
        self._health.not_ready(f"the bus is not available: {error}")

    def aborted(self, error: Exception) -> None:
        """Note that a transaction is to be redone."""
        self._backoff_s = min(_MAX_BACKOFF_S, self._backoff_s * 2 or _FIRST_BACKOFF_S)
        self._until = time.monotonic() + self._backoff_s
        self._telemetry.transaction_aborted(error)

    def worked(self) -> None:
        """Note that the bus answers."""
        self._backoff_s = 0.0
        self._telemetry.bus_available()
        self._health.ready()

    def beat(self) -> None:
        """Note that the loop turned."""
        self._health.beat()

    def call(self, attempt: Callable[[], _T]) -> _T | None:
        """Try until it works; None when the collector is to stop."""
        while not self._stop.is_set():
            self.beat()
            try:
                result = attempt()
            except BusUnavailable as error:
                self.failed(error)
                self._stop.wait(self._backoff_s)
            else:
                self.worked()
                return result
        return None


class _Loop:
    """One turn: a scan if it is due, what is ready to the bus, then wait for more."""

    def __init__(  # noqa: PLR0913 - its parts, put together in one place
        self,
        discovery: Discovery,
        roster: Roster,
        shipper: Shipper,
        wakeup: Wakeup,
        patience: _Patience,
        *,
        heart: Heartbeat,
        scan_interval_s: float,
        clock: Clock,
    ) -> None:
        self._discovery = discovery
        self._roster = roster
        self._shipper = shipper
        self._heart = heart
        self._wakeup = wakeup
        self._patience = patience
        self._scan_interval_s = max(_MIN_SCAN_INTERVAL_S, scan_interval_s)
        self._clock = clock
        self._scan_at = 0.0
        self._scan_cost_s = 0.0
        self._earliest_scan_at = 0.0
        self._failure: Exception | None = None

    def run(self, stop: threading.Event, leave: threading.Event) -> None:
        """Turn until `stop` is set, or `leave` and nothing would be lost by that."""
        while not stop.is_set() and not (leave.is_set() and self._may_leave()):
            self._patience.beat()
            begun = time.monotonic()
            rewritten = self._roster.ledger.rewritten and self._failure is None
            # What a scan decides rests on what is committed.
            if not self._shipper.is_ahead and (begun >= self._scan_at or rewritten):
                self._scan(begun)
            if not self._ship():
                self._wait()
            elif not (self._roster.ledger.ready or self._shipper.is_ahead):
                stop.wait(max(0.0, begun + _MIN_GAP_S - time.monotonic()))
                self._look(0.0)
        if self._failure is None:
            self._heart.say_goodbye()

    def _may_leave(self) -> bool:
        """Whether the next run finds every file again, by its name or by its inode."""
        sources = self._roster.sources()
        return not any(each.standing is Standing.DELETED for each in sources)

    def _scan(self, begun: float) -> None:
        scan = self._discovery.scan(self._roster)
        self._wakeup.watch(scan.watch)
        settled = self._failure is None
        self._roster.sweep(scan, now=self._clock(), settled=settled)
        ended = time.monotonic()
        cost_s = ended - begun
        is_told = self._wakeup.is_complete and not scan.linked
        share = _WATCHED_SHARE if is_told else _BLIND_SHARE
        # One that met many new files, as the first does, says little of the next.
        usual_s, self._scan_cost_s = min(cost_s, self._scan_cost_s), cost_s
        pause_s = min(usual_s / share, _MAX_SCAN_INTERVAL_S)
        self._scan_at = ended + max(self._scan_interval_s, pause_s)
        # Names that change all the time must not make it scan all the time.
        self._earliest_scan_at = ended + 4 * cost_s

    def _ship(self) -> bool:
        """Ship what is ready; False if there is nothing to do but wait."""
        if not self._patience.is_over:
            return False
        try:
            if self._failure is not None:
                self._shipper.recover(self._failure)
                self._failure = None
            worked = self._shipper.ship(ahead_until=self._scan_at + _BACKLOG_S)
            self._heart.turn()
        except BusUnavailable as error:
            self._failure = self._failure or error
            self._patience.failed(error)
            return False
        except (TransactionAborted, RecordTooLarge) as error:
            self._failure = error
            self._patience.aborted(error)
            return False
        if worked:
            self._patience.worked()
        return worked

    def _wait(self) -> None:
        timeout_s = min(self._scan_interval_s, self._scan_at - time.monotonic())
        event_s = self._shipper.wait_s() if self._failure is None else None
        self._look(timeout_s if event_s is None else min(timeout_s, event_s))

    def _look(self, timeout_s: float) -> None:
        """Wait for hints, and look at the files that they name."""
        hints = self._wakeup.wait(max(0.0, timeout_s))
        changed = hints.renamed.union(
            path for path in hints.written if not self._roster.poke(path)
        )
        concerned = [path for path in changed if self._discovery.concerns(path)]
        if hints.overflowed or not all(map(self._greet, concerned)):
            self._scan_at = min(self._scan_at, self._earliest_scan_at)

    def _greet(self, path: str) -> bool:
        """Take in one path that is new; False if a scan has to look."""
        return self._roster.greet(self._discovery.look(path), now=self._clock())
