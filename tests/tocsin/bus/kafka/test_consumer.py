"""Members of a group: rebalances, positions, holes."""

from __future__ import annotations

import threading
import time

import pytest
from confluent_kafka import TopicPartition

from tests.broker import Broker
from tests.tocsin.bus.kafka.support import (
    administration,
    fail,
    polled,
    send,
    send_and,
    texts,
)
from tocsin.bus.kafka.adapter import KafkaBus
from tocsin.ports import bus as port
from tocsin.ports.bus import Batch, TopicSpec

pytestmark = pytest.mark.kafka

FIRST, SECOND = port.TopicPartition("logs", 0), port.TopicPartition("logs", 1)


def test_a_revoke_while_gathering_drops_the_revoked_records(bus: KafkaBus) -> None:
    """The older member gathers all along while another one joins."""
    producer = bus.producer("me")
    older = bus.consumer(["logs"], group="g", member="older")
    older.poll(max_records=10, wait_s=0.3)
    held: list[Batch] = []
    gather = threading.Thread(
        target=lambda: held.extend(
            older.poll(max_records=10_000, wait_s=5.0, linger_s=4.0)
        )
    )
    send(producer, *(f"a{n}" for n in range(50)), to=0)
    send(producer, *(f"b{n}" for n in range(50)), to=1)

    gather.start()
    time.sleep(1.0)  # the older one has gathered all hundred by now
    newer = bus.consumer(["logs"], group="g", member="newer")
    taken = polled(newer, 50)
    gather.join()

    assert len(older.assignment().positions) == 1
    assert len(newer.assignment().positions) == 1
    assert {b.partition for b in held}.isdisjoint({b.partition for b in taken})
    assert sorted(texts([*held, *taken])) == sorted(
        [f"{letter}{n}" for letter in "ab" for n in range(50)]
    )


def test_what_a_member_returned_and_never_committed_its_next_owner_reads(
    bus: KafkaBus,
) -> None:
    send(bus.producer("me"), "1", "2", "3")
    older = bus.consumer(["logs"], group="g", member="older")
    assert texts(polled(older, 3)) == ["1", "2", "3"]
    older.close()

    newer = bus.consumer(["logs"], group="g", member="newer")

    assert texts(polled(newer, 3, within_s=4.0)) == ["1", "2", "3"]


def test_records_that_retention_took_away_are_a_hole_below_lo(
    kafka_broker: Broker, bus: KafkaBus, prefix: str
) -> None:
    producer = bus.producer("me")
    send(producer, "1", "2")
    consumer = bus.consumer(["logs"], group="g", member="m")
    with producer.transaction() as tx:
        (batch,) = polled(consumer, 2)
        tx.acknowledge(consumer)
    consumer.close()
    send(producer, "3", "4", "5")
    delete_before(kafka_broker, f"{prefix}logs", 5)

    (late,) = polled(bus.consumer(["logs"], group="g", member="m"), 1)

    assert (batch.lo, batch.hi) in {(0, 2), (0, 3)}
    assert late.lo == 5
    assert texts([late]) == ["5"]


def test_a_reader_goes_on_behind_what_retention_took_away(
    kafka_broker: Broker, bus: KafkaBus, prefix: str
) -> None:
    producer = bus.producer("me")
    send(producer, "1", "2", "3")
    delete_before(kafka_broker, f"{prefix}logs", 2)
    reader = bus.reader(["logs"])

    (batch,) = reader.poll(max_records=10, wait_s=5.0)

    assert batch.lo == 2
    assert texts([batch]) == ["3"]


def test_a_topic_that_is_made_anew_is_read_from_its_beginning(
    kafka_broker: Broker, bus: KafkaBus, prefix: str
) -> None:
    producer = bus.producer("me")
    send(producer, *(str(n) for n in range(20)))
    consumer = bus.consumer(["logs"], group="g", member="m")
    with producer.transaction() as tx:
        polled(consumer, 20)
        tx.acknowledge(consumer)
    consumer.close()
    admin = administration(kafka_broker)
    admin.delete_topics([f"{prefix}logs"])[f"{prefix}logs"].result(10)
    bus.ensure_topics([TopicSpec("logs", partitions=2)], create=True)
    send(bus.producer("me"), "new")

    batches = polled(bus.consumer(["logs"], group="g", member="m"), 1)

    assert [(b.lo, *texts([b])) for b in batches] == [(0, "new")]


def test_batches_tile_over_aborted_transactions(bus: KafkaBus) -> None:
    producer = bus.producer("me")
    consumer = bus.consumer(["logs"], group="g", member="m")
    batches = []
    for number in range(4):
        with pytest.raises(ZeroDivisionError):
            send_and(producer, fail, "aborted")
        send(producer, str(number))
        batches += polled(consumer, 1)

    assert texts(batches) == ["0", "1", "2", "3"]
    assert [b.lo for b in batches] == [0, *(b.hi for b in batches[:-1])]


def test_a_member_knows_that_it_has_caught_up_and_its_lag(bus: KafkaBus) -> None:
    send(bus.producer("me"), *(str(n) for n in range(100)))
    consumer = bus.consumer(["logs"], group="g", member="m")

    first = consumer.poll(max_records=10, wait_s=5.0)
    while not first:
        first = consumer.poll(max_records=10, wait_s=5.0)
    behind = consumer.assignment().positions[FIRST]
    polled(consumer, 90)
    consumer.poll(max_records=10, wait_s=1.0)
    at_end = consumer.assignment().positions

    assert len(texts(first)) == 10
    assert not behind.caught_up
    assert 80 < behind.lag <= 91
    assert at_end[FIRST].caught_up
    assert at_end[SECOND] == port.Position(0, caught_up=True, lag=0)
    assert at_end[FIRST].lag == 0


def delete_before(broker: Broker, topic: str, offset: int) -> None:
    """What retention does, at once."""
    admin = administration(broker)
    for answer in admin.delete_records([TopicPartition(topic, 0, offset)]).values():
        answer.result(10)
