"""Which channels a configuration leads to."""

from __future__ import annotations

import io
import time
from pathlib import Path

import pytest

from alerting.receivers import notifiers
from tocsin.config.alerting import AlertingConfig, WebhookReceiver
from tocsin.errors import ConfigError

HOOK = "https://hooks.slack.com/services/T/B/x"


def channels(**values: object) -> list[str]:
    config = AlertingConfig.model_validate(values)
    made = notifiers(config, clock=time.time, stdout=io.StringIO())
    return [x.channel for x in made.values()]


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


def test_receivers_by_name_are_made_beside_slack() -> None:
    receivers = [
        {"name": "oncall", "slack": {"channel": "#oncall"}},
        {"name": "hook", "slack": {"webhook_url": HOOK}},
        {"name": "pager", "webhook": {"url": "https://pager.example/x"}},
        {"name": "am", "alertmanager": {"url": "http://am:9093"}},
        {"name": "mail", "apprise": {"urls": ["json://localhost"]}},
    ]
    slack = {"bot_token": "xoxb-1"}

    names = ["oncall", "hook", "pager", "am", "mail"]
    assert channels(slack=slack, receivers=receivers) == names


def test_a_secret_may_stand_in_a_variable_or_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "secret").write_text("hush\n")
    monkeypatch.setenv("PAGER_URL", "https://pager.example/hush")
    config = WebhookReceiver.model_validate(
        {"url": "env:PAGER_URL", "secret": f"file:{tmp_path}/secret"}
    )

    assert config.url.get_secret_value() == "https://pager.example/hush"
    assert config.secret is not None
    assert config.secret.get_secret_value() == "hush"
    assert "hush" not in repr(config)
