"""Slack by bot token: a message is posted, then edited, and can be found again."""

from __future__ import annotations

import http.client
import logging
import re
from typing import Any, NamedTuple

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web import SlackResponse

from alerting.message import Message
from alerting.notify.blocks import blocks, fallback, plain
from alerting.notify.port import OutcomeUnknown
from alerting.notify.slack_errors import REFUSED_BLOCKS, failure
from tocsin.errors import DeliveryFailed
from tocsin.values import Clock

EVENT_TYPE = "tocsin_incident"
_TIMEOUT_S = 6
_HISTORY_PAGES, _PAGE = 3, 200
_ID = re.compile(r"[CDG][A-Z0-9]{8,}")
# slack-sdk writes what it sends and each failure to its logger; ours says it better,
# and without addresses.
SILENT = logging.getLogger("tocsin.alerting.slack-sdk")
SILENT.setLevel(logging.CRITICAL + 1)


class Reference(NamedTuple):
    """A message of Slack: the id of its channel and its time stamp."""

    channel_id: str
    ts: str

    def __str__(self) -> str:
        return f"{self.channel_id}/{self.ts}"

    @classmethod
    def parse(cls, text: str) -> Reference:
        """Read what `str` wrote."""
        channel_id, _, ts = text.rpartition("/")
        return cls(channel_id, ts)


class SlackWebNotifier:
    """Posts to one channel, given by its name or id. Not for several threads."""

    kind = "slack"
    can_edit = True
    post_every_s = 1.0  # Slack: about one message a second and channel
    edit_every_s = 1.2  # Slack: 50 or more of chat.update a minute

    def __init__(
        self,
        token: str,
        channel: str,
        *,
        api_url: str,
        clock: Clock,
        timeout_s: int = _TIMEOUT_S,
    ) -> None:
        # No handler of the SDK: it would sleep in the call, or send a message again
        # whose fate is unknown.
        self._client = WebClient(
            token=token,
            base_url=api_url,
            timeout=timeout_s,
            retry_handlers=[],
            logger=SILENT,
        )
        self._channel = channel
        self._channel_id = channel if _ID.fullmatch(channel) else None
        self._clock = clock

    def __repr__(self) -> str:
        return f"SlackWebNotifier({self._channel!r})"

    @property
    def channel(self) -> str:
        """`slack:` and the channel."""
        return f"slack:{self._channel}"

    def post(self, message: Message) -> str:
        """Post the message; its channel's id and time stamp."""
        answer = self._send("chat.postMessage", message, channel=self._channel)
        self._channel_id = str(answer["channel"])
        return str(Reference(self._channel_id, str(answer["ts"])))

    def edit(self, reference: str, message: Message) -> None:
        """Change the message in its place."""
        at = Reference.parse(reference)
        self._send("chat.update", message, channel=at.channel_id, ts=at.ts)

    def find(self, incident: str, since: float) -> tuple[str, int] | None:
        """Look the incident up in the channel's history by the messages' metadata."""
        channel_id = self._channel_id or self._look_up_channel()
        if channel_id is None:
            raise DeliveryFailed(f"{self.channel}: its id is unknown", retryable=False)
        cursor = ""
        for _ in range(_HISTORY_PAGES):
            answer = self._call(
                "conversations.history",
                params={
                    "channel": channel_id,
                    "oldest": f"{since:.6f}",
                    "limit": _PAGE,
                    "include_all_metadata": True,
                    "cursor": cursor,
                },
            )
            for shown in answer.get("messages") or ():
                sequence = _sequence(shown, incident)
                if sequence is not None:
                    return str(Reference(channel_id, str(shown["ts"]))), sequence
            cursor = _next_cursor(answer)
            if not cursor:
                break
        return None

    def _look_up_channel(self) -> str | None:
        cursor = ""
        for _ in range(_HISTORY_PAGES):
            params = {
                "types": "public_channel,private_channel",
                "exclude_archived": True,
                "limit": 1000,
                "cursor": cursor,
            }
            answer = self._call("conversations.list", params=params)
            for channel in answer.get("channels") or ():
                if channel.get("name") == self._channel.lstrip("#"):
                    self._channel_id = str(channel["id"])
                    return self._channel_id
            cursor = _next_cursor(answer)
            if not cursor:
                break
        return None

    def _send(self, method: str, message: Message, **where: str) -> SlackResponse:
        body: dict[str, Any] = {
            **where,
            "text": fallback(message),
            "blocks": blocks(message, sent_at=self._clock()),
            "metadata": _metadata(message),
            "link_names": False,
            "unfurl_links": False,
            "unfurl_media": False,
        }
        try:
            return self._request(method, json=body)
        except SlackApiError as error:
            if _code(error) not in REFUSED_BLOCKS:
                raise self._failed(error) from error
        del body["blocks"]
        return self._call(method, json=body | {"text": plain(message)})

    def _call(self, method: str, **arguments: Any) -> SlackResponse:
        try:
            return self._request(method, **arguments)
        except SlackApiError as error:
            raise self._failed(error) from error

    def _request(self, method: str, **arguments: Any) -> SlackResponse:
        try:
            return self._client.api_call(method, **arguments)
        except SlackApiError:
            raise
        except (OSError, http.client.HTTPException, SlackClientError) as error:
            reason = getattr(error, "reason", error)
            text = f"{self.channel}: no answer from slack ({type(reason).__name__})"
            raise OutcomeUnknown(text) from error

    def _failed(self, error: SlackApiError) -> DeliveryFailed:
        answer = error.response
        return failure(
            self.channel,
            _code(error),
            status=int(answer.status_code),
            headers={str(k): str(v) for k, v in answer.headers.items()},
        )


def _metadata(message: Message) -> dict[str, Any]:
    payload = {"incident": message.incident, "sequence": message.sequence}
    return {"event_type": EVENT_TYPE, "event_payload": payload}


def _sequence(shown: dict[str, Any], incident: str) -> int | None:
    metadata = shown.get("metadata") or {}
    payload = metadata.get("event_payload") or {}
    if metadata.get("event_type") != EVENT_TYPE or payload.get("incident") != incident:
        return None
    return int(payload.get("sequence") or 0)


def _next_cursor(answer: SlackResponse) -> str:
    return str((answer.get("response_metadata") or {}).get("next_cursor") or "")


def _code(error: SlackApiError) -> str:
    return str(error.response.get("error") or "")
