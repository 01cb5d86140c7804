"""Records: bytes as they were, in order, in batches that tile."""

from __future__ import annotations

from itertools import pairwise

import pytest

from tests.contract.traffic import drain, numbered, records, send, values_of
from tocsin.errors import RecordTooLarge
from tocsin.ports.bus import Batch, Bus, Consumer, Records, TopicPartition, TopicSpec

NOW_MS = 1_764_058_405_123


@pytest.fixture(autouse=True)
def _topic(bus: Bus) -> None:
    bus.ensure_topics([TopicSpec("a", partitions=2)], create=True)


@pytest.mark.parametrize(
    "value",
    [b"", b"\x00", b"a\x00b\x00", b"\xff\xfe\x80", b"line\nline", b"x" * 1_000_000],
    ids=["empty", "nul", "nuls", "no-utf-8", "lines", "large"],
)
def test_values_come_back_byte_for_byte(bus: Bus, value: bytes) -> None:
    sent = Records([b"k\x00\xff", b""], [value, b"next"], [NOW_MS, NOW_MS - 5])
    with bus.producer("p").transaction() as tx:
        tx.send("a", 1, sent)

    [batch] = drain(bus.reader(["a"]), 2)

    assert list(batch.records.keys) == [b"k\x00\xff", b""]
    assert list(batch.records.values) == [value, b"next"]
    assert list(batch.records.timestamps_ms) == [NOW_MS, NOW_MS - 5]


def test_a_partition_keeps_its_order_over_sends_and_transactions(bus: Bus) -> None:
    producer = bus.producer("p")
    for start in (0, 100, 200):
        with producer.transaction() as tx:
            tx.send("a", 0, records(numbered(60, start=start)))
            tx.send("a", 1, records([b"beside"]))
            tx.send("a", 0, records(numbered(40, start=start + 60)))

    found = values_of(drain(bus.reader(["a"]), 303))

    assert found[TopicPartition("a", 0)] == numbered(300)
    assert found[TopicPartition("a", 1)] == [b"beside"] * 3


def test_batches_tile_however_few_are_asked_for(bus: Bus) -> None:
    for start in range(0, 60, 20):
        send(bus, "a", numbered(20, start=start))
    consumer = bus.consumer(["a"], group="g", member="m")

    batches = _drain_by(consumer, 7, 60)

    assert batches[0].lo == 0
    assert all(one.hi == two.lo for one, two in pairwise(batches))
    assert values_of(batches) == {TopicPartition("a", 0): numbered(60)}
    assert max(len(b.records) for b in batches) <= 20


def test_a_poll_gathers_for_as_long_as_it_may(bus: Bus) -> None:
    consumer = bus.consumer(["a"], group="g", member="m")
    send(bus, "a", numbered(10))
    send(bus, "a", numbered(10), partition=1)

    batches = drain(consumer, 20)

    assert sorted({b.partition for b in batches}) == [0, 1]
    names = [(b.partition, b.lo) for b in batches]
    assert len(names) == len(set(names))


def test_a_record_over_the_limit_is_refused_and_the_producer_goes_on(bus: Bus) -> None:
    producer = bus.producer("p")

    with pytest.raises(RecordTooLarge) as caught, producer.transaction() as tx:
        tx.send("a", 0, records([b"fine", b"x" * 2_000_000]))
    with producer.transaction() as tx:
        tx.send("a", 0, records([b"after"]))

    assert caught.value.topic == "a"
    assert 1_000_000 < caught.value.max_bytes < 2_000_000
    assert values_of(drain(bus.reader(["a"]), 1)) == {
        TopicPartition("a", 0): [b"after"]
    }


def test_an_empty_send_is_nothing(bus: Bus) -> None:
    with bus.producer("p").transaction() as tx:
        tx.send("a", 0, records([]))
        tx.send("a", 0, records([b"one"]))

    assert values_of(drain(bus.reader(["a"]), 1)) == {TopicPartition("a", 0): [b"one"]}


def _drain_by(consumer: Consumer, step: int, count: int) -> list[Batch]:
    batches: list[Batch] = []
    while sum(len(b.records) for b in batches) < count:
        batches += consumer.poll(max_records=step, wait_s=1.0)
    return batches
