"""From files to the bus: reads what is ready and commits it with its checkpoints.

One transaction carries the lines of many files, their checkpoints, and their rows of
`streams`. Caught up, it holds what was there and is over in milliseconds; in a backlog
it goes on for `READ_S`, as a commit costs as much as thousands of lines, and while
that commits, the first lines of the next one are read. What a failed transaction took
is put back, after a look at what the bus says is committed: a commit whose answer was
lost may have happened. What was read ahead is put back at once.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field

from collector.cargo import Cargo
from collector.checkpoint import (
    PLAIN_VERSION,
    RootRow,
    decode_row,
    encode_path,
    encode_row,
    row_prefix,
)
from collector.framing import Framing, Place
from collector.gunzip import Gunzip
from collector.identity import Trail, Verdict
from collector.ledger import Loss, Setup
from collector.patience import OpenEvents
from collector.roster import Roster
from collector.source import Source, Step, last_words, step
from collector.unpacking import Unpacking
from tocsin.errors import BadRecord, RecordTooLarge
from tocsin.formats.multiline import Wait
from tocsin.ports.bus import Bus, Producer, Transaction
from tocsin.records.keys import Mark
from tocsin.records.streams import Stream, encode_stream
from tocsin.records.topics import CHECKPOINTS, STREAMS
from tocsin.values import Clock

# Longer transactions cost readers latency, shorter ones throughput (<= 5 % here).
READ_S = 0.5
# Read during a commit; the queue of the client is being emptied meanwhile.
_AHEAD_BYTES = 2 * 1024**2
# What a bus may hold until the commit; four times as much are 20 MB more of memory.
_MAX_HELD_BYTES = 1024**2
# A start with 20,000 files writes its rows in parts, so that memory stays flat.
_MAX_ROWS = 2_000


@dataclass(frozen=True, slots=True)
class _Before:
    """A file as the transaction found it."""

    file_id: str
    place: Place
    trail: Trail
    may_begin_with_hole: bool
    mark: Mark

    @classmethod
    def of(cls, source: Source) -> _Before:
        """As the file is now."""
        return cls(
            source.file_id,
            source.place,
            source.trail,
            source.may_begin_with_hole,
            source.mark,
        )

    def restore(self, source: Source) -> None:
        """Have the file read from here once more."""
        source.place, source.trail = self.place, self.trail
        source.may_begin_with_hole = self.may_begin_with_hole
        source.mark = self.mark


@dataclass(frozen=True, slots=True)
class _Load:
    """What one transaction takes: lines, and the files that they are of.

    `finished`: files that it takes the last line of.
    """

    cargo: Cargo
    begun: dict[Source, _Before] = field(default_factory=dict)
    finished: list[Source] = field(default_factory=list)


class Shipper:
    """Ships for one collector, through its producer."""

    def __init__(  # noqa: PLR0913 - its parts, put together in one place
        self,
        bus: Bus,
        producer: Producer,
        roster: Roster,
        setup: Setup,
        clock: Clock,
        *,
        read_s: float = READ_S,
    ) -> None:
        """`read_s`: how long a transaction goes on in a backlog."""
        self._read_s = read_s
        self._bus = bus
        self._producer = producer
        self._roster = roster
        self._ledger = roster.ledger
        self._setup = setup
        self._config = setup.config
        self._framing: Framing = setup.framing
        self._descriptors = setup.descriptors
        self._telemetry = setup.telemetry
        self._identity = setup.identity
        self._clock = clock
        self._open = OpenEvents(longest_s=setup.config.multiline_wait)
        self._unpacking = Unpacking()
        self._has_work = False
        self._record_limit: int | None = None
        self._load = self._new_load()
        self._ahead: _Load | None = None
        self._reader = ThreadPoolExecutor(1, "read-ahead")
        self._rows: dict[bytes, bytes | None] = {}
        self._gone: list[str] = []
        self._losses: list[Loss] = []

    @property
    def is_ahead(self) -> bool:
        """Whether lines were read ahead: ship them before anything is looked at."""
        return self._ahead is not None

    def ship(self, *, ahead_until: float = 0.0) -> bool:
        """Carry over what is ready; whether there was anything.

        In a backlog, what comes next is read during the commit, if the transaction
        that takes it will be over at `ahead_until` (of the monotonic clock).

        Raises:
            TransactionAborted, BusUnavailable, RecordTooLarge: call `recover`, then
                go on.
        """
        load = self._load = self._ahead or self._new_load()
        self._ahead = None
        cargo = load.cargo
        now = time.monotonic()
        until = now + self._read_s
        for source in self._open.due(now=now):
            self._ledger.enqueue(source)
        if not load.begun:
            self._has_work = self._roster.work()
        self._fill(load, until)
        if not (cargo.tallies or self._ledger.has_news):
            return False
        with (
            self._reading_ahead() as read_ahead,
            self._producer.transaction() as transaction,
        ):
            while cargo.is_full and transaction.held_bytes < _MAX_HELD_BYTES:
                cargo.send(transaction, read_at=self._clock(), everything=False)
                self._fill(load, until)
            read_at = self._clock()
            cargo.send(transaction, read_at=read_at, everything=True)
            written = self._put_rows(transaction, now=read_at)
            if time.monotonic() + self._read_s < ahead_until:
                read_ahead()
        self._committed(load, written, read_at=read_at)
        return True

    def close(self) -> None:
        """End the thread that reads ahead."""
        self._reader.shutdown()

    def wait_s(self) -> float | None:
        """How long until there is something to do; None if somebody will tell."""
        if self._has_work or self._ledger.ready:
            return 0.0
        return self._open.wait_s(now=time.monotonic())

    def recover(self, error: Exception) -> None:
        """Put back what a failed transaction took, unless it is committed after all.

        Raises:
            BusUnavailable: what is committed cannot be asked for now; call it again.
        """
        if isinstance(error, RecordTooLarge):
            self._lower_limit(error.max_bytes)
        view = self._bus.table(CHECKPOINTS, prefix=row_prefix(self._identity))
        try:
            for source, before in self._load.begun.items():
                self._put_back(source, before, view.rows)
        finally:
            view.close()
        self._load = self._new_load()
        self._rows.clear()

    # Reading

    def _new_load(self) -> _Load:
        return _Load(
            Cargo(
                max_lines=self._config.max_batch_lines,
                max_bytes=self._config.max_batch,
                record_limit=self._record_limit,
            )
        )

    @contextmanager
    def _reading_ahead(self) -> Iterator[Callable[[], None]]:
        """Call what it gives to begin to read in a thread; it ends with the block.

        Until then, the thread of the block leaves files alone.
        """
        done = threading.Event()
        load = self._new_load()
        readings: list[Future[None]] = []

        def begin() -> None:
            if self._ledger.ready and not self._ledger.rewritten:
                readings.append(
                    self._reader.submit(
                        self._gather,
                        load,
                        lambda: load.cargo.size < _AHEAD_BYTES and not done.is_set(),
                    )
                )

        try:
            yield begin
        except BaseException:
            done.set()
            wait(readings)
            for source, before in load.begun.items():
                self._read_again(source, before)
            raise
        done.set()
        for reading in readings:
            reading.result()
        if load.begun:
            self._ahead = load

    def _fill(self, load: _Load, until: float) -> None:
        """Read until the cargo is full, or time or files end; something in any case."""
        cargo = load.cargo
        self._gather(
            load,
            lambda: not cargo.is_full and (not cargo.size or time.monotonic() < until),
        )

    def _gather(self, load: _Load, may_go_on: Callable[[], bool]) -> None:
        """Read file by file in turn."""
        ready = self._ledger.ready
        while ready and may_go_on():
            source = ready.popleft()
            source.queued = False
            # What was rewritten is read once it is clear what it held before.
            if not self._ledger.holds(source) or source in self._ledger.rewritten:
                self._open.forget(source)
                continue
            if not self._unpacking.admit(source):
                self._ledger.enqueue(source)
                continue
            try:
                self._read(source, load)
            except OSError as error:
                self._open.forget(source)
                self._read_failed(source, error)

    def _read(self, source: Source, load: _Load) -> None:
        descriptor = self._descriptors.open(source.key, source.path)
        self._telemetry.read_again(source.path)
        if source not in load.begun:
            load.begun[source] = _Before.of(source)
        now = time.monotonic()
        ends_at = self._open.end_of(source, now=now)
        result = step(source, descriptor, self._framing, ends_at=ends_at)
        if isinstance(result, Verdict):
            self._open.forget(source)
            self._ledger.rewritten[source] = result
            return
        self._take(source, result, load.cargo)
        taken = result.taken
        self._open.note(source, taken.wait, taken.open_to, now=now)
        if result.more or (source.finishing and taken.wait is not Wait.NOT):
            self._ledger.enqueue(source)
        elif source.finishing:
            words = last_words(source, descriptor, self._framing)
            self._take(source, words, load.cargo)
            self._roster.finish(source)
            load.finished.append(source)
        if source.archive is not None:
            self._look_after(source, source.archive)

    def _look_after(self, source: Source, archive: Gunzip) -> None:
        for trouble in archive.troubles:
            self._telemetry.archive_broken(source.path, trouble)
        archive.troubles.clear()
        if source.finished:
            archive.rest()

    def _take(self, source: Source, result: Step, cargo: Cargo) -> None:
        taken = result.taken
        if result.skipped:
            self._telemetry.hole_skipped(source.path, result.skipped)
        if taken.replaced:
            self._telemetry.characters_replaced(
                source.path, taken.replaced, source.text.encoding
            )
        if taken.dropped:
            self._telemetry.line_cut(
                source.path,
                taken.start,
                dropped=taken.dropped,
                limit=self._framing.max_line,
            )
        if taken.lines:
            cargo.add(source, result)
            self._ledger.changed[source] = None
        source.size = max(source.size, source.place.seen_in_file)

    def _read_failed(self, source: Source, error: OSError) -> None:
        if not isinstance(error, FileNotFoundError):
            self._telemetry.read_failed(source.path, error)
        # The next scan finds it under its new name, or sees that it may be read.
        source.modified_at = 0.0

    # Writing

    def _put_rows(self, transaction: Transaction, *, now: float) -> list[Source]:
        ledger = self._ledger
        written = list(ledger.changed)
        if len(written) > _MAX_ROWS:
            # Files with lines in this transaction must be among them.
            begun = self._load.begun
            written = sorted(written, key=lambda s: s not in begun)
            written = written[: max(_MAX_ROWS, len(begun))]
        rows: dict[bytes, bytes | None] = dict.fromkeys(ledger.deletable)
        streams: dict[bytes, bytes | None] = {}
        for source in written:
            rows[self._setup.source_key(source)] = encode_row(source.checkpoint(at=now))
            if source.moved:
                streams[source.file_id.encode()] = self._stream(source, now=now)
        if len(written) == len(ledger.changed):
            # Last of all: a PATH counts as known once all its files are.
            for root, since in ledger.new_roots.items():
                rows[self._setup.root_key(root)] = encode_row(
                    RootRow(PLAIN_VERSION, since)
                )
        self._rows, self._gone = rows, self._setup.gone.due(now=now)
        streams.update(dict.fromkeys(map(str.encode, self._gone)))
        self._losses = list(ledger.losses)
        if rows:
            transaction.put(CHECKPOINTS, rows)
        if streams:
            transaction.put(STREAMS, streams)
        return written

    def _stream(self, source: Source, *, now: float) -> bytes:
        return encode_stream(
            Stream(
                path=encode_path(source.path),
                service=encode_path(source.origin.service),
                host=self._config.host,
                collector=self._identity,
                first_seen_at=source.first_seen_at,
                last_seen_at=now,
                labels=source.origin.labels,
                met_bytes=source.met_bytes,
                old_bytes=source.old_bytes,
                begins_at=source.begins_at,
                encoding=source.text.encoding,
                delimiter=source.text.ending,
            )
        )

    def _committed(self, load: _Load, written: list[Source], *, read_at: float) -> None:
        ledger, cargo = self._ledger, load.cargo
        later = self._ahead.begun if self._ahead is not None else {}
        for source in written:
            if source not in later:
                ledger.changed.pop(source, None)
            source.moved = False
        prefix = len(row_prefix(self._identity))
        for key in ledger.doomed.intersection(self._rows):
            self._setup.gone.add(key[prefix:].decode("utf-8", "replace"), now=read_at)
        self._setup.gone.forget(self._gone)
        ledger.doomed.difference_update(self._rows)
        if any(
            key in self._rows for key in map(self._setup.root_key, ledger.new_roots)
        ):
            ledger.new_roots.clear()
        for source in load.finished:
            self._roster.release(source)
        for service, tally in cargo.tallies.items():
            self._telemetry.committed(
                service, lines=tally.lines, size=tally.size, read_at=read_at
            )
        for loss in self._losses:
            self._telemetry.lost(*loss)
        del ledger.losses[: len(self._losses)]
        for refused in cargo.refused:
            self._telemetry.dead_letter(
                refused.key, refused.size, self._record_limit or 0
            )
        self._load = self._new_load()
        self._rows.clear()

    # After a failure

    def _put_back(
        self, source: Source, before: _Before, rows: Mapping[bytes, bytes]
    ) -> None:
        if before.file_id != source.file_id:
            return
        key = self._setup.source_key(source)
        value = rows.get(key)
        committed = _offset(value)
        if committed == source.place.offset and committed != before.place.offset:
            return  # its answer was lost, but it happened
        self._read_again(source, before)

    def _read_again(self, source: Source, before: _Before) -> None:
        if before.place.offset != source.place.offset:
            before.restore(source)
            self._ledger.changed[source] = None
        source.finishing = source.finished = False
        self._ledger.enqueue(source)

    def _lower_limit(self, limit: int) -> None:
        if self._record_limit is None or limit < self._record_limit:
            self._record_limit = limit
        else:
            # The bus counts more than key and value: come down until it takes it.
            self._record_limit -= max(1, self._record_limit // 10)


def _offset(value: bytes | None) -> int | None:
    if value is None:
        return None
    try:
        return decode_row(value).offset
    except BadRecord:
        return None
