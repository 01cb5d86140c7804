"""Columns of keys and values, and the batches they are sent in."""

from __future__ import annotations

from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from collector.cargo import Cargo, keys_of
from collector.framing import Place, Taken
from collector.identity import FileKey
from collector.service import Origin
from collector.source import Source, Step
from tests.collector.rig import Rig
from tocsin.records.keys import Mark, parse_key

lines_of_any_bytes = st.lists(
    st.binary(max_size=20).map(lambda b: b.replace(b"\n", b"")), min_size=1
)


@given(lines_of_any_bytes, st.integers(0, 2**50))
def test_keys_tile(lines: list[bytes], start: int) -> None:
    keys = [
        parse_key(key) for key in keys_of("a%2Fb/h/f1", Taken(Place(0), start, lines))
    ]

    expected = start
    for key, line in zip(keys, lines, strict=True):
        assert (key.service, key.offset, key.mark) == ("a/b", expected, Mark.NONE)
        expected = key.offset + len(line) + 1


def test_a_mark_is_on_the_first_key_only() -> None:
    taken = Taken(Place(0), 7, [b"xy", b""])

    assert keys_of("a/h/f", taken, Mark.NUL) == [b"a/h/f:7!nul", b"a/h/f:10"]


def source(partition: int) -> Source:
    """A file whose lines go to a partition."""
    return Source(
        file_id="0-1-a",
        key=FileKey(0, 1),
        path="/x.log",
        root="/",
        origin=Origin("x"),
        prefix="x/h/0-1-a",
        partition=partition,
        first_seen_at=0.0,
    )


def step(lines: list[bytes], start: int = 0) -> Step:
    """A read that gave these lines."""
    end = start + sum(len(line) + 1 for line in lines)
    return Step(Taken(Place(end), start, lines), Mark.NONE, more=False)


def test_batches_are_bounded_and_lose_nothing(rig: Rig) -> None:
    cargo = Cargo(max_lines=100, max_bytes=10**6, record_limit=None)
    lines = [b"%d" % i for i in range(1_050)]
    cargo.add(source(2), step(lines))
    assert cargo.is_full
    sent: list[int] = []

    producer = rig.bus.producer("p")
    with producer.transaction() as transaction:
        cargo.send(_Counting(transaction, sent), read_at=5.0, everything=True)
    producer.close()

    assert [record.value for record in rig.records()] == lines
    assert len(sent) == 11
    assert max(sent) <= 100


def test_reads_of_even_size_fill_one_batch(rig: Rig) -> None:
    cargo = Cargo(max_lines=100, max_bytes=10**6, record_limit=None)
    reads = 0
    while not cargo.is_full:
        cargo.add(source(0), step([b"x"] * 30, start=60 * reads))
        reads += 1
    sent: list[int] = []

    producer = rig.bus.producer("p")
    with producer.transaction() as transaction:
        cargo.send(_Counting(transaction, sent), read_at=5.0, everything=True)
    producer.close()

    assert sent == [90]


class _Counting:
    """Passes on to a real transaction, and notes the size of each batch."""

    def __init__(self, inner: object, sizes: list[int]) -> None:
        self._inner = inner
        self._sizes = sizes
        self.held_bytes = 0

    def send(self, topic: str, partition: int, records: object) -> None:
        self._sizes.append(len(records))  # type: ignore[arg-type]
        self._inner.send(topic, partition, records)  # type: ignore[attr-defined]

    def put(self, table: str, rows: Mapping[bytes, bytes | None]) -> None:
        raise AssertionError(table, rows)

    def acknowledge(self, consumer: object) -> None:
        raise AssertionError(consumer)


def test_what_is_over_the_limit_goes_to_dead_letters(rig: Rig) -> None:
    cargo = Cargo(max_lines=100, max_bytes=10**6, record_limit=50)
    cargo.add(source(0), step([b"a", b"x" * 60, b"b"]))

    producer = rig.bus.producer("p")
    with producer.transaction() as transaction:
        cargo.send(transaction, read_at=5.0, everything=True)
    producer.close()

    assert [record.value for record in rig.records()] == [b"a", b"b"]
    [letter] = rig.dead_letters()
    assert letter.key.offset == 2
    assert b"xxx" not in letter.value  # nothing is redacted here, so nothing is shown
    assert [refused.size for refused in cargo.refused] == [60]
