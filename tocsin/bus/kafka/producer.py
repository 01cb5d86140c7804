"""The one writer under an identity, and its transactions.

A transaction is collected first and begun at the broker when its block ends: so it is
open for some milliseconds only, whatever the caller does in the block, and whatever
fails fails at the end, when all acknowledgements are known. One that grows beyond
`_STREAM_BYTES` is begun then, and every further batch goes out at once: while the
caller reads the next, the client packs and sends, and memory stays flat. What can
become of it:

    committed                        the block ends
    aborted                          TransactionAborted, RecordTooLarge or BusError
    fenced, and there is a second    Fenced
    fenced, and there is no second   TransactionAborted, with a new client
    not begun (no broker)            TransactionAborted
    unknown (the broker hung)        TransactionAborted, with a new client; until that
                                     has come to the broker, nothing is read on this
                                     bus: the new client's beginning ends the old
                                     transaction, one way or the other
"""

from __future__ import annotations

import threading
import time
import zlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import repeat, starmap
from operator import length_hint
from typing import NamedTuple

from confluent_kafka import KafkaError, KafkaException, Producer, TopicPartition

from tocsin.bus.kafka.consumer import KafkaConsumer
from tocsin.bus.kafka.errors import Kind, kind_of
from tocsin.bus.kafka.identity import IDENTITIES, check_holder, encode, new_token
from tocsin.bus.kafka.link import Link, Trouble
from tocsin.bus.kafka.settings import CALL_S, MAX_RECORD_BYTES
from tocsin.bus.kafka.table import Tables
from tocsin.errors import (
    BusError,
    BusUnavailable,
    Fenced,
    RecordTooLarge,
    TocsinError,
    TransactionAborted,
)
from tocsin.ports.bus import Consumer, Records

_COMMIT_S = 6.0  # a stop must be done within 10 s, and it may have to wait for this
_PAUSE_S = 0.2
_ROOM_S = 0.005
_OPENINGS = 5  # two that open at once fence each other in turn, for some milliseconds

# Collected up to here: a second of a busy machine, and a flush of the processor.
_STREAM_BYTES = 1024**2


class Rows(NamedTuple):
    """What goes to one topic, in columns; without `timestamps_ms`, as of now."""

    topic: str
    partitions: int | Sequence[int]
    keys: Sequence[bytes]
    values: Sequence[bytes | None]
    timestamps_ms: Sequence[int] | None


