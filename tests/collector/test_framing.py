"""Bytes in, lines out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.framing import Framing, Place, Taken

contents = st.lists(
    st.sampled_from([b"\n", b"a", b"bc", b"\r\n", b"\x00", b"\xff", b"long" * 5])
).map(b"".join)


def read_all(data: bytes, framing: Framing, *, upto: int | None = None) -> list[Taken]:
    """Read `data` as a file that ends at `upto`, then as the whole file."""
    steps = []
    place = Place(0)
    for visible in (data[:upto], data):
        while True:
            span = framing.want(place)
            taken = framing.take(place, visible[span.at : span.at + span.size])
            if taken.place == place:
                break
            steps.append(taken)
            place = taken.place
    return steps


def naive(data: bytes, max_line: int) -> list[tuple[int, bytes]]:
    """Each ended line with its offset, cut at `max_line`."""
    found = []
    offset = 0
    for line in data.split(b"\n")[:-1]:
        found.append((offset, line[:max_line]))
        offset += len(line) + 1
    return found


def placed(steps: list[Taken]) -> list[tuple[int, bytes]]:
    """The lines of some steps with their offsets."""
    found = []
    for step in steps:
        offset = step.start
        for line in step.lines:
            found.append((offset, line))
            offset += len(line) + 1
    return found


@given(contents, st.integers(1, 12), st.integers(2, 30), st.integers(0, 60))
def test_lines_do_not_depend_on_how_the_file_is_read(
    data: bytes, chunk: int, max_line: int, upto: int
) -> None:
    framing = Framing.of(max_line=max_line, chunk=chunk)

    steps = read_all(data, framing, upto=upto)

    assert placed(steps) == naive(data, max_line)


@given(contents, st.integers(1, 12), st.integers(2, 30))
def test_lines_tile_the_file(data: bytes, chunk: int, max_line: int) -> None:
    framing = Framing.of(max_line=max_line, chunk=chunk)

    steps = read_all(data, framing)

    at = 0
    for step in steps:
        assert step.start == at
        at += sum(len(line) + 1 for line in step.lines) + step.dropped
        assert step.place.offset == at
    assert at == data.rfind(b"\n") + 1


def test_an_unfinished_line_stays_unread_until_it_ends() -> None:
    framing = Framing.of(max_line=100, chunk=50)

    first = framing.take(Place(0), b"one\nhal")
    second = framing.take(first.place, b"half line\n")

    assert (first.lines, first.place) == ([b"one"], Place(4, searched=3))
    assert framing.want(first.place).at == 4
    assert (second.lines, second.place) == ([b"half line"], Place(14))


def test_a_long_line_is_cut_and_its_rest_counted() -> None:
    steps = read_all(b"a\n" + b"x" * 30 + b"\nb\n", Framing.of(max_line=10, chunk=4))

    assert placed(steps) == [(0, b"a"), (2, b"x" * 10), (33, b"b")]
    assert [step.dropped for step in steps if step.dropped] == [20]


@pytest.mark.parametrize("data", [b"\r\n", b"\x00\x00\n", b"\xff\xfe\n", b" \n", b"\n"])
def test_bytes_are_lines_as_they_are(data: bytes) -> None:
    taken = Framing.of(max_line=100, chunk=50).take(Place(0), data)

    assert taken.lines == [data[:-1]]
