"""Sends, drains and copies, as the tests need them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence

from tocsin.errors import TransactionAborted
from tocsin.ports.bus import (
    Batch,
    Bus,
    Consumer,
    Producer,
    Reader,
    Records,
    TopicPartition,
    TopicSpec,
)

IN = "in"
OUT = "out"
DONE = "done"
COPY_TOPICS = (
    TopicSpec(IN, partitions=4),
    TopicSpec(OUT, partitions=4),
    TopicSpec(DONE, compacted=True),
)
"""What `copy` works on."""

STEPS = ("begin", "send", "put", "acknowledge", "commit")
"""The steps of `copy`, each named for what has just been done."""


def records(values: Iterable[bytes], *, at_ms: int | None = None) -> Records:
    """Records with a key each; now, unless told when."""
    column = list(values)
    at_ms = round(time.time() * 1000) if at_ms is None else at_ms
    keys = [b"key-" + str(i).encode() for i in range(len(column))]
    return Records(keys, column, [at_ms] * len(column))


def numbered(count: int, *, start: int = 0) -> list[bytes]:
    """Values that tell themselves apart."""
    return [b"value-%06d" % n for n in range(start, start + count)]


def send(bus: Bus, topic: str, values: Sequence[bytes], *, partition: int = 0) -> None:
    """Commit values in one transaction."""
    producer = bus.producer(f"sender-{topic}-{partition}")
    with producer.transaction() as tx:
        tx.send(topic, partition, records(values))
    producer.close()


def drain(
    source: Consumer | Reader, count: int, *, within_s: float = 30.0
) -> list[Batch]:
    """Poll until `count` records have come, or fail."""
    batches: list[Batch] = []
    deadline = time.monotonic() + within_s
    while sum(len(b.records) for b in batches) < count:
        assert time.monotonic() < deadline, f"only {batches} came in {within_s} s"
        batches += source.poll(max_records=10_000, wait_s=0.2)
    return batches


def values_of(batches: Iterable[Batch]) -> dict[TopicPartition, list[bytes]]:
    """All values by partition, in the order of the batches."""
    found: dict[TopicPartition, list[bytes]] = {}
    for batch in batches:
        name = TopicPartition(batch.topic, batch.partition)
        found.setdefault(name, []).extend(batch.records.values)
    return found


def read_all(bus: Bus, topic: str) -> dict[int, list[bytes]]:
    """All committed values of a topic by partition number."""
    reader = bus.reader([topic])
    batches: list[Batch] = []
    while not reader.is_caught_up():
        batches += reader.poll(max_records=10_000, wait_s=0.2)
    reader.close()
    return {name.partition: v for name, v in values_of(batches).items()}


def fill(bus: Bus, count: int) -> dict[int, list[bytes]]:
    """Put `count` values into each partition of IN; what a copy must have."""
    expected = {p: numbered(count, start=p * 100_000) for p in range(4)}
    producer = bus.producer("filler")
    with producer.transaction() as tx:
        for partition, values in expected.items():
            tx.send(IN, partition, records(values))
    producer.close()
    return expected


def is_copied(bus: Bus, group: str, count: int) -> bool:
    """Whether the group has committed the `count` records that `fill` put into each.

    The high offset tells nothing: an engine may count the end of the transaction too.
    """
    committed = bus.committed(group, [IN])
    return all(committed.get(TopicPartition(IN, p), 0) >= count for p in range(4))


def copy(
    consumer: Consumer,
    producer: Producer,
    *,
    max_records: int = 50,
    at: Callable[[str], None] = lambda _: None,
) -> None:
    """Copy some records from IN to OUT, and note in DONE how far, in one transaction.

    `at` is told each step. An aborted transaction is left for the next call.
    """
    batches = consumer.poll(max_records=max_records, wait_s=0.2)
    if batches:
        commit(consumer, producer, batches, at=at)


def commit(
    consumer: Consumer,
    producer: Producer,
    batches: Sequence[Batch],
    *,
    at: Callable[[str], None] = lambda _: None,
) -> None:
    """The second half of `copy`."""
    try:
        with producer.transaction() as tx:
            at("begin")
            for batch in batches:
                tx.send(OUT, batch.partition, batch.records)
            at("send")
            tx.put(DONE, {b"%d" % b.partition: b"%d" % b.hi for b in batches})
            at("put")
            tx.acknowledge(consumer)
            at("acknowledge")
        at("commit")
    except TransactionAborted:
        return
