"""Why a rule did not fire, in numbers that agree with when it does."""

from __future__ import annotations

import random

import pytest

from alerting.burst import BurstDetector, BurstRule
from alerting.engine import Engine
from alerting.group import Group
from alerting.incident import Policy
from alerting.rules.rule import rule_of
from alerting.rules.watch import Seen
from alerting.rules.working import Working
from tests.alerting.rules.at_work import configured
from tests.alerting.story import START, Frames, pane
from tocsin.records.frames import Pane

RULES: list[dict[str, object]] = [
    {"type": "threshold", "warning": 4, "window": 5},
    {"type": "ratio", "warning": 0.5, "min_count": 8, "window": 5},
    {"type": "change", "warning": 2, "min_count": 4, "window": 5},
    {"type": "threshold", "warning": 4, "window": 5, "by": ["host"]},
    {"type": "cardinality", "of": "host", "warning": 2, "window": 5},
    {"type": "budget", "objective": 0.9, "min_count": 5, "critical": 0.01},
    {"type": "absence", "window": 5, "service": ["checkout"]},
]


def panes(draw: random.Random, second: int) -> list[Pane]:
    hosts = draw.choice([["a"], ["b"], ["a"], ["a", "b"]])
    return [
        pane(second, draw.choice([0, 0, 0, 3]), lines=draw.randint(3, 6), host=host)
        for host in hosts
    ]


@pytest.mark.parametrize("given", RULES, ids=lambda given: given["type"])
def test_a_rule_is_as_near_as_one_exactly_when_it_fires(
    given: dict[str, object],
) -> None:
    draw = random.Random(7)
    detector = BurstDetector(BurstRule())
    working = Working([rule_of(configured(name="x", **given))], detector.seconds_of)
    watch, group = working.by_name["x"], Group("checkout")
    found = set()
    for second in range(START, START + 300):
        if draw.random() < (0.7 if second < START + 150 else 0.1):
            made = panes(draw, second)
            errors, lines = sum(x.errors for x in made), sum(x.lines for x in made)
            counts = {"errors": errors, "lines": lines, "settled": second}
            detector.observe("checkout", second, **counts)
            working.learn(Seen(group, made, errors, lines))
        list(working.due(second, second))

        for _, of, near in working.near(group, second, second):
            fires = watch.judge(of, second) is not None
            assert (near.share >= 1) is fires, (second, near)
            found.add(fires)

    assert found == {True, False}


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"type": "threshold", "warning": 9}, "3 ERROR in 60 s, the limit is 9"),
        (
            {"type": "ratio", "warning": 0.5, "min_count": 100},
            "20 lines in 60 s, it is asked of 100 at least",
        ),
        ({"type": "absence"}, "it wrote for 0 s without such a silence, and is"),
        ({"type": "new_pattern"}, "what it writes is learned for 1 h 0 m more"),
        ({"type": "composite", "when": "burst"}, "these do not: burst"),
    ],
    ids=str,
)
def test_what_is_short_is_said(given: dict[str, object], says: str) -> None:
    rule = rule_of(configured(name="x", **given))
    engine = Engine(BurstRule(), Policy(), rules=[rule])
    frame = Frames().next(START + 1, [pane(START, 3, lines=20)])
    engine.take(frame, frame.processed_at)

    found = {name: near.why for name, _, near in engine.near("checkout", START)}

    assert says in found["x"]
    assert found["burst"] == "3 ERROR in 300 s, 6 at least"
