"""Messages become batches that tile."""

from __future__ import annotations

from itertools import pairwise

import pytest
from confluent_kafka import KafkaError, Message
from hypothesis import given
from hypothesis import strategies as st

from tocsin.bus.kafka.gather import Gathering, ends

A, B = ("p.logs", 0), ("p.logs", 1)


def message(place: tuple[str, int], offset: int, value: bytes | None = b"v") -> Message:
    topic, partition = place
    return Message(
        topic=topic,
        partition=partition,
        offset=offset,
        key=b"k",
        value=value,
        timestamp=(1, 1000 + offset),
    )


def end_of(place: tuple[str, int], offset: int) -> Message:
    topic, partition = place
    error = KafkaError(KafkaError._PARTITION_EOF)  # noqa: SLF001 - its public name
    return Message(topic=topic, partition=partition, offset=offset, error=error)


def gathering(**starts: int) -> Gathering:
    made = Gathering()
    for name, offset in starts.items():
        made.place({"a": A, "b": B}[name], offset)
    return made


def test_a_batch_reaches_from_the_last_one_to_behind_its_last_record() -> None:
    reading = gathering(a=3)
    reading.add([message(A, 4), message(A, 7)])

    (batch,) = reading.batches("p.")

    assert (batch.topic, batch.partition, batch.lo, batch.hi) == ("logs", 0, 3, 8)
    assert batch.records.timestamps_ms == [1004, 1007]


def test_a_batch_reaches_to_the_end_that_was_seen() -> None:
    reading = gathering(a=0)
    reading.add([message(A, 0)])
    reading.end(A, 5)

    (batch,) = reading.batches("p.")

    assert (batch.lo, batch.hi) == (0, 5)
    assert reading.at_end(A)


def test_a_new_record_ends_being_at_the_end() -> None:
    reading = gathering(a=0)
    reading.end(A, 2)

    reading.add([message(A, 2)])

    assert not reading.at_end(A)
    assert [(b.lo, b.hi) for b in reading.batches("")] == [(0, 3)]


def test_partitions_are_kept_apart_and_a_dropped_one_is_gone() -> None:
    reading = gathering(a=0, b=0)
    reading.add([message(A, 0, b"1"), message(B, 0, b"2"), message(A, 1, b"3")])

    reading.drop(B)

    assert reading.count == 2
    assert [b.records.values for b in reading.batches("")] == [[b"1", b"3"]]


def test_records_of_a_partition_that_is_not_ours_are_dropped() -> None:
    reading = gathering(a=0)

    reading.add([message(B, 0), message(B, 1)])

    assert reading.batches("") == []


def test_records_from_before_the_position_are_dropped() -> None:
    reading = gathering(a=5)

    reading.add([message(A, 3), message(A, 4), message(A, 5, b"new")])

    assert [b.records.values for b in reading.batches("")] == [[b"new"]]


def test_a_tombstone_is_an_empty_value_in_a_batch_and_none_in_a_table() -> None:
    reading = gathering(a=0)
    reading.add([message(A, 0, None)])
    table = gathering(a=0)
    table.add([message(A, 0, None)])

    assert reading.batches("")[0].records.values == [b""]
    assert list(table.rows()) == [(b"k", None)]


def test_ends_are_told_from_records_and_from_errors() -> None:
    reading = gathering(a=0, b=0)

    other = reading.add([message(A, 0), end_of(A, 1), message(B, 0), end_of(B, 1)])

    assert reading.count == 2
    assert list(ends(other)) == [(A, 1), (B, 1)]
    assert reading.add([end_of(A, 1)]) != []


def test_a_record_without_a_key_is_a_record() -> None:
    reading = gathering(a=0)
    bare = Message(topic="p.logs", partition=0, offset=0, value=b"v", timestamp=(1, 9))

    assert reading.add([bare, message(A, 1)]) == []

    assert [b.records.keys for b in reading.batches("")] == [[b"", b"k"]]


@pytest.mark.slow
@given(
    st.lists(st.tuples(st.booleans(), st.integers(0, 3)), max_size=40),
    st.lists(st.integers(1, 7), max_size=20),
)
def test_batches_tile_however_the_messages_come(
    steps: list[tuple[bool, int]], sizes: list[int]
) -> None:
    """`steps`: which partition, and how many marks of transactions come before."""
    at = {A: 0, B: 0}
    sent = []
    for first, marks in steps:
        place = A if first else B
        at[place] += marks
        sent.append(message(place, at[place], str(at[place]).encode()))
        at[place] += 1
    reading, batches = gathering(a=0, b=0), []

    while sent:
        size = sizes.pop() if sizes else 5
        reading.add(sent[:size])
        del sent[:size]
        batches += reading.batches("")

    for place in (A, B):
        mine = [b for b in batches if b.partition == place[1]]
        offsets = [int(v) for b in mine for v in b.records.values]
        assert offsets == sorted(set(offsets))
        assert all(one.hi == two.lo for one, two in pairwise(mine))
        assert not mine or (mine[0].lo, mine[-1].hi) == (0, at[place])
