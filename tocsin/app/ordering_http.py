"""Orders by HTTP: acknowledge and silence, for whoever knows `alerting.api_token`.

    POST /api/v1/acknowledgements    {"incident": ID, "by": NAME, "comment": TEXT}
    POST /api/v1/silences            {"matchers": ["service=pay-*"], "for": "2h",
                                      "by": NAME, "comment": TEXT}
    POST /api/v1/silences/expire     {"id": ID}

with `Authorization: Bearer TOKEN`; the answer is what was written, as JSON. A browser
cannot be made to send that header for somebody else's page.
"""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

import msgspec

from alerting.matchers import parse_matcher
from tocsin.app.connecting import open_for_reading, require_topic
from tocsin.app.incidents import find, incidents
from tocsin.app.ordering import acknowledge, add_silence, expire_silence
from tocsin.config.kinds import duration_s
from tocsin.config.model import Config
from tocsin.errors import BusUnavailable, ConfigError, TocsinError
from tocsin.ports.bus import Bus
from tocsin.records.topics import INCIDENTS
from tocsin.telemetry.http import Action, Answer


class _Acknowledgement(msgspec.Struct, forbid_unknown_fields=True):
    incident: str
    by: str
    comment: str = ""


class _Silence(msgspec.Struct, forbid_unknown_fields=True, rename={"lasts": "for"}):
    matchers: list[str]
    lasts: str
    by: str
    comment: str


class _Expiry(msgspec.Struct, forbid_unknown_fields=True):
    id: str


def actions(config: Config) -> Mapping[str, Action]:
    """What the paths do; each request opens the bus for itself."""
    return {
        "/api/v1/acknowledgements": _guarded(config, _acknowledge),
        "/api/v1/silences": _guarded(config, _add),
        "/api/v1/silences/expire": _guarded(config, _expire),
    }


def _guarded(config: Config, work: Callable[[Bus, bytes], object]) -> Action:
    def act(body: bytes, headers: Mapping[str, str]) -> Answer:
        token = config.alerting.api_token
        if token is None:
            return _problem(HTTPStatus.FORBIDDEN, "alerting.api_token is not set")
        given = headers.get("Authorization") or ""
        wanted = f"Bearer {token.get_secret_value()}"
        if not hmac.compare_digest(given.encode(), wanted.encode()):
            return _problem(HTTPStatus.UNAUTHORIZED, "expected the token as Bearer")
        return _answered(config, work, body)

    return act


def _answered(
    config: Config, work: Callable[[Bus, bytes], object], body: bytes
) -> Answer:
    try:
        with open_for_reading(config, "http") as bus:
            require_topic(bus, INCIDENTS)
            done = work(bus, body)
    except BusUnavailable as error:
        return _problem(HTTPStatus.SERVICE_UNAVAILABLE, str(error))
    except (ConfigError, msgspec.MsgspecError, ValueError) as error:
        return _problem(HTTPStatus.BAD_REQUEST, str(error))
    except TocsinError as error:
        return _problem(HTTPStatus.NOT_FOUND, str(error))
    return Answer(HTTPStatus.OK, msgspec.json.encode(done) + b"\n")


def _problem(status: HTTPStatus, text: str) -> Answer:
    body: dict[str, Any] = {"problem": text}
    return Answer(status, msgspec.json.encode(body) + b"\n")


def _acknowledge(bus: Bus, body: bytes) -> object:
    asked = msgspec.json.decode(body, type=_Acknowledgement)
    incident = find(incidents(bus)[0], asked.incident)
    return acknowledge(
        bus, incident.id, by=asked.by, comment=asked.comment, now=time.time()
    )


def _add(bus: Bus, body: bytes) -> object:
    asked = msgspec.json.decode(body, type=_Silence)
    now = time.time()
    return add_silence(
        bus,
        [parse_matcher(x) for x in asked.matchers],
        starts_at=now,
        ends_at=now + duration_s(asked.lasts),
        author=asked.by,
        comment=asked.comment,
        now=now,
    )


def _expire(bus: Bus, body: bytes) -> object:
    asked = msgspec.json.decode(body, type=_Expiry)
    return expire_silence(bus, asked.id, time.time())
