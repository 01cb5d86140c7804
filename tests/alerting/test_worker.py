"""The worker on a real embedded bus and a Slack that enforces its limits."""

from __future__ import annotations

import time
from itertools import pairwise
from pathlib import Path
from typing import cast

import msgspec
import pytest

from alerting.matchers import parse_matcher
from tests.alerting.story import Alerting, Feed, Frames, bot, burst, pane, wait_until
from tests.collector.faults import Fault, FaultyBus
from tests.slack import WEBHOOK_CHANNEL, Answer, FakeSlack
from tocsin.app.incidents import notices
from tocsin.app.ordering import acknowledge, add_silence, expire_silence
from tocsin.config.alerting import AlertingConfig, RuleConfig, SlackConfig
from tocsin.errors import ConfigError, Fenced
from tocsin.ports.bus import Bus, Records
from tocsin.records.collectors import CollectorBeat, encode_beat
from tocsin.records.public import AlertRecord, DeadLetter
from tocsin.records.topics import ALERTS, COLLECTORS, DEAD_LETTERS, MEMORIES

pytestmark = pytest.mark.slow


@pytest.fixture
def feed(tmp_path: Path) -> Feed:
    return Feed(tmp_path)


def headers(slack: FakeSlack, channel: str = "#ops") -> list[str]:
    return [x.header for x in slack.messages(channel)]


def test_a_burst_becomes_one_message_and_is_edited_when_it_is_over(
    feed: Feed, fake_slack: FakeSlack
) -> None:
    frames = Frames()
    now = int(time.time())
    with feed, Alerting(feed, bot(fake_slack)) as alerting:
        feed.send(frames.next(now - 1, burst(now)))
        assert wait_until(lambda: len(headers(fake_slack)) == 1)

        feed.send(frames.next(now + 400))

        assert wait_until(lambda: headers(fake_slack)[0].startswith("✅"))
        steps = [msgspec.json.decode(x, type=AlertRecord) for x in feed.values(ALERTS)]
    assert alerting.error is None
    [shown] = fake_slack.messages("#ops")
    assert shown.history[0]["blocks"][0]["text"]["text"].startswith("🔴")
    assert [x.event for x in steps] == ["opened", "resolved"]
    assert alerting.metric("tocsin_time_to_alert_seconds_count") == 1
    assert alerting.metric("tocsin_incidents_active", severity="critical") == 0


def test_a_restart_keeps_the_incident_and_edits_the_same_message(
    feed: Feed, fake_slack: FakeSlack
) -> None:
    frames = Frames()
    now = int(time.time())
    with feed:
        with Alerting(feed, bot(fake_slack)):
            feed.send(frames.next(now - 1, burst(now)))
            assert wait_until(lambda: len(headers(fake_slack)) == 1)
        with Alerting(feed, bot(fake_slack)) as again:
            feed.send(frames.next(now, burst(now + 1)))
            feed.send(frames.next(now + 400))
            assert wait_until(lambda: headers(fake_slack)[0].startswith("✅"))
        [incident] = feed.incidents()

    assert again.error is None
    assert len(headers(fake_slack)) == 1
    assert incident.errors == 40
    assert fake_slack.accepted("conversations.history") == []


def test_a_configured_rule_has_an_incident_of_its_own_over_a_restart(
    feed: Feed, fake_slack: FakeSlack
) -> None:
    """Five errors are no burst, but more than the rule allows."""
    frames = Frames()
    now = int(time.time())
    rule = {"name": "no errors", "type": "threshold", "warning": 3, "window": 1}
    config = bot(fake_slack).model_copy(
        update={"rules": [RuleConfig.model_validate(rule)]}
    )
    with feed:
        with Alerting(feed, config):
            feed.send(frames.next(now - 1, burst(now, 5)))
            assert wait_until(lambda: len(headers(fake_slack)) == 1)
        with Alerting(feed, config) as again:
            feed.send(frames.next(now + 400))
            assert wait_until(lambda: headers(fake_slack)[0].startswith("✅"))
        [incident] = feed.incidents()

    assert again.error is None
    assert headers(fake_slack) == ["✅ checkout: no errors resolved"]
    assert (incident.rule, incident.errors) == ("no errors", 5)


