"""Whatever Apprise can tell: e-mail, Teams, Discord, Telegram, ntfy and a hundred more.

Apprise comes with the extra `tocsin[apprise]`. Its addresses hold passwords and are
never shown. It says whether all of its addresses accepted, and not why one did not.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from alerting.message import Message
from alerting.notify.port import OutcomeUnknown, PostOnly
from alerting.notify.terminal import render
from tocsin.errors import ConfigError
from tocsin.values import Clock


class AppriseNotifier(PostOnly):
    """Posts plain text to all addresses of one receiver."""

    post_every_s = 1.0

    def __init__(self, name: str, urls: Sequence[str], *, clock: Clock) -> None:
        try:
            # Only here: it is an extra, and loads for a second.
            from apprise import Apprise  # noqa: PLC0415
        except ImportError as error:
            raise ConfigError(
                f"the receiver {name} needs Apprise, which is not installed",
                hint="pip install 'tocsin[apprise]'",
            ) from error
        logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)
        self.channel = self.kind = name
        self._clock = clock
        self._apprise = Apprise()
        for number, url in enumerate(urls):
            if not self._apprise.add(url):
                raise ConfigError(
                    f"the receiver {name}: Apprise cannot read address {number + 1}",
                    hint="see https://appriseit.com for how addresses are written",
                )

    def __repr__(self) -> str:
        return f"AppriseNotifier({self.channel!r}, {len(self._apprise)} addresses)"

    def post(self, message: Message, *, thread: str | None = None) -> str:
        """Send the message as text to every address."""
        del thread
        text = render(message, sent_at=self._clock()).partition("\n")[2]
        kind = "failure" if message.is_open else "success"
        sent = self._apprise.notify(
            title=message.header, body=text, notify_type=kind, body_format="text"
        )
        if not sent:
            # One of several may have accepted it.
            raise OutcomeUnknown(f"{self.channel}: apprise could not deliver")
        return message.incident
