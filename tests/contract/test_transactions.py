"""Transactions: topics, tables and offsets together or not at all."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Callable

import pytest

from tests.contract.site import Site
from tests.contract.traffic import (
    COPY_TOPICS,
    DONE,
    IN,
    OUT,
    drain,
    fill,
    numbered,
    read_all,
    records,
    send,
    values_of,
)
from tocsin.errors import Fenced
from tocsin.ports.bus import Bus, TopicPartition, Transaction


class Changed(Exception):
    """Something went wrong in a transaction."""


@pytest.fixture(autouse=True)
def _topics(site: Site) -> None:
    site.create(*COPY_TOPICS)


def test_a_commit_shows_records_rows_and_offsets_at_once(bus: Bus) -> None:
    fill(bus, 10)
    consumer = bus.consumer([IN], group="g", member="m")
    table = bus.table(DONE)
    drain(consumer, 40)

    with bus.producer("p").transaction() as tx:
        tx.send(OUT, 0, records([b"out"]))
        tx.put(DONE, {b"k": b"v"})
        tx.acknowledge(consumer)

    assert read_all(bus, OUT) == {0: [b"out"]}
    assert table.refresh() == {b"k"}
    assert set(bus.committed("g", [IN]).values()) <= {10, 11}
    assert len(bus.committed("g", [IN])) == 4


def test_an_exception_in_the_block_undoes_everything(bus: Bus) -> None:
    expected = fill(bus, 10)
    consumer = bus.consumer([IN], group="g", member="m")
    table = bus.table(DONE)
    drain(consumer, 40)
    producer = bus.producer("p")

    def work(tx: Transaction) -> None:
        tx.send(OUT, 0, records([b"out"]))
        tx.put(DONE, {b"k": b"v"})
        tx.acknowledge(consumer)
        raise Changed

    with pytest.raises(Changed), producer.transaction() as tx:
        work(tx)

    assert read_all(bus, OUT) == {}
    assert table.refresh() == set()
    assert bus.committed("g", [IN]) == {}
    again = values_of(drain(consumer, 40))
    assert {name.partition: v for name, v in again.items()} == expected


def test_a_producer_works_on_after_an_abort(bus: Bus) -> None:
    producer = bus.producer("p")

    def work(tx: Transaction) -> None:
        tx.send(OUT, 0, records([b"undone"]))
        raise Changed

    with pytest.raises(Changed), producer.transaction() as tx:
        work(tx)
    with producer.transaction() as tx:
        tx.send(OUT, 0, records([b"done"]))

    assert read_all(bus, OUT) == {0: [b"done"]}


def test_an_open_transaction_is_invisible(open_bus: Callable[[], Bus]) -> None:
    bus, other = open_bus(), open_bus()
    reader = other.reader([OUT])
    table = other.table(DONE)

    with bus.producer("p").transaction() as tx:
        tx.send(OUT, 0, records(numbered(5)))
        tx.put(DONE, {b"k": b"v"})
        assert reader.poll(max_records=10, wait_s=0.3) == []
        assert table.rows == {}
        # A refresh may wait for the end of a transaction that is open.

    assert values_of(drain(reader, 5)) == {TopicPartition(OUT, 0): numbered(5)}
    assert table.refresh() == {b"k"}


def test_committed_offsets_are_where_a_new_member_begins(bus: Bus) -> None:
    send(bus, IN, numbered(10))
    first = bus.consumer([IN], group="g", member="m")
    drain(first, 10)
    with bus.producer("p").transaction() as tx:
        tx.acknowledge(first)
    first.close()
    send(bus, IN, numbered(5, start=10))

    second = bus.consumer([IN], group="g", member="n")

    assert values_of(drain(second, 5)) == {TopicPartition(IN, 0): numbered(5, start=10)}


def test_groups_do_not_share_offsets(bus: Bus) -> None:
    send(bus, IN, numbered(10))
    one = bus.consumer([IN], group="one", member="m")
    drain(one, 10)
    with bus.producer("p").transaction() as tx:
        tx.acknowledge(one)

    other = bus.consumer([IN], group="other", member="m")

    assert len(drain(other, 10)[0].records) == 10
    assert bus.committed("other", [IN]) == {}


def test_a_second_producer_fences_the_first(open_bus: Callable[[], Bus]) -> None:
    older = open_bus().producer("same")
    newer = open_bus().producer("same")

    with newer.transaction() as tx:
        tx.send(OUT, 0, records([b"newer"]))
    with pytest.raises(Fenced), older.transaction() as tx:
        tx.send(OUT, 0, records([b"older"]))

    assert read_all(open_bus(), OUT) == {0: [b"newer"]}


@pytest.mark.slow
def test_a_second_process_fences_the_first(site: Site, bus: Bus) -> None:
    with subprocess.Popen(
        site.child("hold"), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        try:
            assert child.stdout is not None
            assert child.stdout.readline() == "holding\n"
            with bus.producer("shared").transaction() as tx:
                tx.send(OUT, 0, records([b"newer"]))
            child.communicate("go\n", timeout=30)
        finally:
            child.send_signal(signal.SIGKILL)

    assert child.returncode == Fenced.exit_status
    assert read_all(bus, OUT) == {0: [b"newer"]}


def test_a_transaction_tells_what_it_holds(bus: Bus) -> None:
    with bus.producer("p").transaction() as tx:
        empty = tx.held_bytes
        tx.send(OUT, 0, records([b"value"]))
        little = tx.held_bytes
        tx.send(OUT, 0, records([b"%099d" % number for number in range(1_000)]))

        assert empty == 0
        assert 0 < little < tx.held_bytes