def test_what_a_rule_remembers_is_committed_and_goes_with_the_rule(
    feed: Feed, fake_slack: FakeSlack
) -> None:
    frames = Frames()
    now = int(time.time())
    rule = {"name": "gone", "type": "absence", "window": 120}
    config = bot(fake_slack)
    with feed:
        with Alerting(
            feed,
            config.model_copy(update={"rules": [RuleConfig.model_validate(rule)]}),
        ):
            feed.send(frames.next(now - 30, [pane(now - 31, 0, lines=3)]))
            assert wait_until(lambda: feed.rows(MEMORIES))
        [key] = feed.rows(MEMORIES)
        with Alerting(feed, config) as again:
            feed.send(frames.next(now))
            assert wait_until(lambda: not feed.rows(MEMORIES))

    assert again.error is None
    assert key == b'["gone","checkout",[]]'


def test_errors_of_an_hour_of_downtime_do_not_page(
    feed: Feed, fake_slack: FakeSlack
) -> None:
    frames = Frames()
    now = int(time.time())
    old = [frames.next(now - 3600 + x, burst(now - 3600 + x)) for x in range(5)]
    with feed, Alerting(feed, bot(fake_slack)) as alerting:
        feed.send(*old, frames.next(now - 600, [pane(now - 600, 0, lines=5)]))
        feed.send(frames.next(now, [pane(now, 9, service="other")]))
        assert wait_until(lambda: len(headers(fake_slack)) == 1)

    assert headers(fake_slack) == ["🔴 other: ERROR burst"]
    too_old = {"rule": "burst", "outcome": "too_old"}
    assert alerting.metric("tocsin_rule_evaluations_total", **too_old) > 0


def test_a_surge_with_the_same_share_of_errors_is_no_incident(
    feed: Feed, fake_slack: FakeSlack
) -> None:
    frames = Frames()
    now = int(time.time())
    usual = [pane(now - 800 + x, int(x % 5 == 0), lines=20) for x in range(600)]
    surge = [pane(now - 200 + x, int(x % 5 == 0), lines=80) for x in range(190)]
    surge += [pane(now - 200 + x, 1, lines=20, host="web-2") for x in range(0, 190, 2)]
    surge.sort(key=lambda x: x.second)
    with feed, Alerting(feed, bot(fake_slack)):
        feed.send(*(frames.next(x.second, [x]) for x in usual))
        feed.send(*(frames.next(x.second, [x]) for x in surge))
        feed.send(frames.next(now, burst(now, service="other")))
        assert wait_until(lambda: len(headers(fake_slack)) == 1)

    assert headers(fake_slack) == ["🔴 other: ERROR burst"]


def test_a_dead_channel_does_not_delay_another(
    feed: Feed, fake_slack: FakeSlack
) -> None:
    fake_slack.always("chat.postMessage", Answer(hang_s=30))
    both = SlackConfig.model_validate(
        bot(fake_slack).slack.model_dump() | {"webhook_url": fake_slack.webhook_url}
    )
    now = int(time.time())
    with feed, Alerting(feed, AlertingConfig(slack=both)):
        feed.send(Frames().next(now - 1, burst(now)))
        assert wait_until(lambda: headers(fake_slack, WEBHOOK_CHANNEL) != [])
        took_s = fake_slack.messages(WEBHOOK_CHANNEL)[0].at - now

    assert took_s < 5
    assert headers(fake_slack) == []


def test_a_rate_limit_delays_messages_and_loses_none(
    feed: Feed, fake_slack: FakeSlack
) -> None:
    limited = Answer(status=429, error="ratelimited", retry_after_s=1)
    fake_slack.script("chat.postMessage", limited)
    now = int(time.time())
    panes = [pane(now, 9, service=f"s{x}") for x in range(3)]
    with feed, Alerting(feed, bot(fake_slack)):
        feed.send(Frames().next(now - 1, panes))
        assert wait_until(lambda: len(headers(fake_slack)) == 3)

    assert sorted(headers(fake_slack)) == [f"🔴 s{x}: ERROR burst" for x in range(3)]
    posts = fake_slack.accepted("chat.postMessage")
    assert all(b.at - a.at > 0.95 for a, b in pairwise(posts))
    outcomes = [x.outcome for x in fake_slack.calls if x.method == "chat.postMessage"]
    assert outcomes == ["ratelimited", "ok", "ok", "ok"]


