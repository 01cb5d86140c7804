r"""A webhook: the message as JSON, signed.

The header `X-Tocsin-Signature` is `t=SECONDS,v1=HEX`, where HEX is HMAC-SHA256 under
the shared secret of `SECONDS.BODY`: a receiver checks it, and that SECONDS are not
long ago, so that nobody can make messages up or send old ones again. `X-Tocsin-Id`
(incident and sequence) is the same when a message is sent twice.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

import msgspec

from alerting.message import Message
from alerting.notify.port import PostOnly
from alerting.notify.web import Address
from tocsin.values import Clock

_VERSION = 1


class WebhookNotifier(PostOnly):
    """Posts what is worth a message: opened, escalated, reminders, resolved."""

    def __init__(
        self, name: str, url: str, *, secret: str | None, clock: Clock
    ) -> None:
        self.channel = self.kind = name
        self._address = Address(url)
        self._secret = secret
        self._clock = clock

    def __repr__(self) -> str:
        return f"WebhookNotifier({self.channel!r}, {self._address!r})"

    def post(self, message: Message, *, thread: str | None = None) -> str:
        """Post the message; the incident is the reference."""
        del thread
        body = msgspec.json.encode(as_object(message))
        headers = {
            "Content-Type": "application/json",
            "X-Tocsin-Id": f"{message.incident}-{message.sequence}",
        }
        if self._secret is not None:
            at = int(self._clock())
            headers["X-Tocsin-Signature"] = signature(self._secret, at, body)
        self._address.post("", body, headers)
        return message.incident


def signature(secret: str, at: int, body: bytes) -> str:
    """The value of the header `X-Tocsin-Signature`."""
    signed = b"%d." % at + body
    digest = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


def as_object(message: Message) -> dict[str, Any]:
    """The message as an object that only grows."""
    return {
        "version": _VERSION,
        "incident": message.incident,
        "sequence": message.sequence,
        "event": message.kind,
        "status": "firing" if message.is_open else "resolved",
        "labels": message.labels,
        "title": message.title,
        "summary": message.summary,
        "why": message.why,
        "note": message.note,
        "fields": dict(message.fields),
        "templates": msgspec.to_builtins(message.templates),
        "samples": msgspec.to_builtins(message.samples),
        "links": dict(message.links),
        "opened_at": message.opened_at,
        "detected_at": message.detected_at,
    }
