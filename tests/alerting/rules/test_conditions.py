"""Conditions at their edges, and rules beside each other in the engine."""

from __future__ import annotations

import msgspec
import pytest

from alerting.burst import BurstRule
from alerting.engine import Engine, Outcome
from alerting.group import Group
from alerting.incident import Incident, Policy
from alerting.rules.change import Change
from alerting.rules.condition import Condition, Levels
from alerting.rules.pattern import Pattern
from alerting.rules.ratio import Ratio
from alerting.rules.rule import rule_of
from alerting.rules.threshold import Threshold
from alerting.seconds import Seconds
from tests.alerting.story import START, Frames, pane
from tocsin.config.alerting import RuleConfig
from tocsin.errors import ConfigError
from tocsin.records.frames import Frame
from tocsin.values import Level


def seconds(*counts: tuple[int, int, int]) -> Seconds:
    """Seconds with (second, errors, lines) each."""
    made = Seconds(START)
    for second, errors, lines in counts:
        made.append(START + second, errors, lines)
    return made


def severity(condition: Condition, made: Seconds, end: int) -> str | None:
    found = condition.judge(made, START + end)
    return None if found is None else found.severity


def test_a_threshold_is_reached_at_exactly_its_number() -> None:
    made = seconds((1, 9, 9), (2, 1, 1))
    condition = Threshold(60, Levels(warning=10, critical=11))

    assert severity(condition, made, 1) is None
    assert severity(condition, made, 2) == "warning"
    assert condition.calm(made, START + 1).is_calm
    assert not condition.calm(made, START + 2).is_calm


def test_a_window_leaves_out_what_is_exactly_its_length_ago() -> None:
    made = seconds((1, 5, 5), (61, 5, 5))

    assert severity(Threshold(60, Levels(warning=10)), made, 61) is None
    assert severity(Threshold(61, Levels(warning=10)), made, 61) == "warning"


def test_a_share_needs_enough_lines_and_is_reached_at_exactly_its_number() -> None:
    condition = Ratio(60, Levels(warning=0.1), 20)

    assert severity(condition, seconds((1, 19, 19)), 1) is None
    assert severity(condition, seconds((1, 2, 20)), 1) == "warning"
    assert severity(condition, seconds((1, 2, 21)), 1) is None
    assert condition.calm(seconds((1, 2, 21)), START + 1).is_calm
    assert not condition.calm(seconds((1, 2, 20)), START + 1).is_calm
    assert condition.calm(seconds(), START + 1).is_calm


def test_doubling_is_no_tripling_and_nothing_before_counts_as_one() -> None:
    doubled = seconds((30, 10, 10), (90, 20, 20))

    assert severity(Change(60, Levels(warning=2), 10), doubled, 90) == "warning"
    assert severity(Change(60, Levels(warning=3), 10), doubled, 90) is None
    assert severity(Change(60, Levels(warning=3), 10), seconds((90, 10, 10)), 90)


def test_a_pattern_that_is_none_is_refused() -> None:
    with pytest.raises(ConfigError, match="expected a pattern of RE2"):
        Pattern("(?=look)ahead")


def many(**changed: object) -> RuleConfig:
    given = {"name": "many", "type": "threshold", "warning": 5, **changed}
    return RuleConfig.model_validate(given)


def engine(*configs: RuleConfig, incidents: list[Incident] | None = None) -> Engine:
    rules = [rule_of(x) for x in configs]
    silent = BurstRule(min_count=2**31)
    return Engine(silent, Policy(), rules=rules, incidents=incidents or ())


def told(run: Engine, frames: list[Frame]) -> list[tuple[str, str, int, str]]:
    outcomes: list[Outcome] = []
    for frame in frames:
        outcomes += run.take(frame, frame.processed_at).outcomes
    return [
        (x.incident.rule, x.kind, int(x.incident.fired_at) - START, x.incident.severity)
        for x in outcomes
        if x.kind != "updated"
    ]


def test_a_rule_counts_the_services_and_levels_that_it_names() -> None:
    warnings = [0] * len(Level)
    warnings[Level.WARN] = 5
    quiet = msgspec.structs.replace(pane(START, 0), counts=tuple(warnings))
    panes = [quiet, msgspec.structs.replace(quiet, service="cart")]
    frame = Frames().next(START, panes)

    at_error = engine(many())
    at_warn = engine(many(level="warn", service=["check*"]))

    assert told(at_error, [frame]) == []
    assert told(at_warn, [frame]) == [("many", "opened", 0, "warning")]


def test_two_rules_of_one_service_have_an_incident_each() -> None:
    run = engine(many(), many(name="more", warning=8))
    frames = Frames()

    found = told(run, [frames.next(START + x, [pane(START + x, 4)]) for x in range(3)])

    assert found == [("many", "opened", 1, "warning"), ("more", "opened", 1, "warning")]
    assert {x.key for x in run.incidents} == {
        ("many", Group("checkout")),
        ("more", Group("checkout")),
    }


def test_few_lines_count_too_while_an_incident_is_open() -> None:
    frames = Frames()
    run = engine(many(window=10))

    told(run, [frames.next(START, [pane(START, 6)])])
    told(run, [frames.next(START + 15, [pane(START + 15, 2)])])

    assert [(x.errors, x.is_open) for x in run.incidents] == [(8, True)]


def test_a_rule_waits_for_as_long_as_it_is_told_to() -> None:
    frames = Frames()
    made = [frames.next(START + x, [pane(START + x, 9)]) for x in range(60)]

    found = told(engine(many(window=1, **{"for": 30})), made)

    assert found == [("many", "opened", 30, "warning")]


@pytest.mark.parametrize("at", [1, 4, 20, 100])
def test_a_restart_changes_nothing_of_what_a_rule_tells(at: int) -> None:
    frames = Frames()
    made = [
        frames.next(START + x + 1, [pane(START + x, 3 * (3 < x < 9), lines=50)])
        for x in range(300)
    ]
    rules = many(), many(name="share", type="ratio", warning=0.02, min_count=20)
    whole = told(engine(*rules), made)

    first = engine(*rules)
    before = told(first, made[:at])
    second = engine(*rules, incidents=first.incidents)
    for frame in made[:at]:
        second.warm(frame)
    second.resume(first.positions)

    assert before + told(second, made[at:]) == whole
    assert [x[1] for x in whole] == ["opened", "opened", "resolved", "resolved"]
