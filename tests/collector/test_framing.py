"""Bytes in, lines out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.framing import Framing, Place, Taken
from tocsin.records.text import Text

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


ENCODED = [
    Text("utf-16-le"),
    Text("utf-16-be", "\r\n"),
    Text("shift_jis"),
    Text("iso8859-1", "\0"),
    Text("", "<EOE>\n"),
    Text("", "\r\n"),
    Text("", "aab"),
]


@given(
    lines=st.lists(st.text("abE<O>\r\0日é", max_size=30), max_size=8),
    text=st.sampled_from(ENCODED),
    chunk=st.integers(1, 12),
    upto=st.integers(0, 200),
)
def test_other_text_is_cut_the_same_however_it_is_read(
    lines: list[str], text: Text, chunk: int, upto: int
) -> None:
    framing = Framing.of(max_line=200, chunk=chunk).fit(text)
    encoding = text.encoding or "utf-8"
    data = text.ending.join(lines).encode(encoding, "ignore")

    steps = read_all(data, framing, upto=upto)

    whole = str(data, encoding).split(text.ending)[:-1]
    assert [line for step in steps for line in step.lines] == [
        x.encode() for x in whole
    ]
    at = 0
    for step in steps:
        assert step.start == at
        sizes = [len(line) + 1 for line in step.lines]
        at += sum(step.sizes if step.sizes is not None else sizes)
        assert step.place.offset == at
    assert at == len((text.ending.join([*whole, ""]) if whole else "").encode(encoding))


def test_a_delimiter_may_stand_across_two_reads_of_a_long_line() -> None:
    framing = Framing.of(max_line=1000, chunk=16).fit(Text("", "<EOE>\n"))
    for length in range(100):
        data = b"x" * length + b"<EOE>\n" + b"next<EOE>\n"

        steps = read_all(data, framing)

        assert [line for s in steps for line in s.lines] == [b"x" * length, b"next"]


def test_a_long_line_of_other_text_is_cut_between_characters() -> None:
    framing = Framing.of(max_line=33, chunk=16).fit(Text("utf-16-le"))
    data = ("é" * 50 + "\nb\n").encode("utf-16-le")

    steps = [step for step in read_all(data, framing) if step.lines]

    assert [s.lines for s in steps] == [["é".encode() * 16], [b"b"]]
    assert steps[0].dropped == 2 * (50 - 16)
    assert steps[1].start == 102


@given(upto=st.integers(0, 300), chunk=st.sampled_from([64, 100, 1000]))
def test_events_of_other_text_do_not_depend_on_how_they_are_read(
    upto: int, chunk: int
) -> None:
    plain = b"2026-11-25 10:00:00 ERROR broke\n\tat a\n\tat b\n" * 4
    data = plain.decode().encode("utf-16-le")
    framing = Framing.of(max_line=4000, chunk=chunk, max_event_lines=3)
    framing = framing.fit(Text("utf-16-le"))

    steps = read_all(data, framing, upto=upto)

    records = [line for step in steps for line in step.lines]
    sizes = [size for step in steps for size in step.sizes or ()]
    raw = [len(r.decode().encode("utf-16-le")) + 2 for r in records]
    assert sizes == raw
    assert plain.startswith(b"".join(r + b"\n" for r in records))
    assert records[0] == plain.splitlines()[0] + (
        b"\n\tat a\n\tat b" if chunk == 1000 else b""
    )
