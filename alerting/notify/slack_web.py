"""Slack by bot token: a message is posted, then edited, and can be found again."""

from __future__ import annotations

import http.client
import logging
import re
from collections.abc import Collection, Iterator
from math import inf
from typing import Any, NamedTuple

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web import SlackResponse

from alerting.message import Message
from alerting.notify.blocks import blocks, escape, fallback, plain
from alerting.notify.port import Found, Search, no_answer
from alerting.notify.slack_errors import REFUSED_BLOCKS, failure
from tocsin.errors import DeliveryFailed
from tocsin.values import Clock

EVENT_TYPE, NOTE_TYPE = "tocsin_incident", "tocsin_note"
_TIMEOUT_S = 6
_HISTORY_PAGES, _PAGE = 20, 200
_LIST_PAGES = 5
_QUIET = {"link_names": False, "unfurl_links": False, "unfurl_media": False}
# ValueError and AttributeError: bodies that are no text, or JSON but no object, such
# as those of a proxy; the SDK looks into them as if they were Slack's.
_NO_ANSWER = (
    OSError,
    http.client.HTTPException,
    SlackClientError,
    ValueError,
    AttributeError,
)
_ID = re.compile(r"[CDG][A-Z0-9]{8,}")
# slack-sdk writes what it sends and each failure to its logger; ours says it better,
# and without addresses.
SILENT = logging.getLogger("tocsin.alerting.slack-sdk")
SILENT.setLevel(logging.CRITICAL + 1)


class Reference(NamedTuple):
    """A message of Slack: the id of its channel, its time stamp, that of its thread."""

    channel_id: str
    ts: str
    thread_ts: str = ""

    def __str__(self) -> str:
        return "/".join(x for x in self if x)

    @classmethod
    def parse(cls, text: str) -> Reference:
        """Read what `str` wrote."""
        return cls(*text.split("/"))


class SlackWebNotifier:
    """Posts to one channel, given by its name or id. Not for several threads."""

    can_edit = True
    post_every_s = 1.0  # Slack: about one message a second and channel
    edit_every_s = 1.2  # Slack: 50 or more of chat.update a minute
    renew_every_s = inf

    def __init__(  # noqa: PLR0913 - made in one place, from ready-made parts
        self,
        token: str,
        channel: str,
        *,
        api_url: str,
        clock: Clock,
        timeout_s: int = _TIMEOUT_S,
        name: str = "",
    ) -> None:
        self.kind = name or "slack"
        self.channel = name or f"slack:{channel}"
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
        self._was_read = False

    def __repr__(self) -> str:
        return f"SlackWebNotifier({self._channel!r})"

    def check(self) -> None:
        """Ask Slack whether the token is good; it does not tell of the channel."""
        self._call("auth.test")

    def post(self, message: Message, *, thread: str | None = None) -> str:
        """Post the message; its channel's id and time stamp."""
        where = {"channel": self._channel}
        if thread is not None:
            above = Reference.parse(thread)
            where = {"channel": above.channel_id, "thread_ts": above.ts}
        answer = self._send("chat.postMessage", message, **where)
        self._channel_id = str(answer["channel"])
        ts = str(answer["ts"])
        return str(Reference(self._channel_id, ts, where.get("thread_ts", "")))

    def edit(self, reference: str, message: Message) -> None:
        """Change the message in its place."""
        at = Reference.parse(reference)
        self._send("chat.update", message, channel=at.channel_id, ts=at.ts)

    def note(self, reference: str, message: Message) -> None:
        """Reply to the message, in sight of the channel: an edit notifies nobody."""
        at = Reference.parse(reference)
        body = {
            "channel": at.channel_id,
            "thread_ts": at.thread_ts or at.ts,
            "reply_broadcast": not at.thread_ts,
            "text": escape(message.note),
            "mrkdwn": False,
            "metadata": _metadata(message, NOTE_TYPE, message.note_sequence),
            **_QUIET,
        }
        self._call("chat.postMessage", json=body)

    def find(
        self, incidents: Collection[str], since: float, *, thread: str | None = None
    ) -> Search:
        """Look incidents up in the channel's history by the messages' metadata."""
        found: dict[str, Found] = {}
        pages = self._pages(since, Reference.parse(thread) if thread else None)
        for channel_id, shown in pages:
            for message in shown:
                incident, sequence = _told(message, EVENT_TYPE)
                if incident in incidents and incident not in found:
                    above = str(message.get("thread_ts") or "") if thread else ""
                    at = Reference(channel_id, str(message["ts"]), above)
                    found[incident] = Found(str(at), sequence)
            if len(found) == len(incidents):
                break
        else:
            return Search(found, is_whole=self._was_read)
        return Search(found, is_whole=True)

    def has_note(self, reference: str, message: Message) -> bool:
        """Look for the note below the message."""
        at = Reference.parse(reference)
        above = at._replace(ts=at.thread_ts or at.ts, thread_ts="")
        wanted = (message.incident, message.note_sequence)
        return any(
            _told(shown, NOTE_TYPE) == wanted
            for _, page in self._pages(float(above.ts), above)
            for shown in page
        )

    def _pages(
        self, since: float, thread: Reference | None
    ) -> Iterator[tuple[str, list[dict[str, Any]]]]:
        """The messages of the channel, or of a thread, and its id, page by page.

        `_was_read` tells afterwards whether there was nothing more to read.
        """
        channel_id = self._channel_id or self._look_up_channel()
        if channel_id is None:
            raise DeliveryFailed(f"{self.channel}: its id is unknown", retryable=False)
        where = {"channel": channel_id}
        if thread is not None:
            where = {"channel": thread.channel_id, "ts": thread.ts}
        method = "conversations.history" if thread is None else "conversations.replies"
        self._was_read = False
        cursor = ""
        for _ in range(_HISTORY_PAGES):
            params = {
                **where,
                "oldest": f"{since:.6f}",
                "limit": _PAGE,
                "include_all_metadata": True,
                "cursor": cursor,
            }
            answer = self._call(method, params=params)
            cursor = _next_cursor(answer)
            self._was_read = not cursor
            yield where["channel"], list(answer.get("messages") or ())
            if not cursor:
                return

    def _look_up_channel(self) -> str | None:
        cursor = ""
        for _ in range(_LIST_PAGES):
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
            "metadata": _metadata(message, EVENT_TYPE, message.sequence),
            **_QUIET,
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
        except _NO_ANSWER as error:
            raise no_answer(f"{self.channel}: no answer from slack", error) from error

    def _failed(self, error: SlackApiError) -> DeliveryFailed:
        answer = error.response
        return failure(
            self.channel,
            _code(error),
            status=int(answer.status_code),
            headers={str(k): str(v) for k, v in answer.headers.items()},
        )


def _metadata(message: Message, event_type: str, sequence: int) -> dict[str, Any]:
    payload = {"incident": message.incident, "sequence": sequence}
    return {"event_type": event_type, "event_payload": payload}


def _told(shown: dict[str, Any], event_type: str) -> tuple[str, int]:
    """Which incident a message is about, and its sequence; nothing for others."""
    metadata = shown.get("metadata") or {}
    payload = metadata.get("event_payload") or {}
    if metadata.get("event_type") != event_type:
        return "", 0
    return str(payload.get("incident") or ""), int(payload.get("sequence") or 0)


def _next_cursor(answer: SlackResponse) -> str:
    return str((answer.get("response_metadata") or {}).get("next_cursor") or "")


def _code(error: SlackApiError) -> str:
    data = error.response.data
    return str(data.get("error") or "") if isinstance(data, dict) else ""
