"""The one writer under an identity, and its transactions.

What can become of a transaction, and what the caller sees:
    committed                        the block ends
    aborted                          TransactionAborted, RecordTooLarge or BusError
    fenced, and there is a second    Fenced
    fenced, and there is no second   TransactionAborted, with a new client
    unknown (the broker hung)        TransactionAborted, with a new client; until that
                                     has come to the broker, nothing is read on this
                                     bus: the new client's beginning ends the old
                                     transaction, one way or the other
"""

from __future__ import annotations

import threading
import time
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import repeat
from typing import Any

from confluent_kafka import KafkaException, Producer

from tocsin.bus.kafka.consumer import KafkaConsumer
from tocsin.bus.kafka.errors import Kind, error_of, kind_of
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
_ABORT_S = 2.0
_OPENINGS = 5  # two that open at once fence each other in turn, for some milliseconds


class KafkaTransaction:
    """What goes into one transaction. The first failure stays, and aborts it."""

    def __init__(self, link: Link, client: Producer) -> None:
        self._link = link
        self._client = client
        self.consumers: list[KafkaConsumer] = []
        self.largest: dict[str, int] = {}
        self.failure: KafkaException | None = None

    def send(self, topic: str, partition: int, records: Records) -> None:
        """See the port."""
        if not len(records):
            return
        if not 0 <= partition < self._link.partitions(topic):
            name = self._link.full(topic)
            raise BusError(f"topic {name} has no partition {partition}")
        self._check_size(topic, records)
        self._produce(
            zip(
                repeat(self._link.full(topic)),
                records.values,
                records.keys,
                repeat(partition),
                repeat(None),
                repeat(None),
                records.timestamps_ms,
            )
        )

    def put(self, table: str, rows: Mapping[bytes, bytes | None]) -> None:
        """See the port."""
        name, partitions = self._link.full(table), self._link.partitions(table)
        sizes = (len(key) + len(value or b"") for key, value in rows.items())
        self._note_size(table, max(sizes, default=0))
        self._produce(
            (name, value, key, zlib.crc32(key) % partitions)
            for key, value in rows.items()
        )

    def acknowledge(self, consumer: Consumer) -> None:
        """See the port; the offsets travel with the commit."""
        if not isinstance(consumer, KafkaConsumer):
            raise TypeError(f"a consumer of another bus: {consumer!r}")
        if consumer not in self.consumers:
            self.consumers.append(consumer)

    def _check_size(self, topic: str, records: Records) -> None:
        size = max(map(len, records.values)) + max(map(len, records.keys))
        self._note_size(topic, size)

    def _note_size(self, topic: str, size: int) -> None:
        self.largest[topic] = max(size, self.largest.get(topic, 0))
        limit = self._link.limits.get(topic, MAX_RECORD_BYTES)
        if size > limit:
            raise RecordTooLarge(
                f"a record of {size} bytes for {self._link.full(topic)}, "
                f"expected at most {limit}",
                topic=topic,
                max_bytes=limit,
            )

    def _produce(self, rows: Iterator[tuple[Any, ...]]) -> None:
        """Hand rows of arguments to the client, one call each.

        `produce_batch` cannot carry timestamps, and saves a third of a microsecond.
        """
        produce = self._client.produce
        try:
            for row in rows:
                try:
                    produce(*row)
                except BufferError:
                    self._produce_slowly(row)
        except KafkaException as error:
            self.failure = error
            raise self._link.error(error, "sending") from error

    def _produce_slowly(self, row: tuple[Any, ...]) -> None:
        """Wait for room in the client's queue, which the broker makes."""
        deadline = time.monotonic() + _COMMIT_S
        while True:
            self._client.poll(0.05)
            try:
                self._client.produce(*row)
            except BufferError as error:
                if time.monotonic() > deadline:
                    raise TransactionAborted(
                        f"{self._link.where} takes no data any more"
                    ) from error
            else:
                return


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
        self.settle()
        client = self._client
        if self._fenced:
            raise self._fenced
        if client is None or self._is_closed:
            raise BusError(f"the producer of {self._identity!r} is closed")
        try:
            client.begin_transaction()
        except KafkaException as error:
            raise self._failed(client, error) from error
        tx = KafkaTransaction(self._link, client)
        try:
            yield tx
            self._commit(client, tx)
        except KafkaException as error:
            self._rewind(tx)
            raise self._failed(client, error, tx) from error
        except BaseException as error:
            self._rewind(tx)
            if tx.failure is not None and isinstance(error, BusError):
                raise self._failed(client, tx.failure, tx) from error
            self._abort(client)
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

    def _commit(self, client: Producer, tx: KafkaTransaction) -> None:
        if tx.failure is not None:  # and the block went on all the same
            raise tx.failure
        deadline = time.monotonic() + _COMMIT_S
        committed = []
        for consumer in tx.consumers:
            if offsets := consumer.unacknowledged():
                client.send_offsets_to_transaction(
                    offsets, consumer.group_metadata(), _left(deadline)
                )
                committed.append((consumer, offsets))
        client.commit_transaction(_left(deadline))
        for consumer, offsets in committed:
            consumer.acknowledged(offsets)

    def _failed(
        self,
        client: Producer,
        error: KafkaException,
        tx: KafkaTransaction | None = None,
    ) -> TocsinError:
        """End a transaction that failed; the error to raise for it."""
        inner, kind = error_of(error), kind_of(error)
        if inner.fatal() or kind is Kind.FENCED:
            return self._replaced_or_stalled(error)
        if inner.txn_requires_abort() or kind is not Kind.UNAVAILABLE:
            self._abort(client)
        else:
            self._give_up()
        if kind is Kind.TOO_LARGE and tx is not None:
            return self._too_large(tx)
        ours = self._link.error(error, self._doing())
        if kind in {Kind.DENIED, Kind.SECURITY}:
            return ours
        return TransactionAborted(str(ours), hint=ours.hint)

    def _replaced_or_stalled(self, error: KafkaException) -> TocsinError:
        self._give_up()
        ours = self._link.error(error, self._doing())
        if kind_of(error) is Kind.DENIED:
            return ours
        try:
            self.settle()
        except Fenced as fenced:
            return fenced
        except BusUnavailable:
            pass  # the next transaction, or the next read, asks again
        return TransactionAborted(str(ours))

    def _too_large(self, tx: KafkaTransaction) -> RecordTooLarge:
        """Which record it was, the client does not say: it was the largest."""
        topic, size = max(tx.largest.items(), key=lambda item: item[1])
        limit = min(size - 1, self._link.limits.get(topic, size - 1))
        return RecordTooLarge(
            f"the broker refuses a record of {size} bytes for {self._link.full(topic)}",
            topic=topic,
            max_bytes=limit,
        )

    def _abort(self, client: Producer) -> None:
        try:
            client.abort_transaction(_ABORT_S)
        except KafkaException:
            self._give_up()

    def _give_up(self) -> None:
        """Drop the client: how its transaction ends, its successor finds out."""
        with self._lock:
            client, self._client = self._client, None
            self._link.doubt(self)
        if client is not None:
            client.purge()

    def _rewind(self, tx: KafkaTransaction) -> None:
        for consumer in tx.consumers:
            consumer.rewind()

    def _doing(self) -> str:
        return f"transaction of {self._identity!r} on {self._link.where}"


def _left(deadline: float) -> float:
    """The seconds left; not zero, which the client takes for no limit at all."""
    return max(0.1, deadline - time.monotonic())
