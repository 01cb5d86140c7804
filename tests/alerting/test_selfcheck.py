"""Tocsin tells of itself, once each, and when it is over."""

from __future__ import annotations

import pytest
from prometheus_client import CollectorRegistry

from alerting.heartbeat import Heartbeat
from alerting.message import describe
from alerting.notify.terminal import render
from alerting.selfcheck import Problem, SelfChange, SelfCheck, Vitals
from alerting.telemetry import AlertingTelemetry
from tests.alerting.receiver import Receiver
from tests.alerting.story import START, wait_until
from tocsin.records.frames import Skew


def vitals(at: float, **values: object) -> Vitals:
    now = START + at
    base = {"now": now, "heard_at": now, "watermark": now}
    return Vitals(**{**base, **values})  # type: ignore[arg-type]


def played(check: SelfCheck, *looks: Vitals) -> list[SelfChange]:
    return [change for look in looks for change in check.look(look)]


def test_all_is_well_and_nothing_is_said() -> None:
    assert played(SelfCheck(), *(vitals(x) for x in range(100))) == []


def test_a_processor_that_falls_silent_is_told_once_and_when_it_is_back() -> None:
    check = SelfCheck()
    silent = [vitals(x, heard_at=START) for x in range(200)]
    [opened] = played(check, *silent)
    [done] = played(check, *(vitals(200 + x) for x in range(70)))

    assert opened.kind == "opened"
    assert opened.incident.opened_at == START + 60
    assert opened.incident.detected_at == START + 120
    assert opened.incident.severity == "critical"
    assert (done.kind, done.incident.id) == ("resolved", opened.incident.id)
    assert done.incident.quiet_since == START + 199


def test_collectors_that_are_down_are_one_incident_that_names_them() -> None:
    check = SelfCheck()
    down = [vitals(x, collectors_down=["web-1"]) for x in range(60)]
    more = [vitals(60 + x, collectors_down=["web-1", "web-2"]) for x in range(5)]
    [opened, updated] = played(check, *down, *more)
    [done] = played(check, *(vitals(65 + x) for x in range(70)))

    assert (opened.kind, opened.incident.severity) == ("opened", "critical")
    assert opened.incident.detected_at == START + 30
    assert opened.incident.why.startswith("on web-1: whether services there")
    assert (updated.kind, updated.incident.sequence) == ("updated", 2)
    assert updated.incident.why.startswith("on web-1, web-2:")
    assert (done.kind, done.incident.id) == ("resolved", opened.incident.id)


def test_collectors_that_were_away_with_the_bus_are_not_down() -> None:
    down = [vitals(x, collectors_down=["web-1"]) for x in range(29)]

    assert played(SelfCheck(), *down, *(vitals(29 + x) for x in range(99))) == []


def test_lag_is_told_only_while_there_is_something_left_to_read() -> None:
    late = {"watermark": START - 130.0}
    idle = played(SelfCheck(), *(vitals(x, **late) for x in range(100)))
    busy = played(SelfCheck(), *(vitals(x, is_idle=False, **late) for x in range(100)))

    assert idle == []
    assert [x.incident.headline for x in busy] == [Problem.LAGGING.value]


def test_rules_whose_lines_nobody_counts_are_named_unless_it_passes() -> None:
    brief = played(SelfCheck(), *(vitals(x, uncounted=["a"]) for x in range(60)))
    [opened] = played(SelfCheck(), *(vitals(x, uncounted=["a"]) for x in range(99)))

    assert brief == []
    assert opened.incident.service == "tocsin-uncounted"
    assert opened.incident.why.startswith("a: the processor counts nothing for them")


def test_lost_lines_are_told_at_once_and_are_news_for_ten_minutes() -> None:
    check = SelfCheck()
    [opened] = played(check, vitals(0, missing=7), vitals(1, missing=2), vitals(599))
    over = played(check, vitals(602), vitals(663))

    assert opened.incident.why == "7 lines in the last 10 m"
    assert [x.kind for x in over] == ["resolved"]


@pytest.mark.parametrize(("lines", "told"), [(9, 0), (10, 1)])
def test_a_few_strange_times_wake_nobody(lines: int, told: int) -> None:
    changes = played(SelfCheck(), *(vitals(x, skewed=1) for x in range(lines)))

    assert len(changes) == told


def test_whose_clocks_are_off_is_told_and_by_how_much() -> None:
    ahead = Skew("cart", "web-3", 7, 3_598.0)
    behind = Skew("billing", "db-1", 5, -9 * 86_400.0)
    check = SelfCheck()
    [opened] = played(check, vitals(0, skewed=12, skews=[ahead, behind]))
    same = played(check, vitals(1, skewed=7, skews=[ahead]))
    [more] = played(check, vitals(2, skewed=1, skews=[Skew("a", "b", 1, 70.0)]))

    assert opened.incident.why == (
        "cart on web-3 is 1 h 0 m ahead (a time zone?), billing on db-1 is 9 days "
        "behind: 12 lines in the last 10 m"
    )
    assert same == []
    assert more.kind == "updated"
    assert "a on b is 1 m 10 s ahead: 20 lines" in more.incident.why


def test_a_channel_that_takes_nothing_is_named() -> None:
    since = {"slack:#ops": START, "mail": START + 200.0}
    changes = played(
        SelfCheck(),
        vitals(300, undelivered_since=since),
        vitals(301, undelivered_since=since),
    )

    [opened] = changes
    assert opened.incident.why == "not for over 5 m in slack:#ops"
    shown = render(describe(opened.incident, "opened", (), now=START + 301), sent_at=0)
    assert shown.startswith("🟠 Tocsin: messages cannot be delivered\n")


def test_a_restart_goes_on_with_what_was_told() -> None:
    [opened] = played(SelfCheck(), vitals(0, missing=7))

    again = SelfCheck([opened.incident])

    assert played(again, vitals(5, missing=1)) == []
    done = played(again, *(vitals(6 + x) for x in range(0, 700, 10)))
    assert [x.incident.id for x in done] == [opened.incident.id]


@pytest.mark.slow
def test_the_heart_beats_while_the_loop_turns_and_failures_are_told_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    registry = CollectorRegistry()
    telemetry = AlertingTelemetry(registry)

    def count(outcome: str) -> float:
        labels = {"outcome": outcome}
        return registry.get_sample_value("tocsin_heartbeats_total", labels) or 0.0

    with Receiver() as outside:
        heart = Heartbeat(outside.url, every_s=0.02, telemetry=telemetry)
        assert wait_until(lambda: count("accepted") >= 2)
        outside.status = 500
        assert wait_until(lambda: count("failed") >= 3)
        heart.close()

    assert {x.method for x in outside.requests} == {"GET"}
    assert caplog.text.count("heartbeat not accepted") == 1
    assert "hush" not in caplog.text


def test_the_heart_of_a_stuck_loop_stands_still() -> None:
    now = 0.0
    with Receiver() as outside:
        telemetry = AlertingTelemetry(CollectorRegistry())
        heart = Heartbeat(
            outside.url, every_s=3600, telemetry=telemetry, clock=lambda: now
        )
        assert wait_until(lambda: len(outside.requests) == 1)
        now = 29.0
        heart.beat()
        now = 30.0
        heart.beat()
        stuck = len(outside.requests)
        heart.turn()
        heart.beat()
        heart.close()

    assert (stuck, len(outside.requests)) == (2, 3)
