"""absence: silence is told, and told apart from what only looks like it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec
import pytest

from alerting.incident import Reason
from alerting.message import describe
from alerting.notify.blocks import blocks
from alerting.notify.terminal import render
from alerting.rules.rule import rule_of
from tests.alerting.rules.at_work import (
    Restarts,
    configured,
    ended,
    engine,
    outcomes,
    told,
)
from tests.alerting.story import START, Frames, pane
from tests.slack import content_problem
from tocsin.records.frames import Frame, Pane

SILENT = configured(name="silent", type="absence", window=60, critical=3)
NAMED = configured(
    name="backup", type="absence", window=600, service=["backup"], warning=1
)


def frames(
    *panes: Pane,
    until: int,
    since: int = 0,
    step: int = 1,
    source: Frames | None = None,
) -> list[Frame]:
    """A frame for each step of seconds, until a second is over."""
    made = source or Frames()
    by_step: dict[int, list[Pane]] = {}
    for x in panes:
        by_step.setdefault((x.second - START) // step, []).append(x)
    return [
        made.next(
            START + (at + 1) * step,
            by_step.get(at, ()),
            processed_at=START + (at + 1) * step,
        )
        for at in range(since // step, until // step)
    ]


def steady(first: int, last: int, *, service: str = "checkout") -> list[Pane]:
    return [
        pane(START + x, 0, lines=3, service=service) for x in range(first, last + 1)
    ]


def test_it_fires_when_the_window_is_over_and_not_a_second_earlier() -> None:
    rule = configured(name="silent", type="absence", window=60)
    made = frames(*steady(0, 200), until=261)

    assert told(outcomes(engine(rule), made[:260])) == []
    assert told(outcomes(engine(rule), made)) == [
        ("checkout", "opened", 261, "warning")
    ]


def test_three_windows_are_critical_and_a_line_ends_it() -> None:
    rule = configured(name="silent", type="absence", window=60, warning=1, critical=3)
    made = frames(*steady(0, 200), *steady(500, 700), until=700)

    found = outcomes(engine(rule), made)

    assert told(found) == [
        ("checkout", "opened", 261, "warning"),
        ("checkout", "escalated", 261, "critical"),
        ("checkout", "resolved", 620, "critical"),
    ]
    assert found[-1].incident.reason == Reason.RESOLVED.name
    assert found[-1].incident.opened_at == START + 201


def test_what_wrote_for_less_than_three_windows_is_not_expected() -> None:
    rule = configured(name="silent", type="absence", window=60)

    assert outcomes(engine(rule), frames(*steady(0, 179), until=600)) == []
    assert len(outcomes(engine(rule), frames(*steady(0, 180), until=600))) == 1


def test_a_run_begins_anew_after_a_silence() -> None:
    rule = configured(name="silent", type="absence", window=60)
    made = frames(*steady(0, 200), *steady(400, 500), until=700)

    assert [x.kind for x in outcomes(engine(rule), made)] == ["opened", "resolved"]


def test_a_late_line_within_the_window_is_no_silence() -> None:
    """The watermark stands while the processor lags."""
    made = Frames()
    run = engine(configured(name="silent", type="absence", window=60))
    lagging = frames(*steady(0, 200), until=201, source=made)
    lagging += [
        made.next(START + 201, processed_at=START + 201 + x) for x in range(300)
    ]
    lagging += frames(*steady(201, 400), since=201, until=401, source=made)

    assert outcomes(run, lagging) == []


def test_a_collector_that_is_down_is_not_a_silent_service() -> None:
    run = engine(configured(name="silent", type="absence", window=60))
    made = frames(*steady(0, 200), until=700)

    before = outcomes(run, made[:210])
    run.hear({"web-1": START + 200.0, "web-2": START + 400.0}, START + 240)
    down = outcomes(run, made[210:400])
    run.hear({"web-1": START + 400.0}, START + 401)
    back = outcomes(run, made[400:])

    assert (before, down) == ([], [])
    assert run.reasons["silent", Reason.COLLECTOR_DOWN] == 1
    assert told(back) == [("checkout", "opened", 461, "warning")]
    assert back[0].incident.opened_at == START + 401


def test_lines_that_nobody_counts_are_not_missed() -> None:
    rule = configured(
        name="done", type="absence", window=60, service=["cron"], text="done"
    )
    run = engine(rule)
    made = frames(until=500)
    unaware = [msgspec.structs.replace(x, counted=("other",)) for x in made[:300]]
    aware = [
        msgspec.structs.replace(x, counted=rule_of(rule).needs) for x in made[300:]
    ]

    assert outcomes(run, unaware) == []
    assert run.uncounted == ["done"]
    assert told(outcomes(run, aware)) == [("cron", "opened", 361, "warning")]
    assert run.uncounted == []


def test_one_of_two_hosts_is_enough_to_be_silent() -> None:
    run = engine(configured(name="silent", type="absence", window=60))
    both = [pane(START, 0, lines=3, host="web-2"), *steady(0, 200)]

    run.hear({"web-1": START + 0.0, "web-2": START + 200.0}, START + 201)

    assert len(outcomes(run, frames(*both, until=300))) == 1


@pytest.mark.slow
def test_after_a_day_a_service_that_is_gone_is_the_new_normal() -> None:
    run = engine(configured(name="silent", type="absence", window=60))
    day = 86_400

    found = outcomes(run, frames(*steady(0, 200), until=day + 1000, step=20))

    assert [x.kind for x in found] == ["opened", "resolved"]
    assert found[-1].incident.reason == Reason.NEW_NORMAL.name
    assert set(run.remembered().values()) == {None}


def sparse(hours: Iterable[float], *, until: float) -> list[Frame]:
    """Lines of the backup at these hours, a frame each five minutes."""
    panes = [pane(START + int(3600 * x), 0, lines=1, service="backup") for x in hours]
    return frames(*panes, until=int(3600 * until), step=300)


@pytest.mark.slow
@pytest.mark.parametrize("hours", [(0, 1, 7), (2, 2.5, 3, 8)])
def test_a_restart_at_any_hour_changes_nothing(hours: Sequence[float]) -> None:
    """The window is longer than what frames tell after a restart."""
    rules = (
        configured(name="backup", type="absence", window=3 * 3600, service=["backup"]),
        configured(name="any", type="absence", window=600),
    )
    made = sparse(hours, until=9)
    straight = engine(*rules)
    whole = told(outcomes(straight, made))

    for at in (20, 38, 61, 80):
        run = Restarts(*rules)
        before = run.take(made[:at])
        run.restart()
        assert told(before + run.take(made[at:])) == whole
        assert ended(run.engine) == ended(straight)

    assert ("backup", "opened") in [x[:2] for x in whole]


def test_rows_of_a_rule_that_is_gone_are_deleted() -> None:
    first = engine(NAMED)
    outcomes(first, sparse([0], until=1))
    rows = {key: row for key, row in first.remembered().items() if row is not None}

    second = engine(SILENT)
    second.recall(rows)

    assert len(rows) == 1
    assert second.remembered() == dict.fromkeys(rows)


def test_the_message_says_since_when_how_unusual_it_is_and_what_came_last() -> None:
    last = pane(START + 200, 1, lines=3, text="OutOfMemoryError: Java heap space")
    [opened] = outcomes(engine(SILENT), frames(*steady(0, 199), last, until=400))

    shown = describe(opened.incident, "opened", opened.spark, now=START + 381)

    at, until = "2026-03-14 00:03:20 UTC", "00:06:20 UTC"
    assert render(shown, sent_at=START + 381).splitlines() == [
        "🔴 checkout: no lines",
        f"  none for 3 m 0 s, the last one at {at}; usually each second",
        "  State:     open",
        "  Severity:  critical",
        "  Since:     2026-03-14 00:03:21 UTC",
        "  Duration:  3 m 0 s",
        "  Hosts:     web-1",
        "  Rule:      silent",
        f"  Incident:  {opened.incident.id}",
        "  Top errors:",
        "        1 × NEW OutOfMemoryError: Java heap space",
        "  Samples:",
        "    OutOfMemoryError: Java heap space",
        "      /var/log/checkout/app.log at byte 4,096",
        f"  no one line behind it: looked at until {until}, noticed +1 s, sent +0 ms",
    ]
    made = blocks(shown, sent_at=START + 381)
    assert content_problem({"text": shown.summary, "blocks": made}) is None
    assert [x["type"] for x in made] == ["header", *["section"] * 4, "context"]
