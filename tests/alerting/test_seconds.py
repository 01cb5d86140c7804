"""Counts by second against a plain dictionary, small and large, in any order."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from alerting.seconds import KEPT_S, AllLines, Beside, Few, Seconds

START = 1_773_446_400
COUNTS = st.one_of(st.integers(0, 5), st.integers(0, 70_000))
EVENTS = st.lists(
    st.tuples(st.integers(0, 3 * KEPT_S), COUNTS, COUNTS), min_size=1, max_size=40
)


@settings(max_examples=60)
@given(EVENTS, st.integers(0, 3 * KEPT_S), st.integers(1, KEPT_S - 2))
def test_any_window_is_the_sum_of_its_seconds(
    events: list[tuple[int, int, int]], end: int, window: int
) -> None:
    made = Seconds(START + events[0][0])
    few = Few()
    known: dict[int, list[int]] = {}
    for at, errors, more in events:
        second, lines = START + at, errors + more
        if second <= made.newest - KEPT_S + 2:
            continue
        if second > made.newest:
            made.append(second, errors, lines)
        else:
            made.add(second, errors, lines)
        if errors:
            few.add(second, errors)
        total = known.setdefault(second, [0, 0])
        total[0] += errors
        total[1] += lines

    last = min(START + end, made.newest)
    first = max(last - window, made.oldest)
    inside = [x for at, x in known.items() if first < at <= last]
    errors, lines = sum(x[0] for x in inside), sum(x[1] for x in inside)

    assert (made.errors(first, last), made.lines(first, last)) == (errors, lines)
    assert AllLines(made).errors(first, last) == lines
    assert Beside(few, made).errors(first, last) == errors
    assert Beside(few, made).lines(first, last) == lines
    assert sum(made.errors_of(made.oldest + 1, made.newest)) == sum(
        x[0] for at, x in known.items() if at > made.oldest
    )


def test_more_than_sixteen_bits_of_lines_are_counted_exactly() -> None:
    made = Seconds(START)
    for second in range(1, 2 * KEPT_S):
        made.append(START + second, second % 3, 500)
    made.add(START + 2 * KEPT_S - 5, 1, 70_000)
    end = START + 2 * KEPT_S - 1

    assert made.lines(end - 1000, end) == 570_000
    assert made.errors(end - 900, end) == 901


def test_few_forget_what_is_too_old() -> None:
    few = Few()
    for second in range(0, 5 * KEPT_S, 2):
        few.add(second, 1)

    assert few.between(0, 10 * KEPT_S) == KEPT_S // 2
