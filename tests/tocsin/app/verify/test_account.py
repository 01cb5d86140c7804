from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.app.verify.account import MAX_FINDINGS, Account, Finding, Kind
from tocsin.app.verify.written import Read
from tocsin.records.keys import Mark

LINES = [b"one", b"", b"three", b"four"]
TEXT = b"one\n\nthree\nfour\n"
OFFSETS = [0, 4, 5, 11]


def reading(text: bytes) -> Read:
    return lambda start, size: text[start : start + size]


def account(  # the records of LINES at these indexes, compared with `text`
    indexes: Sequence[int],
    text: bytes = TEXT,
    marks: Sequence[Mark] | None = None,
    lines: Sequence[bytes] = LINES,
) -> Account:
    made = Account()
    read = reading(text)
    made.take([OFFSETS[i] for i in indexes], [lines[i] for i in indexes], marks, read)
    made.conclude(0, len(text), read)
    return made


def test_records_that_are_the_bytes_are_whole() -> None:
    made = account(range(4))

    assert made.findings == []
    assert made.covered.spans == [(0, 16)]
    assert made.records == 4


def test_a_missing_record_is_a_hole() -> None:
    assert account([0, 1, 3]).findings == [Finding(Kind.HOLE, 5, 11)]


def test_a_missing_first_and_last_record_are_holes() -> None:
    assert account([1, 2]).findings == [
        Finding(Kind.HOLE, 0, 4),
        Finding(Kind.HOLE, 11, 16),
    ]


def test_a_record_that_comes_twice_overlaps() -> None:
    assert account([0, 1, 2, 2, 3]).findings == [Finding(Kind.OVERLAP, 5, 11)]


def test_a_record_that_comes_late_is_out_of_order() -> None:
    assert account([0, 2, 3, 1]).findings == [Finding(Kind.ORDER, 4, 5)]


def test_a_byte_that_is_another_one_is_found_by_its_record() -> None:
    found = account(range(4), b"one\n\nthree\nfoUr\n").findings

    assert found == [Finding(Kind.DIFFERENCE, 11, 16)]


def test_a_record_beyond_the_end_of_the_file_differs() -> None:
    assert account(range(4), TEXT[:11]).findings == [Finding(Kind.DIFFERENCE, 11, 16)]


def test_an_unfinished_last_line_has_no_newline() -> None:
    marks = [Mark.NONE] * 3 + [Mark.PARTIAL]

    assert account(range(4), TEXT[:-1], marks).findings == []
    assert account(range(4), TEXT[:-1]).findings != []


def test_the_rest_of_a_line_that_was_cut_is_no_hole() -> None:
    lines = [b"one", b"", b"th", b"four"]
    marks = [Mark.NONE, Mark.NONE, Mark.CUT, Mark.NONE]
    made = account(range(4), TEXT, marks, lines)

    assert made.findings == []
    assert made.left_out == len(b"ree\n")


def test_a_line_that_is_missing_after_one_that_was_cut_is_a_hole() -> None:
    lines = [b"o", b"", b"three", b"four"]
    made = account([0, 2, 3], TEXT, [Mark.CUT, Mark.NONE, Mark.NONE], lines)

    assert made.findings == [Finding(Kind.HOLE, 1, 5)]


def test_a_last_line_that_was_cut_ends_the_file() -> None:
    marks = [Mark.NONE] * 3 + [Mark.CUT]

    assert account(range(4), TEXT, marks, [*LINES[:3], b"fo"]).findings == []


@pytest.mark.parametrize(
    ("hole", "found"),
    [(b"\0" * 5, []), (b"\0\0a\0\0", [Finding(Kind.HOLE, 0, 5)])],
)
def test_only_nul_bytes_may_be_skipped(hole: bytes, found: list[Finding]) -> None:
    made, read = Account(), reading(hole + b"three\n")
    made.take([5], [b"three"], [Mark.NUL], read)

    made.conclude(0, 11, read)

    assert made.findings == found


def test_a_dead_letter_stands_for_its_bytes() -> None:
    made, read = Account(), reading(TEXT)
    made.take([0, 4, 11], [LINES[0], LINES[1], LINES[3]], None, read)
    made.take_dead(5, 5)

    made.conclude(0, 16, read)

    assert made.findings == []
    assert made.dead == 6


def test_findings_are_bounded_and_counted() -> None:
    made = Account()
    for number in range(MAX_FINDINGS + 5):
        made.take([number * 4], [b"x"], None, reading(b""))

    assert len(made.findings) == MAX_FINDINGS
    assert made.more == 5


@given(
    st.lists(st.binary(max_size=5).filter(lambda x: b"\n" not in x), min_size=1),
    st.data(),
)
def test_any_one_mistake_is_found_and_none_is_invented(
    lines: list[bytes], data: st.DataObject
) -> None:
    text = b"".join(line + b"\n" for line in lines)
    offsets = list(accumulate((len(line) + 1 for line in lines[:-1]), initial=0))
    records = list(zip(offsets, lines, strict=True))
    at = data.draw(st.integers(0, len(lines) - 1))
    what = data.draw(st.sampled_from(["nothing", "drop", "double", "change", "shift"]))
    offset, line = records[at]
    records[at : at + 1] = {
        "nothing": [(offset, line)],
        "drop": [],
        "double": [(offset, line)] * 2,
        "change": [(offset, line + b"!")],
        "shift": [(offset + 1, line)],
    }[what]
    cut = data.draw(st.integers(0, len(records)))
    made, read = Account(), reading(text)
    for part in (records[:cut], records[cut:]):
        if part:
            made.take([o for o, _ in part], [x for _, x in part], None, read)

    made.conclude(0, len(text), read)

    assert bool(made.findings) == (what != "nothing")
    whole = made.content is not None and made.content[0] == len(text)
    if what in {"nothing", "drop"}:
        assert whole == (what == "nothing")
