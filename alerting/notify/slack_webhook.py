"""Slack by incoming webhook: posts only; nothing can be edited or looked up."""

from __future__ import annotations

import http.client
from urllib.parse import urlsplit

from slack_sdk.webhook import WebhookClient, WebhookResponse

from alerting.message import Message
from alerting.notify.blocks import blocks, fallback, plain
from alerting.notify.port import PostOnly, no_answer
from alerting.notify.slack_errors import failure
from alerting.notify.slack_web import SILENT
from tocsin.values import Clock

_TIMEOUT_S = 6


class SlackWebhookNotifier(PostOnly):
    """Posts to the one channel that the webhook belongs to; its address is a secret."""

    post_every_s = 1.0  # Slack: about one message a second and channel

    def __init__(
        self, url: str, *, clock: Clock, timeout_s: int = _TIMEOUT_S, name: str = ""
    ) -> None:
        self.channel = self.kind = name or "slack-webhook"
        self._client = WebhookClient(
            url, timeout=timeout_s, retry_handlers=[], logger=SILENT
        )
        self._host = urlsplit(url).hostname
        self._clock = clock

    def __repr__(self) -> str:
        return f"SlackWebhookNotifier({self._host!r}, '***')"

    def post(self, message: Message, *, thread: str | None = None) -> str:
        """Post the message; a webhook gives no reference to it, and has no threads."""
        del thread
        body = {
            "text": fallback(message),
            "blocks": blocks(message, sent_at=self._clock()),
            "unfurl_links": False,
            "unfurl_media": False,
        }
        answer = self._send(body)
        if answer.status_code == 400:  # invalid_payload, invalid_blocks
            answer = self._send({"text": plain(message)})
        if answer.status_code != 200:
            raise failure(
                self.channel,
                answer.body,
                status=answer.status_code,
                headers=answer.headers,
            )
        return message.incident

    def _send(self, body: dict[str, object]) -> WebhookResponse:
        try:
            return self._client.send_dict(body)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise no_answer(f"{self._host}: no answer", error) from error
