"""Which channels a configuration leads to."""

from __future__ import annotations

import io
import time

import pytest

from alerting.receivers import notifiers
from tocsin.config.model import AlertingConfig
from tocsin.errors import ConfigError

HOOK = "https://hooks.slack.com/services/T/B/x"


def channels(**values: object) -> list[str]:
    config = AlertingConfig.model_validate(values)
    return [x.channel for x in notifiers(config, clock=time.time, stdout=io.StringIO())]


def test_without_slack_messages_are_shown_on_the_terminal() -> None:
    assert channels() == ["terminal"]


def test_with_slack_the_terminal_is_silent_unless_it_is_asked_for() -> None:
    slack = {"bot_token": "xoxb-1", "channel": "#ops", "webhook_url": HOOK}

    assert channels(slack=slack) == ["slack:#ops", "slack-webhook"]
    assert channels(slack={"webhook_url": HOOK}, terminal=True) == [
        "slack-webhook",
        "terminal",
    ]


def test_a_bot_token_needs_a_channel() -> None:
    with pytest.raises(ConfigError, match=r"slack\.channel") as mistake:
        channels(slack={"bot_token": "xoxb-1"})

    assert "TOCSIN_SLACK_CHANNEL" in mistake.value.hint
