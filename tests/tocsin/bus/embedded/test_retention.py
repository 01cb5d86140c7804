"""Retention by age and size, and disk space that is really given back."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tocsin.bus.embedded.adapter import EmbeddedBus
from tocsin.ports.bus import Bus, Records, TopicSpec

NOW = 1_764_000_000.0
HOUR_MS = 3_600_000
MB = 1_000_000


@pytest.fixture
def bus(tmp_path: Path) -> Iterator[Bus]:
    with EmbeddedBus(tmp_path / "bus.db", wall=lambda: NOW) as bus:
        yield bus


def _send(bus: Bus, topic: str, megabytes: int, *, age_ms: int) -> None:
    producer = bus.producer("p")
    for _ in range(megabytes):
        noise = [os.urandom(10_000) for _ in range(100)]
        at_ms = int(NOW * 1000) - age_ms
        with producer.transaction() as tx:
            tx.send(topic, 0, Records([b""] * 100, noise, [at_ms] * 100))
    producer.close()


def _low(bus: Bus) -> int:
    return bus.topics()[0].low[0]


def test_only_batches_over_the_age_go(bus: Bus) -> None:
    bus.ensure_topics([TopicSpec("a", retention_s=3600.0)], create=True)
    _send(bus, "a", 1, age_ms=2 * HOUR_MS)
    _send(bus, "a", 1, age_ms=HOUR_MS // 2)

    bus.maintain()

    assert _low(bus) == 100
    [batch] = bus.reader(["a"]).poll(max_records=1000, wait_s=0)
    assert (batch.lo, batch.hi) == (100, 200)


def test_the_oldest_go_until_the_size_fits(bus: Bus) -> None:
    bus.ensure_topics([TopicSpec("a", retention_bytes=3 * MB)], create=True)
    _send(bus, "a", 6, age_ms=0)

    bus.maintain()

    assert _low(bus) == 400  # of 6.0x MB, 4.0x would still be over


def test_without_retention_everything_stays(bus: Bus) -> None:
    bus.ensure_topics([TopicSpec("a")], create=True)
    _send(bus, "a", 1, age_ms=9_000 * HOUR_MS)

    bus.maintain()

    assert _low(bus) == 0


def test_offsets_go_on_after_everything_has_gone(bus: Bus) -> None:
    bus.ensure_topics([TopicSpec("a", retention_s=3600.0)], create=True)
    _send(bus, "a", 1, age_ms=2 * HOUR_MS)
    bus.maintain()

    _send(bus, "a", 1, age_ms=0)

    [info] = bus.topics()
    assert (info.low, info.high) == ((100,), (200,))
    assert bus.reader(["a"]).poll(max_records=1000, wait_s=0)[0].lo == 100


def test_a_consumer_behind_retention_goes_on_with_what_is_held(bus: Bus) -> None:
    bus.ensure_topics([TopicSpec("a", retention_s=3600.0)], create=True)
    _send(bus, "a", 1, age_ms=2 * HOUR_MS)
    consumer = bus.consumer(["a"], group="g", member="m")
    assert consumer.poll(max_records=30, wait_s=0)[0].hi == 30
    with bus.producer("q").transaction() as tx:
        tx.acknowledge(consumer)
    consumer.close()
    bus.maintain()
    late = bus.consumer(["a"], group="g", member="m")

    assert late.poll(max_records=30, wait_s=0) == []
    [position] = late.assignment().positions.values()
    assert (position.next_offset, position.caught_up) == (100, True)
    with bus.producer("q").transaction() as tx:
        tx.acknowledge(late)
    assert set(bus.committed("g", ["a"]).values()) == {100}


@pytest.mark.slow
def test_disk_space_is_given_back(bus: Bus, tmp_path: Path) -> None:
    bus.ensure_topics([TopicSpec("a", retention_s=3600.0)], create=True)
    _send(bus, "a", 60, age_ms=2 * HOUR_MS)
    bus.maintain()
    _send(bus, "a", 1, age_ms=0)

    for _ in range(3):
        bus.maintain()

    used = sum(file.stat().st_size for file in tmp_path.iterdir())
    assert used < 10 * MB


def test_one_process_at_a_time_does_the_upkeep(bus: Bus, tmp_path: Path) -> None:
    bus.ensure_topics([TopicSpec("a", retention_s=3600.0)], create=True)
    _send(bus, "a", 1, age_ms=2 * HOUR_MS)
    clock_at = 500.0

    def clock() -> float:
        return clock_at

    with EmbeddedBus(tmp_path / "bus.db", wall=lambda: NOW, monotonic=clock) as other:
        # Another process is in the middle of it until 510.
        from tocsin.bus.embedded.database import Database  # noqa: PLC0415

        database = Database(tmp_path / "bus.db")
        with database.write() as connection:
            connection.execute("UPDATE state SET upkeep_until = 510")
        database.close()

        other.maintain()
        assert _low(bus) == 0

        clock_at = 511.0
        other.maintain()
        assert _low(bus) == 100
