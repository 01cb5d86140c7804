"""Who lives is known by whose row changes, whatever the clock of its host says."""

from __future__ import annotations

from alerting.rollcall import RollCall
from tests.alerting.story import START
from tocsin.records.collectors import CollectorBeat

DAY_S = 86_400


def rows(**beats: tuple[str, float]) -> dict[bytes, CollectorBeat]:
    """Rows of collectors by identity: (host, seconds after the start)."""
    found = beats.items()
    return {k.encode(): CollectorBeat(host, START + at) for k, (host, at) in found}


def test_a_collector_is_down_when_its_row_does_not_change_for_30_s() -> None:
    roll = RollCall()
    roll.note(rows(a=("web-1", 0), b=("web-2", 0)), START + 1)
    for at in range(10, 50, 10):
        roll.note(rows(a=("web-1", 0), b=("web-2", at)), START + at)

    assert roll.down(START + 30) == []
    assert roll.down(START + 31) == ["web-1"]


def test_a_clock_that_is_wrong_makes_no_collector_dead_or_immortal() -> None:
    roll = RollCall()
    for at in range(0, 60, 10):
        roll.note(rows(slow=("a", at - 3600), fast=("b", at + 3600)), START + at)
    while_both_beat = roll.down(START + 60)
    for at in range(60, 100, 10):
        roll.note(rows(slow=("a", 50 - 3600), fast=("b", 50 + 3600)), START + at)

    assert while_both_beat == []
    assert roll.down(START + 90) == ["a", "b"]


def test_a_host_with_two_collectors_is_down_when_both_are() -> None:
    roll = RollCall()
    roll.note(rows(a=("web-1", -40), b=("web-1", -20)), START)

    assert roll.down(START) == []
    assert roll.down(START + 20) == ["web-1"]


def test_who_said_goodbye_is_not_missed() -> None:
    roll = RollCall()
    roll.note(rows(a=("web-1", -40)), START)
    before = roll.down(START)
    roll.note({}, START + 1)

    assert before == ["web-1"]
    assert roll.down(START + 100) == []
    assert roll.heard_at == {}


def test_who_is_not_heard_of_for_a_day_is_gone_and_his_row_too() -> None:
    roll = RollCall()
    roll.note(rows(a=("web-1", 0)), START)

    assert roll.down(START + DAY_S) == ["web-1"]
    assert roll.gone(START + DAY_S) == []
    assert roll.down(START + DAY_S + 1) == []
    assert roll.gone(START + DAY_S + 1) == [b"a"]
