"""budget: burn rates over two windows, against sums done by hand, over restarts."""

from __future__ import annotations

import random
from collections.abc import Iterable

import pytest

from alerting.group import Group
from alerting.rules.budget import Budget
from alerting.rules.rule import rule_of
from alerting.rules.watch import Seen
from alerting.seconds import KEPT_S
from tests.alerting.rules.at_work import configured
from tests.alerting.story import START, pane
from tocsin.records.frames import Pane

MINUTE, HOUR, DAY = 60, 3600, 86_400
SHOP = Group("checkout")
_EVEN = START // DAY * DAY  # windows begin where steps do


def budget(**given: object) -> Budget:
    config = configured(name="slo", type="budget", objective=0.99, **given)
    return Budget(rule_of(config), 0.99)


def seen(of: Pane) -> Seen:
    return Seen(Group(of.service), [of], of.errors, of.lines)


def feed(run: Budget, counts: Iterable[tuple[int, int, int]]) -> None:
    """Seconds from the start with bad lines and all lines."""
    for second, bad, lines in counts:
        run.learn(seen(pane(_EVEN + second, bad, lines=lines)))


def says(run: Budget, at: int) -> str:
    sign = run.judge(SHOP, _EVEN + at - 1)
    return sign.burst.severity if sign else ""


def steady(
    since: int, until: int, *, share: float, step: int = MINUTE, lines: int = 1000
) -> list[tuple[int, int, int]]:
    return [(x, round(share * lines), lines) for x in range(since, until, step)]


@pytest.mark.parametrize(
    ("share", "hours", "wanted"),
    [
        (0.143, 1, ""),
        (0.145, 1, "critical"),
        (0.059, 6, ""),
        (0.061, 6, "critical"),
        (0.029, 24, ""),
        (0.031, 24, "warning"),
        (0.009, 72, ""),
        (0.011, 72, "warning"),
    ],
)
def test_a_share_over_a_long_window_is_too_much(
    share: float, hours: int, wanted: str
) -> None:
    """Without errors for three days before it, and long enough for the short one."""
    run = budget()
    end = (80 + hours) * HOUR

    feed(run, steady(0, 80 * HOUR, share=0, step=10 * MINUTE, lines=10_000))
    feed(run, steady(80 * HOUR, end, share=share))

    assert says(run, end) == wanted


def test_what_was_bad_and_is_over_says_nothing() -> None:
    run = budget()

    feed(run, steady(0, HOUR, share=0.5))
    assert says(run, HOUR) == "critical"
    feed(run, steady(HOUR, HOUR + 5 * MINUTE, share=0))

    assert run.calm(SHOP, _EVEN + HOUR - 1).is_calm is False
    sign = run.judge(SHOP, _EVEN + HOUR + 5 * MINUTE - 1)
    assert sign is None or sign.burst.window_s > 300


def test_of_a_young_service_nobody_says_that_it_spent_a_tenth_of_a_month() -> None:
    run = budget()

    feed(run, steady(0, 10 * MINUTE, share=0.10))
    assert says(run, 10 * MINUTE) == ""
    feed(run, steady(10 * MINUTE, 20 * MINUTE, share=1.0))

    assert says(run, 20 * MINUTE) == "critical"


def test_few_bad_lines_are_no_reason() -> None:
    run = budget(min_count=10)

    feed(run, [(x, 1, 1) for x in range(0, 9 * 60, 60)])
    assert says(run, 540) == ""
    feed(run, [(x, 1, 1) for x in range(540, HOUR, 60)])

    assert says(run, HOUR) == "critical"


def test_a_level_that_is_not_set_is_not_told() -> None:
    pages = budget(critical=1)
    tickets = budget(warning=1)

    for run in (pages, tickets):
        feed(run, steady(0, 80 * HOUR, share=0.02, step=10 * MINUTE))

    assert says(pages, 80 * HOUR) == ""
    assert says(tickets, 80 * HOUR) == "warning"
    assert says(budget(), 80 * HOUR) == ""


def test_twice_the_rate_is_half_as_nervous() -> None:
    run, calm = budget(critical=1), budget(critical=2)

    for each in (run, calm):
        feed(each, steady(0, 2 * HOUR, share=0.2))

    assert (says(run, 2 * HOUR), says(calm, 2 * HOUR)) == ("critical", "")


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_a_row_and_the_frames_of_two_hours_are_the_whole(seed: int) -> None:
    rng = random.Random(seed)
    counts = []
    for at in range(0, 80 * HOUR, 7 * MINUTE):
        second = at + rng.randrange(-KEPT_S // 2, KEPT_S // 2)
        counts.append((max(0, second), rng.randrange(30), 100))
    whole = budget()
    rows: dict[Group, bytes] = {}
    for number, count in enumerate(counts):
        feed(whole, [count])
        rows |= {x: y for x, y in whole.remembered().items() if y is not None}
        if number % 97 != 90:
            continue
        again = budget()
        again.restore(rows)
        feed(again, [x for x in counts[: number + 1] if x[0] > count[0] - 2 * HOUR])

        for ago in (0, 5 * MINUTE, HOUR):
            end = _EVEN + count[0] - ago
            assert again.judge(SHOP, end) == whole.judge(SHOP, end)
    assert rows


def test_a_row_is_small_and_comes_each_half_hour() -> None:
    run = budget()
    sizes = []

    for at in range(0, 24 * HOUR, 20):
        feed(run, [(at, 3, 2000)])
        sizes += [len(x) for x in run.remembered().values() if x is not None]

    assert 46 <= len(sizes) <= 49
    assert max(sizes) < 10_000


def test_a_group_that_is_not_told_of_any_more_frees_its_row() -> None:
    config = configured(name="slo", type="budget", objective=0.99, by=["host"])
    run = Budget(rule_of(config), 0.99, max_groups=100)

    for number in range(120):
        made = pane(_EVEN + number, 1, host=f"h{number}")
        run.learn(seen(made))

    gone = [x for x, row in run.remembered().items() if row is None]
    assert {str(x) for x in gone} == {f"host=h{x}" for x in range(20)}