def test_a_deleted_message_is_posted_anew(feed: Feed, fake_slack: FakeSlack) -> None:
    frames = Frames()
    now = int(time.time())
    with feed, Alerting(feed, bot(fake_slack)):
        feed.send(frames.next(now - 1, burst(now)))
        assert wait_until(lambda: len(headers(fake_slack)) == 1)
        fake_slack.script("chat.update", Answer(error="message_not_found"))
        feed.send(frames.next(now + 400))
        assert wait_until(lambda: len(headers(fake_slack)) == 2)

    assert headers(fake_slack)[1].startswith("✅")


def test_a_standby_takes_over_and_edits_the_same_message(
    feed: Feed, fake_slack: FakeSlack
) -> None:
    frames = Frames()
    now = int(time.time())
    config = bot(fake_slack)
    with feed:
        with Alerting(feed, config, identity="one"):
            feed.send(frames.next(now - 1, burst(now)))
            assert wait_until(lambda: len(headers(fake_slack)) == 1)
            standby = Alerting(feed, config, identity="two")
            standby.__enter__()
            assert wait_until(lambda: standby.health.ready_problem() is None)
        feed.send(frames.next(now + 400))
        done = wait_until(lambda: headers(fake_slack)[0].startswith("✅"))
        standby.__exit__(None, None, None)

    assert done
    assert standby.error is None
    assert len(headers(fake_slack)) == 1


def test_the_older_of_two_with_one_identity_is_fenced(
    feed: Feed, fake_slack: FakeSlack
) -> None:
    config = bot(fake_slack)
    frames = Frames()
    now = int(time.time())
    with feed, Alerting(feed, config) as older:
        assert wait_until(lambda: older.health.ready_problem() is None)
        with Alerting(feed, config) as newer:
            assert wait_until(lambda: newer.health.ready_problem() is None)
            for at in range(20):
                feed.send(frames.next(now + at - 20, [pane(now + at - 20, 0, lines=1)]))
                if older.join(0.5):
                    break

    assert isinstance(older.error, Fenced)
    assert newer.error is None


def test_a_record_that_is_no_frame_becomes_a_dead_letter(
    feed: Feed, fake_slack: FakeSlack
) -> None:
    now = int(time.time())
    with feed, Alerting(feed, bot(fake_slack)) as alerting:
        feed.send_raw(Records([b"0"], [b"{not a frame"], [now * 1000]))
        feed.send(Frames().next(now - 1, burst(now)))
        assert wait_until(lambda: len(headers(fake_slack)) == 1)
        [letter] = [
            msgspec.json.decode(x, type=DeadLetter) for x in feed.values(DEAD_LETTERS)
        ]

    assert (letter.stage, letter.bytes) == ("alerting", 12)
    bad = alerting.metric("tocsin_alerting_bad_records_total", topic="log-metrics")
    assert bad == 1


def test_a_gap_between_frames_is_counted(feed: Feed, fake_slack: FakeSlack) -> None:
    frames = Frames()
    now = int(time.time())
    with feed, Alerting(feed, bot(fake_slack)) as alerting:
        feed.send(frames.next(now - 3, [pane(now - 3, 0, lines=10)]))
        frames.lo += 7
        feed.send(frames.next(now - 2, [pane(now - 2, 0, lines=10)]))
        name = "tocsin_frame_missing_offsets_total"
        assert wait_until(lambda: alerting.metric(name) == 7)


def test_a_bot_token_without_a_channel_is_a_mistake_of_the_configuration(
    feed: Feed, fake_slack: FakeSlack
) -> None:
    slack = SlackConfig.model_validate({"bot_token": fake_slack.token})
    with feed, Alerting(feed, AlertingConfig(slack=slack)) as alerting:
        assert alerting.join()

    assert isinstance(alerting.error, ConfigError)


