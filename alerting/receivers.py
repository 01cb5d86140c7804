"""Which channels the configuration asks for."""

from __future__ import annotations

import sys
from typing import TextIO

from alerting.notify.port import Notifier
from alerting.notify.terminal import TerminalNotifier
from tocsin.config.model import AlertingConfig
from tocsin.errors import ConfigError
from tocsin.values import Clock


def notifiers(
    config: AlertingConfig, *, clock: Clock, stdout: TextIO | None = None
) -> list[Notifier]:
    """A notifier for each channel; the terminal where Slack is not set up.

    Raises:
        ConfigError: a bot token without a channel.
    """
    made: list[Notifier] = []
    slack = config.slack
    if slack.bot_token is not None:
        if not slack.channel:
            raise ConfigError(
                "alerting.slack.channel is not set, and a bot token needs one",
                hint="set TOCSIN_SLACK_CHANNEL, such as '#ops'",
            )
        # Only here: without Slack nobody waits for the SDK to load.
        from alerting.notify.slack_web import SlackWebNotifier  # noqa: PLC0415

        made.append(
            SlackWebNotifier(
                slack.bot_token.get_secret_value(),
                slack.channel,
                api_url=slack.api_url,
                clock=clock,
            )
        )
    if slack.webhook_url is not None:
        from alerting.notify.slack_webhook import SlackWebhookNotifier  # noqa: PLC0415

        made.append(
            SlackWebhookNotifier(slack.webhook_url.get_secret_value(), clock=clock)
        )
    wants_terminal = not made if config.terminal is None else config.terminal
    if wants_terminal:
        made.append(TerminalNotifier(stdout or sys.stdout, clock=clock))
    return made
