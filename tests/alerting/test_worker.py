"""The worker on a real embedded bus and a Slack that enforces its limits."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.alerting.story import Alerting, Frames, bot, burst, wait_until
from tests.slack import FakeSlack

pytestmark = pytest.mark.slow


def test_a_burst_becomes_one_message_and_is_edited_when_it_is_over(
    tmp_path: Path, fake_slack: FakeSlack
) -> None:
    frames = Frames()
    now = int(time.time())
    with Alerting(tmp_path, bot(fake_slack)) as alerting:
        alerting.send(frames.next(now - 1, burst(now)))
        assert wait_until(lambda: len(fake_slack.messages("#ops")) == 1)

        alerting.send(frames.next(now + 400))

        assert wait_until(
            lambda: fake_slack.messages("#ops")[0].header.startswith("✅")
        )
    assert alerting.error is None
    assert (
        fake_slack.messages("#ops")[0]
        .history[0]["blocks"][0]["text"]["text"]
        .startswith("🔴")
    )
