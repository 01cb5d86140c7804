"""new_pattern: what is new is told once, what is known never, whatever happens."""

from __future__ import annotations

import json
import random

import pytest

from alerting.message import describe
from alerting.notify.blocks import blocks
from alerting.notify.terminal import render
from tests.alerting.rules.at_work import Restarts, configured, engine, outcomes, told
from tests.alerting.story import START, Frames, pane
from tests.slack import content_problem
from tocsin.records.frames import Frame

NEW = configured(name="new", type="new_pattern", memory=6 * 3600, learn=600)


def frames(*found: tuple[float, str], until: float, step: int = 60) -> list[Frame]:
    """An error at each of these minutes, and other lines all the time."""
    made = Frames()
    by_step: dict[int, list[tuple[int, str]]] = {}
    for minute, text in found:
        second = int(60 * minute)
        by_step.setdefault(second // step, []).append((second, text))
    result = []
    for at in range(int(60 * until) // step):
        panes = [pane(START + at * step, 0, lines=2)]
        panes += [pane(START + x, 1, text=text) for x, text in by_step.get(at, ())]
        end = START + (at + 1) * step
        result.append(made.next(end, panes, processed_at=end))
    return result


def opened(made: list[Frame]) -> list[float]:
    """The minutes at which an incident is opened."""
    found = told(outcomes(engine(NEW), made))
    return [at / 60 for _, kind, at, _ in found if kind in {"opened", "reopened"}]


def test_a_template_is_new_once() -> None:
    made = frames((20, "disk"), (21, "disk"), (60, "disk"), until=90)

    assert opened(made) == [21]


def test_what_comes_while_a_service_is_learned_is_known() -> None:
    assert opened(frames((9.9, "disk"), (40, "disk"), until=60)) == []
    assert opened(frames((10, "disk"), (40, "disk"), until=60)) == [11]


def test_it_is_new_again_when_it_was_not_seen_for_as_long_as_is_remembered() -> None:
    assert opened(frames((20, "disk"), (20 + 360, "disk"), until=400)) == [21]
    assert opened(frames((20, "disk"), (21 + 360, "disk"), until=400)) == [21, 382]


def test_what_comes_within_a_window_of_each_other_is_one_incident_with_a_list() -> None:
    texts = ["disk", "route", "token", "parser", "disk"]
    made = frames(*((20 + 9 * k, x) for k, x in enumerate(texts)), until=90)

    found = outcomes(engine(NEW), made)

    assert [x.kind for x in found] == ["opened", "resolved"]
    [_, over] = found
    assert {x.text for x in over.incident.evidence.templates} == set(texts)
    assert over.incident.why == "not seen in 6 h 0 m: disk; route; token; and 1 more"
    assert over.incident.errors == 5


def test_what_is_new_later_is_a_list_of_its_own() -> None:
    made = frames((20, "disk"), (100, "route"), until=130)

    found = [x for x in outcomes(engine(NEW), made) if x.kind == "opened"]

    assert [x.incident.why for x in found] == [
        "not seen in 6 h 0 m: disk",
        "not seen in 6 h 0 m: route",
    ]


def test_known_errors_beside_a_new_one_are_not_counted() -> None:
    made = frames((1, "usual"), (20, "usual"), (20, "disk"), (21, "usual"), until=60)

    found = outcomes(engine(NEW), made)

    assert [x.incident.errors for x in found] == [1, 1]
    assert [x.text for x in found[0].incident.evidence.templates] == ["disk"]


def test_each_service_knows_its_own() -> None:
    made = frames((20, "disk"), until=25)
    other = Frames(lo=made[-1].hi)
    first = pane(START, 0, lines=1, service="cart")
    again = pane(START + 1600, 1, service="cart", text="disk")
    run = engine(NEW)

    outcomes(run, made)
    outcomes(run, [other.next(START + 1500, [first])])

    assert len(outcomes(run, [other.next(START + 1600, [again])])) == 1
    assert run.new_templates() == {"checkout": 1, "cart": 1}
    assert run.new_templates() == {}


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_a_restart_at_any_time_changes_nothing(seed: int) -> None:
    rng = random.Random(seed)
    names = ["disk", "route", "token", "parser", "oom"]
    errors = sorted((rng.uniform(0, 900), rng.choice(names)) for _ in range(25))
    made = frames(*errors, until=920, step=120)
    whole = told(outcomes(engine(NEW), made))

    for at in (40, 150, 222, 333, 410):
        run = Restarts(NEW)
        before = run.take(made[:at])
        run.restart()
        after = run.take(made[at:])
        assert told(before + after) == whole
    assert len(whole) > 10


def test_after_a_restart_what_was_new_before_is_not_counted_again() -> None:
    run = Restarts(NEW)

    assert len(run.take(frames((18, "route"), (20, "disk"), until=21))) == 1
    run.restart()

    assert run.engine.new_templates() == {}


def test_templates_without_end_take_bounded_memory() -> None:
    made = Frames()
    run = engine(NEW)
    for at in range(700):
        second = START + 10 * at
        panes = [pane(second, 1, text=f"{at:05}-{k} is new") for k in range(10)]
        run.take(made.next(second, panes, processed_at=second), second)
    [row] = run.remembered().values()

    assert row is not None
    known = json.loads(row)
    assert 1800 <= len(known["seen"]) <= 2000
    assert len(known["run"]) == 64
    assert known["run_size"] == 6400
    assert len(run.incidents) == 1


def test_the_message_names_what_is_new_in_its_first_lines() -> None:
    made = frames((20, "disk <id> failed"), until=21)
    [outcome] = outcomes(engine(NEW), made)

    shown = describe(outcome.incident, "opened", outcome.spark, now=START + 1260)

    assert render(shown, sent_at=START + 1260).splitlines() == [
        "🟠 checkout: new error",
        "  not seen in 6 h 0 m: disk <id> failed",
        "  State:     open",
        "  Severity:  warning",
        "  Since:     2026-03-14 00:20:00 UTC",
        "  Duration:  1 m 0 s",
        "  Errors:    1",
        "  Peak:      1/s",
        "  Baseline:  0/s",
        "  Hosts:     web-1",
        "  Rule:      new",
        f"  Incident:  {outcome.incident.id}",
        "  Top errors:",
        "        1 × NEW disk <id> failed",
        "  Samples:",
        "    disk 7f3 failed",
        "      /var/log/checkout/app.log at byte 4,096",
        "  latest line written, read +100 ms, processed +1 m 0 s, sent +0 ms",
    ]
    built = blocks(shown, sent_at=START + 1260)
    assert content_problem({"text": shown.summary, "blocks": built}) is None
