from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tocsin.app.verify.coverage import Coverage, Span

SPANS = st.lists(
    st.tuples(st.integers(0, 40), st.integers(1, 10)).map(
        lambda pair: (pair[0], sum(pair))
    )
)


def covered(*spans: tuple[int, int]) -> Coverage:
    made = Coverage()
    for start, end in spans:
        made.add(start, end)
    return made


def test_spans_that_touch_are_one() -> None:
    assert covered((0, 5), (9, 12), (5, 9)).spans == [(0, 12)]


def test_what_was_covered_before_is_told() -> None:
    made = covered((0, 5), (10, 15))

    assert made.add(3, 12) == [Span(3, 5), Span(10, 12)]
    assert made.spans == [(0, 15)]


def test_holes_are_what_is_between_and_at_both_ends() -> None:
    made = covered((5, 8), (10, 12))

    assert made.holes(2, 20) == [(2, 5), (8, 10), (12, 20)]
    assert made.holes(5, 8) == []


@given(SPANS, st.integers(0, 25), st.integers(26, 60))
def test_it_agrees_with_a_set_of_bytes(
    spans: list[tuple[int, int]], begin: int, end: int
) -> None:
    made, naive = Coverage(), set[int]()
    for start, stop in spans:
        twice = made.add(start, stop)
        assert {b for span in twice for b in range(*span)} == naive & {
            *range(start, stop)
        }
        naive |= {*range(start, stop)}

    assert {b for span in made.spans for b in range(*span)} == naive
    assert made.size == len(naive)
    assert made.end == max(naive, default=-1) + 1
    missing = {b for span in made.holes(begin, end) for b in range(*span)}
    assert missing == {*range(begin, end)} - naive