def test_a_webhook_that_died_unclearly_is_sent_again_and_that_is_counted(
    feed: Feed, fake_slack: FakeSlack
) -> None:
    fake_slack.script("webhook", Answer(status=500, accept=True))
    slack = SlackConfig.model_validate({"webhook_url": fake_slack.webhook_url})
    now = int(time.time())
    with feed, Alerting(feed, AlertingConfig(slack=slack)) as alerting:
        feed.send(Frames().next(now - 1, burst(now)))
        assert wait_until(lambda: len(headers(fake_slack, WEBHOOK_CHANNEL)) == 2)
        labels = {"channel": "slack-webhook", "outcome": "maybe_twice"}
        name = "tocsin_notifications_total"
        assert wait_until(lambda: alerting.metric(name, **labels) > 0)


def test_a_wrong_token_names_its_cure_and_stops_nothing(
    feed: Feed, fake_slack: FakeSlack, caplog: pytest.LogCaptureFixture
) -> None:
    wrong = bot(fake_slack).slack.model_dump() | {
        "bot_token": "xoxb-wrong",
        "webhook_url": fake_slack.webhook_url,
    }
    config = AlertingConfig(slack=SlackConfig.model_validate(wrong))
    now = int(time.time())
    with feed, Alerting(feed, config) as alerting:
        feed.send(Frames().next(now - 1, burst(now)))
        assert wait_until(lambda: len(headers(fake_slack, WEBHOOK_CHANNEL)) == 1)
        assert wait_until(lambda: "TOCSIN_SLACK_BOT_TOKEN" in caplog.text)

    assert alerting.error is None
    assert "xoxb-wrong" not in caplog.text
    assert "fake-webhook" not in caplog.text
    refused = [x.method for x in fake_slack.calls if x.outcome == "invalid_auth"]
    assert refused == ["auth.test", "chat.postMessage"]


def test_an_identity_is_claimed_once_whatever_outages_come(
    feed: Feed, fake_slack: FakeSlack
) -> None:
    """Claiming it again would fence a successor that took over meanwhile."""
    frames = Frames()
    now = int(time.time())
    made: list[FaultyBus] = []

    def through(bus: Bus) -> Bus:
        made.append(FaultyBus(bus))
        return cast("Bus", made[0])

    with feed, Alerting(feed, bot(fake_slack), through=through) as alerting:
        [away] = made
        feed.send(frames.next(now - 1, [pane(now - 1, 1)]))
        assert wait_until(lambda: "alerting-1" in away.claimed)
        away.fault = Fault.AWAY
        feed.send(frames.next(now - 1, burst(now)))
        assert wait_until(lambda: away.failed >= 3)
        away.fault = Fault.NONE
        assert wait_until(lambda: len(headers(fake_slack)) == 1)

    assert alerting.error is None
    assert away.claimed.count("alerting-1") == 1


def test_a_storm_is_one_message_first_with_its_incidents_below(feed: Feed) -> None:
    now = int(time.time())
    panes = [pane(now, 9, service=f"s{x:03}") for x in range(200)]
    with FakeSlack() as slack, feed, Alerting(feed, bot(slack)) as alerting:
        feed.send(Frames().next(now - 1, panes))
        assert wait_until(lambda: len(slack.replies("#ops")) == 2)
        [storm] = slack.messages("#ops")
        posts = slack.accepted("chat.postMessage")
        took_s = storm.at - now

    assert alerting.error is None
    assert storm.header == "🔴 Storm: 200 incidents in 200 services"
    assert all(f" s{x:03}: 9 ERROR" in storm.everything for x in range(200))
    assert took_s < 5  # the bar of 2 s is the benchmark's
    assert all(b.at - a.at > 0.95 for a, b in pairwise(posts))


