"""The one writer under an identity, and its transactions."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from tocsin.bus.embedded.catalogue import Catalogue
from tocsin.bus.embedded.consumer import EmbeddedConsumer
from tocsin.bus.embedded.database import Database
from tocsin.bus.embedded.packing import Packer
from tocsin.bus.embedded.partitions import Packed, append, pack
from tocsin.bus.embedded.table import put
from tocsin.errors import BusError, Fenced, RecordTooLarge
from tocsin.ports.bus import Consumer, Records


class EmbeddedTransaction:
    """Gathers what is to be committed; see `tocsin.ports.bus.Transaction`."""

    def __init__(self, catalogue: Catalogue, packer: Packer) -> None:
        self.batches: dict[int, list[Packed]] = {}
        self.rows: dict[int, dict[bytes, bytes | None]] = {}
        self.consumers: list[EmbeddedConsumer] = []
        self._catalogue = catalogue
        self._packer = packer

    @property
    def held_bytes(self) -> int:
        """See the port; that is also how much it will write, about."""
        return sum(len(b.blob) for batches in self.batches.values() for b in batches)

    def send(self, topic: str, partition: int, records: Records) -> None:
        """See the port; packs at once, so that the commit is short."""
        found = self._catalogue.topic(topic)
        if not 0 <= partition < len(found.partition_ids):
            raise BusError(f"topic {topic} has no partition {partition}")
        _check_columns(topic, records)
        if not len(records):
            return
        largest = max(map(len, records.values)) + max(map(len, records.keys))
        if largest > found.max_record_bytes:
            _check_sizes(topic, records, found.max_record_bytes)
        into = self.batches.setdefault(found.partition_ids[partition], [])
        into += pack(self._packer, records, largest=largest)

    def put(self, table: str, rows: Mapping[bytes, bytes | None]) -> None:
        """See the port."""
        found = self._catalogue.topic(table)
        if not found.compacted:
            raise BusError(f"{table} is a topic, not a table")
        for key, value in rows.items():
            if len(key) + len(value or b"") > found.max_record_bytes:
                raise _too_large(
                    table, len(key) + len(value or b""), found.max_record_bytes
                )
        self.rows.setdefault(found.id, {}).update(rows)

    def acknowledge(self, consumer: Consumer) -> None:
        """See the port."""
        if not isinstance(consumer, EmbeddedConsumer):
            raise TypeError("the consumer is of another bus")
        if consumer not in self.consumers:
            self.consumers.append(consumer)


class EmbeddedProducer:
    """See `tocsin.ports.bus.Producer`."""

    def __init__(
        self,
        database: Database,
        catalogue: Catalogue,
        *,
        identity: str,
        name: str,
        holder: str,
    ) -> None:
        """`name` is the identity with the installation's prefix."""
        self._database = database
        self._catalogue = catalogue
        self._identity = identity
        self._name = name
        self._packer = Packer()
        self._is_open = False
        with database.write() as connection:
            [self._epoch] = connection.execute(
                "INSERT INTO producer VALUES (?, 1, ?) ON CONFLICT DO UPDATE SET "
                "epoch = epoch + 1, holder = excluded.holder RETURNING epoch",
                (name, holder),
            ).fetchone()

    @property
    def identity(self) -> str:
        """See the port."""
        return self._identity

    @contextmanager
    def transaction(self) -> Iterator[EmbeddedTransaction]:
        """See the port; nobody is held back before the end of the block."""
        if self._is_open:
            raise BusError(f"the producer {self._identity} is in a transaction already")
        transaction = EmbeddedTransaction(self._catalogue, self._packer)
        self._is_open = True
        try:
            yield transaction
            self._commit(transaction)
        except BaseException:
            for consumer in transaction.consumers:
                consumer.rewind()
            raise
        finally:
            self._is_open = False
        for consumer in transaction.consumers:
            consumer.settle()

    def close(self) -> None:
        """See the port."""
        self._database.close()

    def _commit(self, transaction: EmbeddedTransaction) -> None:
        with self._database.write(transaction.held_bytes) as connection:
            self._check_epoch(connection)
            for consumer in transaction.consumers:
                consumer.claim_offsets(connection)
            for partition_id, batches in transaction.batches.items():
                append(connection, partition_id, batches)
            put(connection, transaction.rows)

    def _check_epoch(self, connection: sqlite3.Connection) -> None:
        [epoch, holder] = connection.execute(
            "SELECT epoch, holder FROM producer WHERE identity = ?", (self._name,)
        ).fetchone()
        if epoch != self._epoch:
            raise Fenced(
                f"{holder} works as {self._identity} now",
                hint="stop one of the two, or give them different names with --id",
            )


def _check_columns(topic: str, records: Records) -> None:
    if not len(records.keys) == len(records.values) == len(records.timestamps_ms):
        raise BusError(
            f"records for {topic}: {len(records.keys)} keys, {len(records.values)} "
            f"values, {len(records.timestamps_ms)} timestamps"
        )


def _check_sizes(topic: str, records: Records, max_bytes: int) -> None:
    sizes = map(sum, zip(map(len, records.keys), map(len, records.values), strict=True))
    largest = max(sizes)
    if largest > max_bytes:
        raise _too_large(topic, largest, max_bytes)


def _too_large(topic: str, size: int, max_bytes: int) -> RecordTooLarge:
    return RecordTooLarge(
        f"a record for {topic} has {size} bytes, at most {max_bytes} are accepted",
        topic=topic,
        max_bytes=max_bytes,
    )
