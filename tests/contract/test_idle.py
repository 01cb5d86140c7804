"""Idle readers wake up quickly and cost next to nothing."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Callable

import pytest

from tests.contract.site import Site
from tests.contract.traffic import records
from tocsin.ports.bus import Bus, Consumer, Producer, TopicSpec

pytestmark = pytest.mark.slow


def test_an_idle_consumer_wakes_up_soon_after_a_commit(
    site: Site,
    open_bus: Callable[[], Bus],
    record_testsuite_property: Callable[[str, object], None],
) -> None:
    site.create(TopicSpec("a"))
    consumer = open_bus().consumer(["a"], group="g", member="m")
    producer = open_bus().producer("p")
    _delay_s(producer, consumer)

    delays = [_delay_s(producer, consumer) for _ in range(10)]

    record_testsuite_property("wake_up_ms", round(statistics.median(delays) * 1000, 1))
    assert statistics.median(delays) < 0.3, delays


def _delay_s(producer: Producer, consumer: Consumer) -> float:
    """From the end of a commit to the return of a poll that waited for it."""
    committed_at = 0.0

    def later() -> None:
        nonlocal committed_at
        time.sleep(0.12)
        with producer.transaction() as tx:
            tx.send("a", 0, records([b"wake up"]))
        committed_at = time.monotonic()

    thread = threading.Thread(target=later)
    thread.start()
    while not consumer.poll(max_records=10, wait_s=1.0):
        assert thread.is_alive() or time.monotonic() < committed_at + 30
    woke_at = time.monotonic()
    thread.join()
    return max(0.0, woke_at - committed_at)


def test_an_idle_consumer_hardly_uses_the_processor(
    site: Site,
    open_bus: Callable[[], Bus],
    record_testsuite_property: Callable[[str, object], None],
) -> None:
    site.create(TopicSpec("a", partitions=4))
    consumer = open_bus().consumer(["a"], group="g", member="m")
    consumer.poll(max_records=10, wait_s=2.0)
    used_s, began_at = time.process_time(), time.monotonic()

    consumer.poll(max_records=10, wait_s=2.0)

    share = (time.process_time() - used_s) / (time.monotonic() - began_at)
    record_testsuite_property("idle_share", round(share, 4))
    assert share < 0.10
