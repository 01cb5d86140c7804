"""Transactions: limits, full queues, and who holds an identity."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import NewTopic

from tests.broker import Broker
from tests.tocsin.bus.kafka.support import (
    administration,
    fail,
    lines,
    open_bus,
    polled,
    read_all,
    send,
    send_and,
)
from tocsin.bus.kafka.adapter import KafkaBus
from tocsin.bus.kafka.producer import KafkaProducer
from tocsin.errors import (
    BusError,
    Fenced,
    RecordTooLarge,
    TocsinError,
    TransactionAborted,
)
from tocsin.ports.bus import TopicSpec

pytestmark = pytest.mark.kafka


def test_a_record_over_the_topics_limit_ends_its_transaction_only(
    bus: KafkaBus,
) -> None:
    bus.ensure_topics([TopicSpec("small", max_record_bytes=1000)], create=True)
    producer = bus.producer("me")

    with pytest.raises(RecordTooLarge) as raised:
        send(producer, "fits", "x" * 1000, topic="small")
    send(producer, "next", topic="small")

    assert (raised.value.topic, raised.value.max_bytes) == ("small", 1000)
    assert read_all(bus.reader(["small"])) == ["next"]


def test_a_record_of_exactly_the_limit_is_taken(bus: KafkaBus) -> None:
    bus.ensure_topics([TopicSpec("small", max_record_bytes=1008)], create=True)
    whole = os.urandom(500).hex()  # 1000 bytes that do not compress to much less
    producer = bus.producer("me")

    with producer.transaction() as tx:
        record = lines(whole)
        tx.send("small", 0, type(record)([b"k" * 8], record.values, [0]))

    assert read_all(bus.reader(["small"])) == [whole]


def test_a_limit_of_the_broker_that_nobody_told_us_of_is_found_out(
    kafka_broker: Broker, bus: KafkaBus, prefix: str
) -> None:
    admin = administration(kafka_broker)
    topic = NewTopic(f"{prefix}strict", 1, 1, config={"max.message.bytes": "2000"})
    admin.create_topics([topic])[f"{prefix}strict"].result(10)
    producer = bus.producer("me")

    with pytest.raises(RecordTooLarge) as raised:
        send(producer, "small", os.urandom(4000).hex(), topic="strict")
    send(producer, "next", topic="strict")

    assert raised.value.topic == "strict"
    assert read_all(bus.reader(["strict"])) == ["next"]


def test_more_records_than_the_clients_queue_holds_are_sent(
    kafka_broker: Broker, bus: KafkaBus, prefix: str
) -> None:
    many = [str(number) for number in range(5000)]
    with open_bus(
        kafka_broker, prefix, {"queue.buffering.max.messages": "500"}
    ) as narrow:
        send(narrow.producer("me"), *many)

    assert read_all(bus.reader(["logs"])) == many


def test_a_partition_that_does_not_exist_is_named(bus: KafkaBus) -> None:
    producer = bus.producer("me")

    with pytest.raises(BusError, match="logs has no partition 2"):
        send(producer, "lost", to=2)


def test_a_topic_that_does_not_exist_is_named(bus: KafkaBus, prefix: str) -> None:
    producer = bus.producer("me")

    with pytest.raises(TransactionAborted, match=f"topic {prefix}nowhere") as raised:
        send(producer, "lost", topic="nowhere")
    send(producer, "next")

    assert "tocsin topics create" in raised.value.hint
    assert read_all(bus.reader(["logs"])) == ["next"]


def test_the_older_of_two_is_fenced_and_told_by_whom(bus: KafkaBus) -> None:
    older, newer = bus.producer("me"), bus.producer("me")

    with pytest.raises(Fenced, match=f"another process works as 'me'.*{os.getpid()}"):
        send(older, "from the older")
    with pytest.raises(Fenced):
        send(older, "again")
    send(newer, "from the newer")

    assert read_all(bus.reader(["logs"])) == ["from the newer"]


def test_the_older_of_two_is_fenced_in_the_middle_of_a_transaction(
    bus: KafkaBus,
) -> None:
    older = bus.producer("me")

    with pytest.raises(Fenced):
        send_and(older, lambda: send(bus.producer("me"), "from the newer"), "half")

    assert read_all(bus.reader(["logs"])) == ["from the newer"]


def test_identities_do_not_fence_each_other(bus: KafkaBus) -> None:
    one, two = bus.producer("one"), bus.producer("two")

    send(one, "1")
    send(two, "2")
    send(one, "3")

    assert read_all(bus.reader(["logs"])) == ["1", "2", "3"]


def test_a_producer_whose_epoch_grew_without_a_second_one_goes_on(
    kafka_broker: Broker, bus: KafkaBus, prefix: str
) -> None:
    """As the broker does by itself when it ends a transaction that lasted too long."""
    producer = bus.producer("me")
    passing = Producer(
        {
            "bootstrap.servers": kafka_broker.bootstrap,
            "transactional.id": f"{prefix}me",
            "log_level": 0,
        }
    )
    passing.init_transactions(10)

    with pytest.raises(TransactionAborted):
        send(producer, "refused")
    send(producer, "taken")

    assert read_all(bus.reader(["logs"])) == ["taken"]


def test_two_that_start_at_once_end_with_one_of_them(
    kafka_broker: Broker, bus: KafkaBus, prefix: str
) -> None:
    with open_bus(kafka_broker, prefix) as other:
        with ThreadPoolExecutor() as pool:
            both = list(pool.map(lambda each: each.producer("me"), [bus, other]))
        outcomes = [outcome_of(each) for each in both + both]

    assert outcomes.count("committed") == 2
    assert outcomes.count("Fenced") == 2


def outcome_of(producer: KafkaProducer) -> str:
    try:
        send(producer, "line")
    except TocsinError as error:
        return type(error).__name__
    return "committed"


def test_an_exception_in_the_block_aborts_and_comes_out(bus: KafkaBus) -> None:
    producer = bus.producer("me")

    with pytest.raises(ZeroDivisionError):
        send_and(producer, fail, "half")
    send(producer, "whole")

    assert read_all(bus.reader(["logs"])) == ["whole"]
    assert bus.table("state").rows == {}


def test_columns_stay_together_when_the_clients_queue_is_full(
    kafka_broker: Broker, bus: KafkaBus, prefix: str
) -> None:
    sent = lines(*map(str, range(5000)))
    sent = type(sent)(sent.keys, sent.values, [10**12 + n for n in range(5000)])
    with (
        open_bus(
            kafka_broker, prefix, {"queue.buffering.max.messages": "300"}
        ) as narrow,
        narrow.producer("me").transaction() as tx,
    ):
        tx.send("logs", 0, sent)

    got = polled(bus.consumer(["logs"], group="g", member="m"), 5000)
    assert [key for batch in got for key in batch.records.keys] == sent.keys
    assert [text for batch in got for text in batch.records.values] == sent.values
    times = [at for batch in got for at in batch.records.timestamps_ms]
    assert times == sent.timestamps_ms


def test_a_large_transaction_is_on_its_way_while_it_grows(bus: KafkaBus) -> None:
    producer = bus.producer("me")
    many = [f"{number:01000}" for number in range(3000)]
    with producer.transaction() as tx:
        tx.send("logs", 0, lines(*many))
        deadline = time.monotonic() + 5
        while _high(bus) < 1000 and time.monotonic() < deadline:
            time.sleep(0.02)
        early = _high(bus)
        tx.send("logs", 0, lines("the last"))
        tx.put("state", {b"key": b"row"})

    assert early >= 1000
    assert read_all(bus.reader(["logs"])) == [*many, "the last"]
    assert bus.table("state").rows == {b"key": b"row"}


def test_a_large_transaction_that_is_given_up_leaves_nothing(bus: KafkaBus) -> None:
    producer = bus.producer("me")
    many = [f"{number:01000}" for number in range(3000)]

    with pytest.raises(ZeroDivisionError):
        send_and(producer, fail, *many)
    send(producer, "next")

    assert read_all(bus.reader(["logs"])) == ["next"]


def _high(bus: KafkaBus) -> int:
    """How many records the first partition of `logs` has, committed or not."""
    return next(each.high[0] for each in bus.topics() if each.name == "logs")
