"""What is done to a whole column agrees with what Python does to each row."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from processor import columns

ROWS = st.lists(st.text("ab:", max_size=6).map(str.encode), max_size=12)


@given(ROWS, st.integers(0, 3))
def test_codes_before_a_separator_are_of_what_stands_before_it(
    rows: list[bytes], skipped: int
) -> None:
    whole, numbers, distinct = columns.codes_before(
        columns.column([*rows, b"z"])[skipped:-1], b":"
    )

    rows = rows[skipped:]
    once = [row for row in rows if row.count(b":") == 1]
    assert whole.tolist() == [row.count(b":") == 1 for row in rows]
    assert [distinct[n] for n in numbers] == [row.partition(b":")[0] for row in once]
    assert len(distinct) == len(set(distinct))


def test_codes_before_a_separator_that_every_row_has_once() -> None:
    column = columns.column([b"bb:1", b"a:20", b"bb:3", b":"])

    whole, numbers, distinct = columns.codes_before(column, b":")

    assert whole.all()
    assert [distinct[n] for n in numbers] == [b"bb", b"a", b"bb", b""]


def test_as_many_separators_as_rows_are_not_one_in_each() -> None:
    column = columns.column([b"a:b:", b"cc", b"d:e"])

    whole, numbers, distinct = columns.codes_before(column, b":")

    assert whole.tolist() == [False, False, True]
    assert [distinct[n] for n in numbers] == [b"d"]


@given(ROWS, st.integers(1, 4))
def test_bounded_rows_are_cut_and_their_lengths_are_not(
    rows: list[bytes], size: int
) -> None:
    for values in (rows, columns.column(rows)):
        cut, lengths = columns.bounded(values, size)

        assert columns.to_list(cut) == [row[:size] for row in rows]
        assert lengths.tolist() == [len(row) for row in rows]