def test_what_people_order_while_it_runs_is_obeyed(
    feed: Feed, fake_slack: FakeSlack
) -> None:
    now = int(time.time())
    frames = Frames()
    quiet = [parse_matcher("service=quiet")]
    with feed, Alerting(feed, bot(fake_slack)) as alerting:
        silence = add_silence(
            feed.bus,
            quiet,
            starts_at=now,
            ends_at=now + 600,
            author="ann",
            comment="deploy",
            now=now,
        )
        assert wait_until(lambda: alerting.health.ready_problem() is None)
        time.sleep(1.1)  # orders are read once a second
        feed.send(frames.next(now - 1, [pane(now, 9, service="quiet"), pane(now, 9)]))
        assert wait_until(lambda: len(headers(fake_slack)) == 1)
        [incident] = [x for x in feed.incidents() if x.service == "checkout"]
        acknowledge(feed.bus, incident.id, by="bob", comment="", now=now)
        assert wait_until(lambda: notices(feed.bus)[incident.id].acked_by == "bob")
        before = headers(fake_slack)
        expire_silence(feed.bus, silence.id, time.time())
        assert wait_until(lambda: len(headers(fake_slack)) == 2)

    assert before == ["🔴 checkout: ERROR burst"]
    assert headers(fake_slack)[1] == "🔴 quiet: ERROR burst"


def test_after_an_outage_each_incident_is_told_once_in_its_latest_state(
    feed: Feed, fake_slack: FakeSlack
) -> None:
    """One that began and ended meanwhile, one that goes on, one told before."""
    now = int(time.time())
    frames = Frames()
    with feed, Alerting(feed, bot(fake_slack)) as alerting:
        feed.send(frames.next(now - 801, burst(now - 800, service="before")))
        assert wait_until(lambda: len(headers(fake_slack)) == 1)
        for method in ("chat.postMessage", "chat.update", "conversations.history"):
            fake_slack.always(method, Answer(status=503, text="<html>down</html>"))
        feed.send(frames.next(now - 700, burst(now - 700, service="meanwhile")))
        assert wait_until(lambda: any(x.outcome == "503" for x in fake_slack.calls))
        feed.send(frames.next(now - 1))  # both resolve
        feed.send(frames.next(now - 1, burst(now, service="lasting")))
        states = {"before": True, "meanwhile": True, "lasting": False}
        assert wait_until(
            lambda: {x.service: not x.is_open for x in feed.incidents()} == states
        )
        for method in ("chat.postMessage", "chat.update", "conversations.history"):
            fake_slack.always(method, None)
        assert wait_until(lambda: len(headers(fake_slack)) == 3, timeout_s=20)
        assert wait_until(lambda: headers(fake_slack)[0][0] == "✅")

    assert alerting.error is None
    assert sorted(headers(fake_slack)) == [
        "✅ before: ERROR burst resolved",
        "✅ meanwhile: ERROR burst resolved",
        "🔴 lasting: ERROR burst",
    ]
    assert len(fake_slack.accepted("chat.postMessage")) == 3


def test_a_collector_that_is_down_is_told_and_not_that_its_services_are_silent(
    feed: Feed, fake_slack: FakeSlack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("alerting.selfcheck._AFTER_S", {})
    services = ["checkout", "cart"]
    rule = {"name": "gone", "type": "absence", "window": 60, "service": services}
    config = bot(fake_slack).model_copy(
        update={"rules": [RuleConfig.model_validate(rule)]}
    )
    frames, now = Frames(), int(time.time())
    for host, age_s in (("web-1", 100), ("web-2", 0)):
        beat = CollectorBeat(host, float(now - age_s))
        feed.put(COLLECTORS, host.encode(), encode_beat(beat))
    silent = [
        pane(now - 200, 0, lines=5, service="checkout", host="web-1"),
        pane(now - 200, 0, lines=5, service="cart", host="web-2"),
    ]
    with feed, Alerting(feed, config) as alerting:
        feed.send(frames.next(now - 200, silent))
        feed.send(frames.next(now))
        assert wait_until(lambda: len(headers(fake_slack)) == 2)

    assert alerting.error is None
    down, gone = sorted(headers(fake_slack), key=lambda x: "cart" in x)
    assert down == "🔴 Tocsin: a collector is down"
    assert "cart" in gone
