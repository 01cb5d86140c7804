"""Which lines of panes a rule counts, and by what it groups them."""

from __future__ import annotations

import msgspec
import pytest

from alerting.group import Group
from alerting.message import describe
from alerting.notify.terminal import render
from alerting.rules.rule import rule_of
from alerting.rules.selection import Selection
from tests.alerting.rules.at_work import (
    Restarts,
    configured,
    ended,
    engine,
    outcomes,
    told,
)
from tests.alerting.story import START, Frames, pane
from tocsin.records.frames import FieldCounts, Frame, Pane, TallyCount, ValueCount
from tocsin.values import LEVELS, Level


def lines_of(**given: object) -> Selection:
    base = {"name": "x", "type": "threshold", "warning": 1}
    return rule_of(configured(**{**base, **given})).lines


def found(selection: Selection, *panes: Pane) -> dict[str, tuple[int, int]]:
    """Count and lines of each group."""
    return {str(x.group): (x.count, x.lines) for x in selection.parts(panes)}


def of(
    service: str = "shop", host: str = "a", second: int = START, **more: object
) -> Pane:
    made = pane(second, 2, service=service, lines=10, host=host)
    return msgspec.structs.replace(made, **more)


STATUS = FieldCounts(
    "status",
    {"200": ValueCount(7, 1), "503": ValueCount(2, 2), "500": ValueCount(1)},
    5,
)


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({}, {"shop": (4, 20)}),
        ({"level": "any"}, {"shop": (20, 20)}),
        ({"level": "fatal"}, {"shop": (0, 20)}),
        ({"by": ["host"]}, {"host=a": (2, 10), "host=b": (2, 10)}),
        ({"by": []}, {"all services": (4, 20)}),
        ({"labels": {"host": "b"}}, {"shop": (2, 10)}),
        ({"labels": {"!host": "b"}}, {"shop": (2, 10)}),
        ({"labels": {"team": "pay"}}, {"shop": (2, 10)}),
        ({"by": ["labels.team"]}, {"team=": (2, 10), "team=pay": (2, 10)}),
        (
            {"by": ["service", "level"], "level": "any"},
            {"shop (level=ERROR)": (4, 20), "shop (level=INFO)": (16, 20)},
        ),
        ({"by": ["template"]}, {"template=payment <id> declined": (4, 20)}),
        (
            {"text": "7f3", "by": ["template"]},
            {"template=payment <id> declined": (4, 20)},
        ),
        ({"text": "none such", "by": ["template"]}, {}),
        ({"fields": {"status": "5*"}, "level": "any"}, {"shop": (3, 15)}),
        ({"fields": {"status": "5*"}}, {"shop": (2, 3)}),
        (
            {"by": ["fields.status"]},
            {"status=200": (1, 7), "status=503": (2, 2), "status=500": (0, 1)},
        ),
        ({"by": ["fields.other"]}, {}),
    ],
    ids=str,
)
def test_lines_are_counted_by_group(
    given: dict[str, object], wanted: dict[str, tuple[int, int]]
) -> None:
    panes = of(labels={"team": "pay"}, fields=(STATUS,)), of(host="b")

    assert found(lines_of(**given), *panes) == wanted


BACKUP = {"text": "backup", "level": "any"}
POSTS = {"fields": {"m": ["POST"], "s": ["5*"]}, "by": ["service", "fields.c"]}
SHARE = {"type": "ratio", "level": "any", "fields": {"m": ["POST"], "s": ["5*"]}}


@pytest.mark.parametrize(
    ("given", "counts", "wanted"),
    [
        (BACKUP, [((), 3, 0)], {"shop": (3, 10)}),
        (BACKUP | {"by": ["host"]}, [((), 3, 0)], {"host=a": (3, 10)}),
        (BACKUP, [], {}),
        (BACKUP | {"type": "ratio"}, [], {"shop": (0, 10)}),
        (
            POSTS,
            [(("x",), 2, 0), (("y",), 1, 0), ((), 7, 0)],  # 7 are of unknown groups
            {"shop (c=x)": (2, 10), "shop (c=y)": (1, 10)},
        ),
        (SHARE, [((), 2, 5)], {"shop": (2, 5)}),
        (SHARE, [], {}),
    ],
    ids=str,
)
def test_lines_that_are_counted_for_a_rule_are_all_that_it_sees(
    given: dict[str, object],
    counts: list[tuple[tuple[str, ...], int, int]],
    wanted: dict[str, tuple[int, int]],
) -> None:
    selection = lines_of(**given)
    assert selection.tally is not None
    key = selection.tally.key
    tallies = tuple(TallyCount(key, lines, group, of) for group, lines, of in counts)

    assert found(selection, of(tallies=(TallyCount("another", 9), *tallies))) == wanted


