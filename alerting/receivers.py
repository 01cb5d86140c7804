"""Which channels the configuration asks for, and who is told of what."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TextIO

from alerting.notify.port import Notifier
from alerting.notify.terminal import TerminalNotifier
from tocsin.config.alerting import AlertingConfig, ReceiverConfig, SlackConfig
from tocsin.errors import ConfigError
from tocsin.values import Clock

SLACK, SLACK_WEBHOOK, TERMINAL = "slack", "slack-webhook", "terminal"


def notifiers(
    config: AlertingConfig, *, clock: Clock, stdout: TextIO | None = None
) -> dict[str, Notifier]:
    """A notifier for each receiver by name; the terminal where nothing is set up.

    Raises:
        ConfigError: a bot token without a channel, or an extra that is not installed.
    """
    made: dict[str, Notifier] = dict(_of_slack(config.slack, config, clock))
    for receiver in config.receivers:
        made[receiver.name] = _notifier(receiver, config.slack, clock)
    wants_terminal = not made if config.terminal is None else config.terminal
    if wants_terminal:
        made[TERMINAL] = TerminalNotifier(stdout or sys.stdout, clock=clock)
    return made


def receiver_names(config: AlertingConfig) -> list[str]:
    """The names of all receivers, without making one."""
    slack = config.slack
    names = [SLACK] if slack.bot_token is not None and slack.channel else []
    names += [SLACK_WEBHOOK] if slack.webhook_url is not None else []
    names += [x.name for x in config.receivers]
    wants_terminal = not names if config.terminal is None else config.terminal
    return [*names, TERMINAL] if wants_terminal else names


def _of_slack(
    slack: SlackConfig, config: AlertingConfig, clock: Clock
) -> Iterator[tuple[str, Notifier]]:
    if slack.bot_token is not None and slack.channel:
        token = slack.bot_token.get_secret_value()
        yield SLACK, _bot(token, slack.channel, slack, clock)
    elif slack.bot_token is not None and not any(
        x.slack and x.slack.channel for x in config.receivers
    ):
        raise ConfigError(
            "alerting.slack.channel is not set, and a bot token needs one",
            hint="set TOCSIN_SLACK_CHANNEL, such as '#ops'",
        )
    if slack.webhook_url is not None:
        yield SLACK_WEBHOOK, _slack_webhook(slack.webhook_url.get_secret_value(), clock)


def _notifier(receiver: ReceiverConfig, slack: SlackConfig, clock: Clock) -> Notifier:
    """The one way that a receiver has; each is loaded only where it is used."""
    name = receiver.name
    if receiver.slack is not None:
        return _slack(receiver, slack, clock)
    if receiver.webhook is not None:
        from alerting.notify.webhook import WebhookNotifier  # noqa: PLC0415

        secret = receiver.webhook.secret
        return WebhookNotifier(
            name,
            receiver.webhook.url.get_secret_value(),
            secret=secret.get_secret_value() if secret else None,
            clock=clock,
        )
    if receiver.alertmanager is not None:
        from alerting.notify.alertmanager import AlertmanagerNotifier  # noqa: PLC0415

        url = receiver.alertmanager.url.get_secret_value()
        return AlertmanagerNotifier(name, url, clock=clock)
    from alerting.notify.apprise_notifier import AppriseNotifier  # noqa: PLC0415

    urls = receiver.apprise.urls if receiver.apprise else []
    return AppriseNotifier(name, [x.get_secret_value() for x in urls], clock=clock)


def _slack(receiver: ReceiverConfig, slack: SlackConfig, clock: Clock) -> Notifier:
    own = receiver.slack
    if own is not None and own.webhook_url is not None:
        url = own.webhook_url.get_secret_value()
        return _slack_webhook(url, clock, name=receiver.name)
    token = (own and own.bot_token) or slack.bot_token
    if own is None or own.channel is None or token is None:
        raise ConfigError(
            f"the receiver {receiver.name} has a Slack channel and no bot token",
            hint="set TOCSIN_SLACK_BOT_TOKEN",
        )
    secret = token.get_secret_value()
    return _bot(secret, own.channel, slack, clock, name=receiver.name)


def _bot(
    token: str, channel: str, slack: SlackConfig, clock: Clock, *, name: str = ""
) -> Notifier:
    # Only here: without Slack nobody waits for the SDK to load.
    from alerting.notify.slack_web import SlackWebNotifier  # noqa: PLC0415

    return SlackWebNotifier(
        token, channel, api_url=slack.api_url, clock=clock, name=name
    )


def _slack_webhook(url: str, clock: Clock, *, name: str = "") -> Notifier:
    from alerting.notify.slack_webhook import SlackWebhookNotifier  # noqa: PLC0415

    return SlackWebhookNotifier(url, clock=clock, name=name)
