"""cardinality: distinct values against a set, beyond what is kept within its error."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerting.rules.cardinality import Distinct
from tests.alerting.rules.at_work import Restarts, configured, engine, outcomes, told
from tests.alerting.story import START, Frames, pane
from tocsin.config.alerting import RuleConfig
from tocsin.records.frames import FieldCounts, Frame, Pane, ValueCount
from tocsin.records.sketch import MOST, SPAN, hash_of, limit_of, smallest


def of_users(**given: object) -> RuleConfig:
    usual = {"name": "users", "type": "cardinality", "of": "fields.user"}
    return configured(**(usual | {"warning": 100, "level": "any"} | given))


def users(second: int, *names: str, errors: int = 0, most: int = 50) -> Pane:
    """A pane as the processor makes it: `most` values go by name."""
    named = {x: ValueCount(1, errors) for x in names[:most]}
    rest = {hash_of(x) | bool(errors) for x in names[most:]}
    counts = FieldCounts("user", named, len(names) - len(named), smallest(rest))
    made = pane(START + second, errors * len(names), lines=len(names))
    return msgspec.structs.replace(made, fields=(counts,))


def told_of(config: RuleConfig, *panes: Pane) -> list[str]:
    frames = Frames()
    made = [frames.next(x.second, [x]) for x in panes]
    return [x.incident.why for x in outcomes(engine(config), made)]


NAMES = [f"u{x}" for x in range(99)]


def test_values_by_name_and_by_hash_are_counted_once() -> None:
    twice = users(0, *NAMES), users(1, *reversed(NAMES))

    assert told_of(of_users(), *twice) == []
    assert told_of(of_users(), *twice, users(2, "another")) == [
        "100 distinct values of user in 60 s, the limit is 100"
    ]


def test_a_value_of_a_window_ago_does_not_count() -> None:
    assert len(told_of(of_users(), users(0, *NAMES), users(59, "another"))) == 1
    assert told_of(of_users(), users(0, *NAMES), users(60, "another")) == []


def test_of_errors_only_values_with_errors_count() -> None:
    config = of_users(level="error")

    assert told_of(config, users(0, *NAMES), users(1, "a", "b", errors=1)) == []
    assert len(told_of(config, users(0, *NAMES, "a", errors=1))) == 1


def test_of_errors_values_beyond_the_bound_count_if_they_have_some() -> None:
    config = of_users(level="error", warning=3)
    quiet = users(0, "a", *NAMES)
    named = {"a": ValueCount(1, 1), "b": ValueCount(1, 1)}
    fields = msgspec.structs.replace(quiet.fields[0], values=named)
    mixed = msgspec.structs.replace(
        pane(START, 2, lines=100), fields=(fields,), templates=()
    )
    one_more = msgspec.structs.replace(fields, hashes=(hash_of("c") | 1,))

    assert told_of(config, mixed) == []
    assert len(told_of(config, msgspec.structs.replace(mixed, fields=(one_more,)))) == 1


def test_a_window_is_over_when_no_line_comes_too() -> None:
    distinct = Distinct(window_s=10)
    distinct.add(0, [hash_of("a")], SPAN, 1)

    assert (distinct.count(9), distinct.count(10)) == (1, 0)


def test_values_that_a_pattern_matches_count() -> None:
    config = of_users(fields={"user": "u*"}, warning=3)

    assert told_of(config, users(0, "u1", "u2", "v1", "v2")) == []
    assert len(told_of(config, users(0, "u1", "u2", "u3"))) == 1


@pytest.mark.parametrize(
    ("of", "panes"),
    [
        ("host", [pane(START, 1, host=x) for x in "abc"]),
        ("template", [pane(START, 1, text=f"{x} failed") for x in "abc"]),
        ("service", [pane(START, 1, service=x) for x in "abc"]),
    ],
)
def test_other_things_are_counted_too(of: str, panes: list[Pane]) -> None:
    config = configured(name="x", type="cardinality", of=of, by=[], critical=3)

    assert told_of(config, *panes[:2], panes[0]) == []
    assert len(told_of(config, *panes)) == 1


STEPS = st.lists(
    st.tuples(st.integers(0, 40), st.sets(st.integers(0, 30), max_size=8)), max_size=30
)


@settings(max_examples=40)
@given(STEPS)
def test_as_many_as_are_kept_are_counted_exactly(
    steps: list[tuple[int, set[int]]],
) -> None:
    distinct = Distinct(window_s=10)
    seen: dict[int, int] = {}

    for second, names in sorted(steps, key=lambda x: x[0]):
        distinct.add(second, [hash_of(str(x)) for x in names], SPAN, len(names))
        seen |= dict.fromkeys(names, second)
        in_window = {x for x, at in seen.items() if at > second - 10}
        assert distinct.count(second) == len(in_window)


@pytest.mark.slow
@pytest.mark.parametrize("size", [1500, 30_000])
def test_more_than_are_kept_are_estimated_in_bounded_memory(size: int) -> None:
    distinct = Distinct(window_s=60)
    in_panes = Distinct(window_s=60)
    each = size // 50
    for second in range(50):
        hashes = {hash_of(f"{second}/{x}") for x in range(each)}
        distinct.add(second, hashes, SPAN, each)
        kept = smallest(hashes)
        in_panes.add(second, kept, limit_of(kept), each)

    assert len(distinct) <= 1024
    assert distinct.count(49) == pytest.approx(size, rel=0.12)
    assert len(in_panes) <= 1024
    assert in_panes.count(49) == pytest.approx(size, rel=0.25)


def test_after_an_explosion_few_are_counted_exactly_again() -> None:
    distinct = Distinct(window_s=60)
    distinct.add(0, [hash_of(str(x)) for x in range(5000)], SPAN, 5000)
    few = [hash_of(str(x)) for x in range(20)]

    for second in range(1, 130):
        distinct.add(second, few, SPAN, 20)

    assert distinct.count(129) == 20


def test_a_pane_that_keeps_all_its_values_limits_nothing() -> None:
    some = smallest({hash_of(str(x)) for x in range(MOST - 1)})
    many = smallest({hash_of(str(x)) for x in range(500)})

    assert limit_of(some) == SPAN
    assert len(many) == MOST
    assert MOST * SPAN / limit_of(many) == pytest.approx(500, rel=0.35)


def test_a_restart_changes_nothing() -> None:
    rules = (of_users(warning=30, window=30), of_users(name="most", critical=60))
    frames = Frames()
    made: list[Frame] = []
    for k in range(300):
        names = [f"u{x}" for x in range(k % 71)] if k < 150 else []
        panes = [users(k, *names, most=20)] if names else []
        end = START + k + 1
        made.append(frames.next(end, panes, processed_at=end))
    whole = told(outcomes(engine(*rules), made))

    for at in (20, 65, 140):
        run = Restarts(*rules)
        before = run.take(made[:at])
        run.restart()
        assert told(before + run.take(made[at:])) == whole
    assert len(whole) >= 3
