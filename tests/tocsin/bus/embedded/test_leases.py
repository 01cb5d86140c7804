"""Leases: who is dead, who was dead, and what a stale member may still do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from tocsin.bus.embedded.adapter import EmbeddedBus
from tocsin.bus.embedded.consumer import EmbeddedConsumer
from tocsin.bus.embedded.database import Database
from tocsin.bus.embedded.group import LEASE_S, Membership
from tocsin.bus.embedded.pulse import PERIOD_S, Pulse
from tocsin.bus.embedded.schema import connect
from tocsin.errors import Fenced, TransactionAborted
from tocsin.ports.bus import Records, TopicPartition, TopicSpec

Join = Callable[[str], EmbeddedConsumer]


class ManualClock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def bus(tmp_path: Path) -> Iterator[EmbeddedBus]:
    with EmbeddedBus(tmp_path / "bus.db") as bus:
        bus.ensure_topics([TopicSpec("a", partitions=2)], create=True)
        with bus.producer("filler").transaction() as tx:
            for partition in (0, 1):
                tx.send("a", partition, Records([b"k"] * 5, [b"v"] * 5, [1] * 5))
        yield bus


@pytest.fixture
def join(bus: EmbeddedBus, clock: ManualClock, tmp_path: Path) -> Iterator[Join]:
    """Joins the group without the thread that renews leases: a frozen process."""
    topic_ids = [1]
    assert bus.partitions("a") == 2
    with ExitStack() as stack:

        def member(name: str) -> EmbeddedConsumer:
            database = Database(tmp_path / "bus.db")
            membership = Membership(
                database,
                group="g",
                name=name,
                topic_ids=topic_ids,
                holder=f"process of {name}",
                clock=clock,
            )
            names = {1: TopicPartition("a", 0), 2: TopicPartition("a", 1)}
            consumer = EmbeddedConsumer(
                database, membership, names, on_close=lambda: None
            )
            stack.callback(consumer.close)
            return consumer

        yield member


def _read(consumer: EmbeddedConsumer) -> int:
    return sum(len(b.records) for b in consumer.poll(max_records=100, wait_s=0))


def test_a_connection_is_made_while_another_one_writes(
    bus: EmbeddedBus, tmp_path: Path
) -> None:
    # Else whoever starts is held up by each that writes, and holds others up.
    assert bus.partitions("a") == 2
    path = tmp_path / "bus.db"
    with (
        closing(Database(path)) as writer,
        writer.write(),
        closing(connect(path)) as other,
    ):
        assert other.execute("SELECT name FROM topic").fetchall() == [("a",)]


def test_a_silent_member_loses_its_partitions_after_the_lease(
    join: Join, clock: ManualClock
) -> None:
    silent, other = join("silent"), join("other")
    assert _read(silent) == 10
    clock.now += LEASE_S - 0.1
    assert _read(other) == 0

    clock.now += 0.2

    assert _read(other) == 10


def test_a_stale_member_s_commit_is_refused_and_it_goes_on(
    bus: EmbeddedBus, join: Join, clock: ManualClock
) -> None:
    stale, other = join("stale"), join("other")
    _read(stale)
    clock.now += LEASE_S + 0.1
    _read(other)
    producer = bus.producer("p")

    with pytest.raises(TransactionAborted), producer.transaction() as tx:
        tx.acknowledge(stale)

    assert bus.committed("g", ["a"]) == {}
    with producer.transaction() as tx:
        tx.acknowledge(other)
    assert set(bus.committed("g", ["a"]).values()) == {5}
    assert _read(stale) == 0
    assert _read(other) == 0
    assert _read(stale) == 0
    assert len(stale.assignment().positions) == 1
    with producer.transaction() as tx:
        tx.acknowledge(stale)


def test_work_of_a_former_life_is_never_committed(
    bus: EmbeddedBus, join: Join, clock: ManualClock
) -> None:
    stale, other = join("stale"), join("other")
    assert _read(stale) == 10
    clock.now += LEASE_S + 0.1
    assert _read(other) == 10
    other.close()
    assert _read(stale) == 10  # the same records again: the worker has them twice now
    producer = bus.producer("p")

    with pytest.raises(TransactionAborted), producer.transaction() as tx:
        tx.acknowledge(stale)

    assert _read(stale) == 10
    with producer.transaction() as tx:
        tx.acknowledge(stale)
    assert set(bus.committed("g", ["a"]).values()) == {5}


def test_a_late_member_whom_nobody_missed_goes_on(
    bus: EmbeddedBus, join: Join, clock: ManualClock
) -> None:
    late = join("late")
    _read(late)
    clock.now += 10 * LEASE_S

    with bus.producer("p").transaction() as tx:
        tx.acknowledge(late)

    assert set(bus.committed("g", ["a"]).values()) == {5}


def test_a_commit_renews_the_lease(
    bus: EmbeddedBus, join: Join, clock: ManualClock
) -> None:
    busy, other = join("busy"), join("other")
    producer = bus.producer("p")
    _read(busy)
    for _ in range(3):
        clock.now += LEASE_S - 0.1
        with producer.transaction() as tx:
            tx.acknowledge(busy)

        assert _read(other) == 0
        assert len(other.assignment().positions) == 0


@pytest.fixture
def member(
    bus: EmbeddedBus, clock: ManualClock, tmp_path: Path
) -> Iterator[Membership]:
    """A member that has joined, on a connection of its own."""
    assert bus.partitions("a") == 2
    database = Database(tmp_path / "bus.db")
    joined = Membership(
        database, group="g", name="m", topic_ids=[1], holder="it", clock=clock
    )
    joined.look(frozenset())
    yield joined
    database.close()


def test_a_beat_keeps_a_member_that_works_long(
    member: Membership, join: Join, clock: ManualClock, tmp_path: Path
) -> None:
    pulse = Pulse(tmp_path / "bus.db", clock=clock)
    pulse.add(member)
    with closing(Database(tmp_path / "bus.db")) as database:
        for _ in range(3):
            clock.now += LEASE_S - 0.1

            assert pulse.beat(database) == pytest.approx(PERIOD_S)

        assert _read(join("other")) == 0
    pulse.close()


def test_a_beat_writes_nothing_while_a_lease_is_young(
    member: Membership, clock: ManualClock, tmp_path: Path
) -> None:
    pulse = Pulse(tmp_path / "bus.db", clock=clock)
    pulse.add(member)
    reader = Database(tmp_path / "bus.db")
    with closing(Database(tmp_path / "bus.db")) as database:
        reader.changed()
        clock.now += 0.5

        assert pulse.beat(database) == pytest.approx(PERIOD_S - 0.5)
        assert not reader.changed()

        clock.now += PERIOD_S
        pulse.beat(database)
        assert reader.changed()
    reader.close()
    pulse.close()


def test_a_lease_from_before_a_reboot_is_over(join: Join, clock: ManualClock) -> None:
    old, new = join("old"), join("new")
    _read(old)

    clock.now = 3.0

    assert _read(new) == 10


def test_a_restarted_member_takes_its_own_place_at_once(join: Join) -> None:
    before = join("same")
    _read(before)

    assert _read(join("same")) == 10


def test_a_member_whose_name_was_taken_is_fenced(join: Join) -> None:
    older, newer = join("same"), join("same")
    _read(older)
    _read(newer)

    with pytest.raises(Fenced, match="process of same is the member same") as caught:
        _read(older)

    assert "--id" in caught.value.hint
