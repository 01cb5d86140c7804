"""A Prometheus Alertmanager: alerts by labels, which it groups and routes itself.

It forgets an alert whose `endsAt` has passed, so what is open is told again each
minute, with an end some minutes ahead: when Tocsin is gone, its alerts end. To push an
alert twice does no harm, so nothing needs to be looked up.
"""

from __future__ import annotations

import re
import time
from collections.abc import Collection

import msgspec

from alerting.message import Message
from alerting.notify.port import Search
from alerting.notify.web import Address
from tocsin.values import Clock

_RENEW_S, _LIVES_S = 60.0, 240.0
_NO_NAME = re.compile(r"[^A-Za-z0-9_]")


class AlertmanagerNotifier:
    """Pushes to the API v2 of one Alertmanager."""

    can_edit = True
    post_every_s = edit_every_s = 0.0
    renew_every_s = _RENEW_S

    def __init__(self, name: str, url: str, *, clock: Clock) -> None:
        self.channel = self.kind = name
        self._address = Address(url.rstrip("/"))
        self._clock = clock

    def __repr__(self) -> str:
        return f"AlertmanagerNotifier({self.channel!r}, {self._address!r})"

    def check(self) -> None:
        """Ask for its status."""
        self._address.get("/api/v2/status")

    def post(self, message: Message, *, thread: str | None = None) -> str:
        """Push the alert; the incident is the reference."""
        del thread
        body = msgspec.json.encode([self._alert(message)])
        self._address.post("/api/v2/alerts", body, {"Content-Type": "application/json"})
        return message.incident

    def edit(self, reference: str, message: Message) -> None:
        """Push it again."""
        del reference
        self.post(message)

    def note(self, reference: str, message: Message) -> None:
        """Push it again: whom to remind is the Alertmanager's to decide."""
        self.edit(reference, message)

    def find(
        self, incidents: Collection[str], since: float, *, thread: str | None = None
    ) -> Search:
        """Nothing is to be looked up: to push twice does no harm."""
        del incidents, since, thread
        return Search({}, is_whole=True)

    def has_note(self, reference: str, message: Message) -> bool:
        """No; see `find`."""
        del reference, message
        return False

    def _alert(self, message: Message) -> dict[str, object]:
        labels = {_NO_NAME.sub("_", x): y for x, y in message.labels.items() if y}
        # The severity changes, and must not make another alert of it.
        severity = labels.pop("severity", "")
        now = self._clock()
        ends_at = now + _LIVES_S if message.is_open else now
        return {
            "labels": {"alertname": labels.get("rule", "tocsin"), **labels}
            | {"incident": message.incident},
            "annotations": {
                "summary": message.summary,
                "severity": severity,
                "description": _description(message),
            },
            "startsAt": _rfc3339(message.opened_at or message.detected_at or now),
            "endsAt": _rfc3339(ends_at),
        }


def _description(message: Message) -> str:
    fields = [f"{name}: {value}" for name, value in message.fields]
    templates = [f"{x.count} x {x.text}" for x in message.templates]
    return "\n".join([message.why, *fields, *templates])


def _rfc3339(at: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))
