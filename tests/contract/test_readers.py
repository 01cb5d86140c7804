"""Readers: whole topics, no group, no trace."""

from __future__ import annotations

import time

import pytest

from tests.contract.traffic import drain, numbered, records, send, values_of
from tocsin.ports.bus import Bus, Start, TopicPartition, TopicSpec

A0 = TopicPartition("a", 0)


@pytest.fixture(autouse=True)
def _topic(bus: Bus) -> None:
    bus.ensure_topics([TopicSpec("a", partitions=2)], create=True)


def test_a_reader_from_the_beginning_has_everything(bus: Bus) -> None:
    send(bus, "a", numbered(5))
    reader = bus.reader(["a"])
    assert not reader.is_caught_up()

    found = values_of(drain(reader, 5))

    assert found == {A0: numbered(5)}


def test_a_reader_is_caught_up_when_it_has_what_was_there(bus: Bus) -> None:
    send(bus, "a", numbered(5))
    reader = bus.reader(["a"])
    send(bus, "a", numbered(5, start=5))

    while not reader.is_caught_up():
        reader.poll(max_records=100, wait_s=0.2)

    assert reader.is_caught_up()


def test_a_reader_of_an_empty_topic_is_caught_up(bus: Bus) -> None:
    reader = bus.reader(["a"])

    assert reader.poll(max_records=10, wait_s=0.0) == []
    assert reader.is_caught_up()


def test_a_reader_from_the_end_has_only_what_comes(bus: Bus) -> None:
    send(bus, "a", numbered(5))
    reader = bus.reader(["a"], start=Start.END)
    assert reader.poll(max_records=10, wait_s=0.1) == []

    send(bus, "a", [b"new"])

    assert values_of(drain(reader, 1)) == {A0: [b"new"]}


@pytest.mark.parametrize(
    ("after_s", "first"), [(-1e9, 0), (-1.0, 0), (4.5, 5), (10.0, 10), (13.0, 13)]
)
def test_a_reader_from_a_time_begins_with_the_first_record_at_or_after_it(
    bus: Bus, after_s: float, first: int
) -> None:
    # Later than now: Kafka finds the marker of a commit by its time, too.
    began_at = round(time.time()) + 600
    producer = bus.producer("p")
    for start in (0, 5, 10):
        with producer.transaction() as tx:
            for n in range(start, start + 5):
                at_ms = (began_at + n) * 1000
                tx.send("a", 0, records(numbered(1, start=n), at_ms=at_ms))

    reader = bus.reader(["a"], start=began_at + after_s)

    assert values_of(drain(reader, 15 - first)) == {
        A0: numbered(15 - first, start=first)
    }


def test_a_reader_from_a_time_to_come_begins_at_the_end(bus: Bus) -> None:
    send(bus, "a", numbered(5))

    reader = bus.reader(["a"], start=4_000_000_000.0)

    assert reader.poll(max_records=10, wait_s=0.3) == []
    assert reader.is_caught_up()


def test_a_reader_commits_nothing(bus: Bus) -> None:
    send(bus, "a", numbered(5))
    drain(bus.reader(["a"]), 5)

    consumer = bus.consumer(["a"], group="g", member="m")

    assert values_of(drain(consumer, 5)) == {A0: numbered(5)}
