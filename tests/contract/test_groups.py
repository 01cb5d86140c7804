"""Consumer groups: members share the partitions, and hand them over without harm."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from tests.contract.site import Site
from tests.contract.traffic import (
    COPY_TOPICS,
    IN,
    OUT,
    commit,
    copy,
    drain,
    fill,
    is_copied,
    read_all,
)
from tocsin.ports.bus import Bus, Consumer, Producer

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def _topics(site: Site) -> None:
    site.create(*COPY_TOPICS)


def test_positions_tell_how_far_and_how_much_is_left(bus: Bus) -> None:
    fill(bus, 10)
    consumer = bus.consumer([IN], group="g", member="m")

    drain(consumer, 40)
    consumer.poll(max_records=10, wait_s=1.0)

    positions = consumer.assignment().positions
    assert sorted(name.partition for name in positions) == [0, 1, 2, 3]
    assert all(p.caught_up and p.lag == 0 for p in positions.values())
    assert all(p.next_offset >= 10 for p in positions.values())


def test_two_members_share_the_partitions_evenly(open_bus: Callable[[], Bus]) -> None:
    one = open_bus().consumer([IN], group="g", member="one")
    two = open_bus().consumer([IN], group="g", member="two")

    _until(lambda: _held(one) == _held(two) == 2, one, two)

    both = one.assignment().positions.keys() | two.assignment().positions.keys()
    assert len(both) == 4


def test_a_member_that_leaves_hands_over_at_once(open_bus: Callable[[], Bus]) -> None:
    one = open_bus().consumer([IN], group="g", member="one")
    two = open_bus().consumer([IN], group="g", member="two")
    _until(lambda: _held(one) == _held(two) == 2, one, two)
    before = one.assignment().generation

    two.close()

    _until(lambda: _held(one) == 4, one, within_s=5.0)
    assert one.assignment().generation > before


def test_a_batch_held_over_a_rebalance_counts_once(
    open_bus: Callable[[], Bus],
) -> None:
    bus = open_bus()
    expected = fill(bus, 200)
    one = bus.consumer([IN], group="copiers", member="one")
    producer_one = bus.producer("one")
    held = one.poll(max_records=100, wait_s=10.0)
    other = open_bus()
    two = other.consumer([IN], group="copiers", member="two")
    for _ in range(3):
        assert two.poll(max_records=100, wait_s=0.2) == []

    commit(one, producer_one, held)
    _copy_all(bus, (one, producer_one), (two, other.producer("two")))

    assert read_all(bus, OUT) == expected


def test_records_of_several_polls_over_a_rebalance_count_once(
    open_bus: Callable[[], Bus],
) -> None:
    bus = open_bus()
    expected = fill(bus, 200)
    one = bus.consumer([IN], group="copiers", member="one")
    producer_one = bus.producer("one")
    held = drain(one, 100)
    other = open_bus()
    two = other.consumer([IN], group="copiers", member="two")
    for _ in range(5):
        two.poll(max_records=100, wait_s=0.1)
        held += one.poll(max_records=10, wait_s=0.1)

    commit(one, producer_one, held)
    _copy_all(bus, (one, producer_one), (two, other.producer("two")))

    assert read_all(bus, OUT) == expected


def _copy_all(bus: Bus, *members: tuple[Consumer, Producer]) -> None:
    deadline = time.monotonic() + 60
    while not is_copied(bus, "copiers", 200):
        assert time.monotonic() < deadline, bus.committed("copiers", [IN])
        for consumer, producer in members:
            copy(consumer, producer)


def _held(consumer: Consumer) -> int:
    return len(consumer.assignment().positions)


def _until(
    holds: Callable[[], bool], *consumers: Consumer, within_s: float = 30.0
) -> None:
    deadline = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < deadline, [c.assignment() for c in consumers]
        for consumer in consumers:
            consumer.poll(max_records=10, wait_s=0.1)