class KafkaTransaction:
    """Collects what goes into one transaction.

    `overflow` is called when that becomes much; it takes the rows. `has_begun`: the
    broker knows of the transaction.
    """

    def __init__(
        self, link: Link, overflow: Callable[[KafkaTransaction], object]
    ) -> None:
        self._link = link
        self._overflow = overflow
        self._sends: list[tuple[str, int, Records]] = []
        self._puts: list[tuple[str, Mapping[bytes, bytes | None]]] = []
        self.held_bytes = 0
        self.has_begun = False
        self.consumers: list[KafkaConsumer] = []
        self.largest: dict[str, int] = {}

    def send(self, topic: str, partition: int, records: Records) -> None:
        """See the port; the columns must stay as they are until the block ends."""
        if not len(records):
            return
        values = records.values
        self._check_size(topic, max(map(len, values)) + max(map(len, records.keys)))
        self._sends.append((topic, partition, records))
        if not self.has_begun:
            self.held_bytes += sum(map(len, values))
        if self.has_begun or self.held_bytes > _STREAM_BYTES:
            self._overflow(self)

    def put(self, table: str, rows: Mapping[bytes, bytes | None]) -> None:
        """See the port."""
        if rows:
            sizes = (len(key) + len(value or b"") for key, value in rows.items())
            self._check_size(table, max(sizes))
            self._puts.append((table, dict(rows)))

    def acknowledge(self, consumer: Consumer) -> None:
        """See the port."""
        if not isinstance(consumer, KafkaConsumer):
            raise TypeError(f"a consumer of another bus: {consumer!r}")
        if consumer not in self.consumers:
            self.consumers.append(consumer)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to commit."""
        held = self._sends or self._puts or self.consumers
        return not (held or self.has_begun)

    def take(self) -> list[Rows]:
        """What is held, in order, and no more; a missing topic or partition shows."""
        rows = [self._sent(*each) for each in self._sends]
        rows += [self._put(*each) for each in self._puts]
        self._sends.clear()
        self._puts.clear()
        self.held_bytes = 0
        return rows

    def _sent(self, topic: str, partition: int, records: Records) -> Rows:
        name = self._link.full(topic)
        if not 0 <= partition < self._link.partitions(topic):
            raise BusError(f"topic {name} has no partition {partition}")
        times = records.timestamps_ms
        return Rows(name, partition, records.keys, records.values, times)

    def _put(self, table: str, rows: Mapping[bytes, bytes | None]) -> Rows:
        name, count = self._link.full(table), self._link.partitions(table)
        places = [zlib.crc32(key) % count for key in rows]
        return Rows(name, places, list(rows), list(rows.values()), None)

    def _check_size(self, topic: str, size: int) -> None:
        """Compare the largest value and key, of one record or not, with the limit.

        That is too strict by the difference of two keys, and needs no loop.
        """
        self.largest[topic] = max(size, self.largest.get(topic, 0))
        limit = self._link.limits.get(topic, MAX_RECORD_BYTES)
        if size > limit:
            raise RecordTooLarge(
                f"a record of {size} bytes for {self._link.full(topic)}, "
                f"expected at most {limit}",
                topic=topic,
                max_bytes=limit,
            )


class KafkaProducer:
    """The one writer under an identity."""

    def __init__(self, link: Link, tables: Tables, identity: str) -> None:
        self._link = link
        self._tables = tables
        self._identity = identity
        self._token = new_token()
        self._trouble = Trouble(link)
        self._lock = threading.RLock()
        self._is_closed = False
        self._fenced: Fenced | None = None
        self._client: Producer | None = None
        link.partitions(IDENTITIES.name)
        self._open()

    @property
    def identity(self) -> str:
        """See the port."""
        return self._identity

    @contextmanager
    def transaction(self) -> Iterator[KafkaTransaction]:
        """See the port."""
        if self._fenced:
            raise self._fenced
        if self._is_closed:
            raise BusError(f"the producer of {self._identity!r} is closed")
        tx = KafkaTransaction(self._link, self._hand_over)
        try:
            yield tx
            if not tx.is_empty:
                self._commit(tx)
        except BaseException:
            if tx.has_begun:
                self._give_up()
            for consumer in tx.consumers:
                consumer.rewind()
            raise

    def settle(self) -> None:
        """Have a client at the broker that works; nothing is unknown then.

        Raises:
            Fenced: another process took the identity over.
            BusUnavailable: not yet.
        """
        with self._lock:
            if self._client is not None or self._is_closed or self._fenced:
                return
            # First, so as not to fence the one that rightly took over.
            self._check_holder()
            client = self._connect()
            try:
                self._check_holder()
            except BaseException:
                client.purge()
                raise
            self._client = client
            self._link.settled(self)

    def _check_holder(self) -> None:
        try:
            check_holder(self._link, self._tables, self._identity, self._token)
        except Fenced as fenced:
            # That is an outcome: what this producer left is ended by the other one.
            self._fenced = fenced
            self._link.settled(self)
            raise

    def close(self) -> None:
        """See the port; does not wait for the broker."""
        with self._lock:
            self._is_closed = True
            self._link.settled(self)
            client, self._client = self._client, None
        if client is not None:
            client.purge()

    # Opening.

    def _open(self) -> None:
        """Take the identity over.

        Raises:
            Fenced: others take it over at the same time, again and again.
        """
        for _ in range(_OPENINGS):
            client = self._connect()
            try:
                self._claim(client)
            except KafkaException as error:
                client.purge()
                if kind_of(error) not in {Kind.FENCED, Kind.ABORTED}:
                    raise self._link.error(error, self._doing()) from error
            except BaseException:
                client.purge()
                raise
            else:
                self._client = client
                return
        raise Fenced(
            f"several processes start as {self._identity!r} on {self._link.where}",
            hint="give each an --id of its own",
        )

    def _connect(self) -> Producer:
        """A client whose beginning has ended every transaction before it."""
        settings = self._link.settings.producer(self._link.full(self._identity))
        client = self._link.build(Producer, {**settings, "error_cb": self._trouble})
        try:
            self._link.patiently(
                client.init_transactions,
                self._doing(),
                trouble=self._trouble,
                serve=client.poll,
            )
        except BaseException:
            client.purge()
            raise
        return client

    def _claim(self, client: Producer) -> None:
        client.begin_transaction()
        client.produce(
            self._link.full(IDENTITIES.name),
            encode(self._token),
            self._identity.encode(),
            0,
        )
        client.commit_transaction(CALL_S)

    # Ending a transaction.

    def _commit(self, tx: KafkaTransaction) -> None:
        client = self._hand_over(tx)
        try:
            offsets = [(each, each.unacknowledged()) for each in tx.consumers]
        except BusUnavailable as error:
            raise _not_now(error) from error
        try:
            self._finish(client, offsets)
        except KafkaException as error:
            raise self._failed(error, tx) from error
        tx.has_begun = False

    def _hand_over(self, tx: KafkaTransaction) -> Producer:
        """Give the client what the transaction holds; it is begun then.

        What the transaction held is no more, also when this fails.
        """
        try:
            client = self._client if tx.has_begun else self._settled_client()
            rows = tx.take()
        except BusUnavailable as error:
            raise _not_now(error) from error
        if client is None:
            raise TransactionAborted(f"{self._doing()}: it was given up")
        try:
            if not tx.has_begun:
                client.begin_transaction()
                tx.has_begun = True
            for some in rows:
                _produce(client, some)
        except KafkaException as error:
            raise self._failed(error, tx) from error
        return client

    def _finish(
        self,
        client: Producer,
        offsets: list[tuple[KafkaConsumer, list[TopicPartition]]],
    ) -> None:
        deadline = time.monotonic() + _COMMIT_S
        # Sending offsets to a broker that hangs takes 10 s, whatever its timeout says.
        if client.flush(_COMMIT_S):
            raise KafkaException(KafkaError(KafkaError._TIMED_OUT))  # noqa: SLF001 - its public name
        for consumer, positions in offsets:
            if positions:
                client.send_offsets_to_transaction(
                    positions, consumer.group_metadata(), _left(deadline)
                )
        client.commit_transaction(_left(deadline))
        for consumer, _ in offsets:
            consumer.acknowledged()
        self._link.was_allowed = True

    def _settled_client(self) -> Producer:
        self.settle()
        if self._fenced:
            raise self._fenced
        if self._client is None:
            raise BusError(f"the producer of {self._identity!r} is closed")
        return self._client

    def _failed(self, error: KafkaException, tx: KafkaTransaction) -> TocsinError:
        """Give up the client of a transaction that failed; the error to raise for it.

        Aborting and going on with it would not do: after a record that the broker
        refused, the client numbers the next ones wrongly.
        """
        self._give_up()
        tx.has_begun = False
        kind = kind_of(error)
        ours = self._link.error(error, self._doing())
        if kind is Kind.TOO_LARGE:
            return self._too_large(tx)
        if kind in {Kind.DENIED, Kind.SECURITY} and not isinstance(
            ours, BusUnavailable
        ):
            return ours
        try:
            if kind not in {Kind.UNAVAILABLE, Kind.DENIED}:
                self.settle()
        except Fenced as fenced:
            return fenced
        except BusUnavailable:
            pass  # the next transaction, or the next read, settles it
        return TransactionAborted(str(ours), hint=ours.hint)

    def _too_large(self, tx: KafkaTransaction) -> RecordTooLarge:
        """Which record it was, the client does not say: it was the largest."""
        topic, size = max(tx.largest.items(), key=lambda item: item[1])
        limit = min(size - 1, self._link.limits.get(topic, size - 1))
        return RecordTooLarge(
            f"the broker refuses a record of {size} bytes for {self._link.full(topic)}",
            topic=topic,
            max_bytes=limit,
        )

    def _give_up(self) -> None:
        """Drop the client: how its transaction ends, its successor finds out."""
        with self._lock:
            client, self._client = self._client, None
            self._link.doubt(self)
        if client is not None:
            client.purge()

    def _doing(self) -> str:
        return f"transaction of {self._identity!r} on {self._link.where}"


def _left(deadline: float) -> float:
    """The seconds left; not zero, which the client takes for no limit at all."""
    return max(0.1, deadline - time.monotonic())


def _not_now(error: BusUnavailable) -> TransactionAborted:
    # The caller reloads its state and tries again at once.
    time.sleep(_PAUSE_S)
    return TransactionAborted(str(error), hint=error.hint)


def _produce(client: Producer, rows: Rows) -> None:
    """Hand rows to the client, one call each, in a loop that runs in C.

    `produce_batch` cannot carry timestamps, and is slower than this. With `map`, each
    call would get a new tuple, a fifth of the time: `zip` uses its own again.
    """
    done = 0
    while done < len(rows.keys):
        # How much of it is left tells where the client's queue was full.
        values = iter(rows.values[done:] if done else rows.values)
        try:
            calls = zip(*_arguments(rows, values, done), strict=False)
            deque(starmap(client.produce, calls), maxlen=0)
        except BufferError:
            done = len(rows.keys) - length_hint(values) - 1
            _make_room(client)
        else:
            return


def _arguments(
    rows: Rows, values: Iterator[bytes | None], done: int
) -> Iterator[Iterable[object]]:
    """The columns of arguments of `produce`, from the row `done` on."""
    places, times = rows.partitions, rows.timestamps_ms
    yield repeat(rows.topic)
    yield values
    yield rows.keys[done:] if done else rows.keys
    yield repeat(places) if isinstance(places, int) else places[done:]
    yield repeat(None)
    yield repeat(None)
    yield repeat(0) if times is None else times[done:]


def _make_room(client: Producer) -> None:
    """Wait for room in the client's queue, which the broker makes."""
    full = len(client)
    deadline = time.monotonic() + _COMMIT_S
    while len(client) >= full:
        # Many partitions fill the queue with batches that are not full: these leave
        # when they are flushed. While that goes on the client spins, so it is not
        # the first thing to do.
        if not client.poll(_ROOM_S):
            client.flush(_ROOM_S)
        if time.monotonic() > deadline:
            raise KafkaException(KafkaError(KafkaError._QUEUE_FULL))  # noqa: SLF001 - its public name
