"""The worker on a real Kafka: the same stories as on the embedded bus."""

from __future__ import annotations

import time
import uuid
from pathlib import Path

import pytest

from tests.alerting.story import Alerting, Feed, Frames, bot, burst, wait_until
from tests.broker import Broker
from tests.slack import FakeSlack
from tocsin.config.model import BusConfig

pytestmark = pytest.mark.kafka


@pytest.fixture
def feed(kafka_broker: Broker, tmp_path: Path) -> Feed:
    url = f"kafka://{kafka_broker.bootstrap}"
    prefix = f"t{uuid.uuid4().hex[:12]}."
    return Feed(tmp_path, BusConfig(url=url, topic_prefix=prefix))


def headers(slack: FakeSlack) -> list[str]:
    return [x.header for x in slack.messages("#ops")]


def test_a_restart_keeps_the_incident_and_edits_the_same_message(
    feed: Feed, fake_slack: FakeSlack
) -> None:
    frames = Frames()
    now = int(time.time())
    with feed:
        with Alerting(feed, bot(fake_slack)) as first:
            feed.send(frames.next(now - 1, burst(now)))
            posted = wait_until(lambda: len(headers(fake_slack)) == 1, timeout_s=40)
            assert posted, first.error
        with Alerting(feed, bot(fake_slack)) as again:
            feed.send(frames.next(now, burst(now + 1)))
            feed.send(frames.next(now + 400))
            done = wait_until(
                lambda: headers(fake_slack)[0].startswith("✅"), timeout_s=40
            )
            assert done, again.error
        [incident] = feed.incidents()

    assert again.error is None
    assert len(headers(fake_slack)) == 1
    assert incident.errors == 40


def test_a_standby_takes_over_and_edits_the_same_message(
    feed: Feed, fake_slack: FakeSlack
) -> None:
    frames = Frames()
    now = int(time.time())
    with feed:
        with Alerting(feed, bot(fake_slack), identity="one") as one:
            feed.send(frames.next(now - 1, burst(now)))
            posted = wait_until(lambda: len(headers(fake_slack)) == 1, timeout_s=40)
            assert posted, one.error
            standby = Alerting(feed, bot(fake_slack), identity="two")
            standby.__enter__()
            wait_until(lambda: standby.health.ready_problem() is None, timeout_s=20)
        feed.send(frames.next(now + 400))
        done = wait_until(lambda: headers(fake_slack)[0].startswith("✅"), timeout_s=60)
        standby.__exit__(None, None, None)

    assert done, standby.error
    assert standby.error is None
    assert len(headers(fake_slack)) == 1