def test_an_incident_of_info_lines_shows_one_of_them() -> None:
    config = configured(name="x", type="match", warning=3, **BACKUP)
    selection = lines_of(**BACKUP)
    assert selection.tally is not None
    [line] = pane(START, 1, text="backup <n> failed").templates
    count = TallyCount(selection.tally.key, 4, found=line)
    made = of(tallies=(count,))

    [outcome] = outcomes(engine(config), [Frames().next(START, [made])])

    incident = outcome.incident
    assert incident.errors == 4
    assert [x.text for x in incident.evidence.templates] == ["backup <n> failed"]
    assert incident.why == "4 matching lines in 60 s, the limit is 3"
    shown = render(describe(incident, "opened", (), now=START + 1.0), sent_at=0)
    assert "Lines:     4\n" in shown
    assert "Top lines:\n" in shown
    assert "ERROR" not in shown
    assert "Errors" not in shown


def test_rules_count_together_only_what_is_the_same() -> None:
    whole = lines_of()

    assert lines_of(service=["a*"]).kind == whole.kind
    assert lines_of(service=["a*"], by=[]).kind != lines_of(by=[]).kind
    different: list[dict[str, object]] = [
        {"level": "any"},
        {"text": "x"},
        {"labels": {"team": "pay"}},
        {"text": "x", "level": "any"},
        {"fields": {"status": "5*"}},
        {"by": ["service", "host"]},
        {"by": ["service", "level"]},
    ]
    kinds = {lines_of(**x).kind for x in different}
    assert len(kinds | {whole.kind}) == len(different) + 1


def test_a_group_of_some_hosts_shows_their_lines_alone() -> None:
    config = configured(name="x", type="threshold", warning=5, by=["host"])
    frames = Frames()
    other = pane(START, 4, host="b", text="of another host")
    made = [frames.next(START, [pane(START, 4), other])]
    made += [frames.next(START + 1, [pane(START + 1, 4, service="cart", text="cart")])]

    [outcome] = outcomes(engine(config), made)

    incident = outcome.incident
    assert (incident.of, incident.errors) == (Group("", (("host", "web-1"),)), 8)
    assert incident.labels["host"] == "web-1"
    texts = {x.text for x in incident.evidence.templates}
    assert texts == {"payment <id> declined", "cart"}


def test_more_templates_in_a_second_than_are_kept_break_nothing() -> None:
    panes = [pane(START, 1, text=f"{x:03} failed", host=f"h{x}") for x in range(90)]

    found = outcomes(
        engine(configured(name="x", type="threshold", warning=5)),
        [Frames().next(START, panes)],
    )

    assert [x.incident.errors for x in found] == [90]


def late(first: int, second: int) -> list[Frame]:
    frames = Frames()
    return [frames.next(START, [pane(START + x, 5)]) for x in (first, second)]


def test_a_line_out_of_order_counts_in_the_windows_that_end_later() -> None:
    config = configured(name="x", type="threshold", warning=10, window=10)

    assert len(outcomes(engine(config), late(9, 0))) == 1
    assert len(outcomes(engine(config), late(0, 9))) == 1
    assert outcomes(engine(config), late(10, 0)) == []


@pytest.mark.parametrize("at", [3, 9, 11, 14])
def test_a_restart_keeps_groups(at: int) -> None:
    rules = (
        configured(name="x", type="threshold", warning=8, by=["host"], window=5),
        configured(name="y", type="absence", window=20, by=["service", "host"]),
    )
    frames = Frames()
    made = []
    for k in range(150):
        panes = [pane(START + k, 3, host="b" if k % 2 else "a")] if k < 80 else []
        made.append(frames.next(START + k + 1, panes, processed_at=START + k + 1.0))
    straight = engine(*rules)
    whole = told(outcomes(straight, made))

    run = Restarts(*rules)
    before = run.take(made[: at * 10])
    run.restart()

    assert told(before + run.take(made[at * 10 :])) == whole
    assert ended(run.engine) == ended(straight)
    assert len(whole) >= 4


def test_what_is_of_a_level_alone_is_counted() -> None:
    counts = [0] * LEVELS
    counts[Level.WARN] = 3
    quiet = of(counts=tuple(counts), templates=())

    assert found(lines_of(level="warn"), quiet) == {"shop": (3, 3)}
