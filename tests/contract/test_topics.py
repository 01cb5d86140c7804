"""Topics: creation, differences, offsets, retention."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from tests.contract.site import Site
from tests.contract.traffic import drain, numbered, records, send, values_of
from tocsin.errors import BusError
from tocsin.ports.bus import Bus, TopicPartition, TopicSpec


def test_a_created_topic_has_the_partitions_that_were_asked_for(bus: Bus) -> None:
    messages = bus.ensure_topics(
        [TopicSpec("a", partitions=3), TopicSpec("b", compacted=True)], create=True
    )

    assert messages == []
    assert bus.partitions("a") == 3
    by_name = {info.name: info for info in bus.topics()}
    assert by_name["a"].partitions == 3
    assert (by_name["a"].compacted, by_name["b"].compacted) == (False, True)
    assert by_name["a"].high == (0, 0, 0)


def test_creating_twice_is_no_difference(bus: Bus) -> None:
    bus.ensure_topics([TopicSpec("a", partitions=3)], create=True)

    assert bus.ensure_topics([TopicSpec("a", partitions=3)], create=True) == []


def test_missing_topics_are_reported_and_not_created(bus: Bus) -> None:
    # An engine may miss a topic of its own, too.
    messages = bus.ensure_topics([TopicSpec("a")], create=False)

    assert all(message.startswith("missing topic ") for message in messages)
    assert any(message.endswith(".a") for message in messages)
    assert bus.topics() == []


def test_other_partitions_and_another_policy_are_reported(bus: Bus) -> None:
    bus.ensure_topics([TopicSpec("a", partitions=2), TopicSpec("b")], create=True)

    messages = bus.ensure_topics(
        [TopicSpec("a", partitions=4), TopicSpec("b", compacted=True)], create=True
    )

    assert len(messages) == 2
    assert "2" in messages[0]
    assert "4" in messages[0]
    assert bus.partitions("a") == 2


def test_an_unknown_topic_is_an_error_that_names_it(bus: Bus) -> None:
    with pytest.raises(BusError, match="nowhere"):
        bus.partitions("nowhere")


def test_ends_of_partitions_are_told(bus: Bus) -> None:
    bus.ensure_topics([TopicSpec("a", partitions=2)], create=True)

    send(bus, "a", numbered(7), partition=1)

    [info] = bus.topics()
    assert info.low == (0, 0)
    assert info.high[0] == 0
    assert info.high[1] >= 7  # an engine may use offsets for its own records


@pytest.mark.slow
def test_records_over_their_age_go_and_the_hole_is_visible(
    site: Site, open_bus: Callable[[], Bus]
) -> None:
    # A real second: Kafka's markers of commits have an age, too.
    site.create(TopicSpec("a", retention_s=1.0))
    bus = open_bus()
    producer = bus.producer("p")
    with producer.transaction() as tx:
        tx.send("a", 0, records(numbered(10)))
    deadline = time.monotonic() + 60
    while bus.topics()[0].low[0] < 10:
        assert time.monotonic() < deadline, "the old records are still there"
        bus.maintain()
        time.sleep(0.2)

    in_an_hour_ms = round((time.time() + 3000) * 1000)
    with producer.transaction() as tx:
        tx.send("a", 0, records(numbered(5, start=10), at_ms=in_an_hour_ms))

    consumer = bus.consumer(["a"], group="g", member="m")
    batches = drain(consumer, 5)
    assert values_of(batches) == {TopicPartition("a", 0): numbered(5, start=10)}
    assert batches[0].lo >= 10
