"""Acknowledge and silence by HTTP, on a real server and a real bus."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import urllib3
from prometheus_client import CollectorRegistry

from alerting.incident import encode_incident
from tests.alerting.cases import incident
from tocsin.app.ordering import silences
from tocsin.app.ordering_http import actions
from tocsin.bus.opening import open_bus
from tocsin.bus.specs import specs
from tocsin.config.model import Config
from tocsin.records.topics import ACKNOWLEDGEMENTS, INCIDENTS
from tocsin.telemetry.health import Health
from tocsin.telemetry.http import serve

STATE = incident()
TOKEN = "hush"  # noqa: S105 - of a test


class Api:
    """A server on the bus of `config`."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self._server = serve(
            "127.0.0.1:0", CollectorRegistry(), Health(), actions(config)
        )
        self._pool = urllib3.PoolManager(retries=False)

    def post(
        self, path: str, body: object, *, token: str | None = TOKEN
    ) -> tuple[int, Any]:
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        url = f"{self._server.url}/api/v1/{path}"
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        answer = self._pool.request("POST", url, body=data, headers=headers)
        is_json = answer.headers["Content-Type"] == "application/json"
        return answer.status, json.loads(answer.data) if is_json else answer.data

    def close(self) -> None:
        self._pool.clear()
        self._server.close()


def prepared(tmp_path: Path, token: str | None) -> Config:
    values = {"state_dir": tmp_path, "alerting": {"api_token": token}}
    config = Config.model_validate(values)
    with open_bus(config.bus, state_dir=tmp_path) as bus:
        bus.ensure_topics(specs(config.bus), create=True)
        producer = bus.producer("test")
        with producer.transaction() as tx:
            tx.put(INCIDENTS, {STATE.id.encode(): encode_incident(STATE)})
        producer.close()
    return config


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Api]:
    made = Api(prepared(tmp_path, "hush"))
    yield made
    made.close()


def rows(config: Config, table: str) -> dict[bytes, bytes]:
    with open_bus(config.bus, state_dir=config.state_dir) as bus:
        view = bus.table(table)
        found = dict(view.rows)
        view.close()
    return found


def test_an_incident_is_acknowledged(api: Api) -> None:
    status, shown = api.post(
        "acknowledgements", {"incident": STATE.id[:10], "by": "ann", "comment": "on it"}
    )

    assert (status, shown["incident"], shown["by"]) == (200, STATE.id, "ann")
    assert list(rows(api.config, ACKNOWLEDGEMENTS)) == [STATE.id.encode()]


def test_a_silence_is_made_and_ended(api: Api) -> None:
    asked = {"matchers": ["service=pay-*"], "for": "2h", "by": "ann", "comment": "x"}
    status, shown = api.post("silences", asked)
    ended, _ = api.post("silences/expire", {"id": shown["id"]})

    assert (status, ended) == (200, 200)
    with open_bus(api.config.bus, state_dir=api.config.state_dir) as bus:
        [silence] = silences(bus)
    assert silence.ends_at < shown["ends_at"]


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("acknowledgements", {"incident": "zzz", "by": "ann"}, 404),
        ("acknowledgements", {"incident": "checkout"}, 400),
        ("acknowledgements", b"{", 400),
        ("silences", {"matchers": [], "for": "2h", "by": "a", "comment": ""}, 400),
        ("silences", {"matchers": ["x"], "for": "2h", "by": "a", "comment": ""}, 400),
        ("silences", {"matchers": ["a=b"], "for": "2", "by": "a", "comment": ""}, 400),
        ("silences", {"matchers": ["a=b"], "for": "2h", "by": "a", "comment": ""}, 400),
        ("silences/expire", {"id": "zzz"}, 404),
        ("nothing", {}, 404),
        ("silences", b"x" * 70_000, 413),
    ],
)
def test_what_cannot_be_done_is_told(
    api: Api, path: str, body: object, status: int
) -> None:
    assert api.post(path, body)[0] == status


def test_without_the_token_nobody_orders_anything(api: Api, tmp_path: Path) -> None:
    body = {"incident": STATE.id, "by": "mallory"}
    none_set = Api(prepared(tmp_path / "other", None))

    refused = [
        api.post("acknowledgements", body, token=None)[0],
        api.post("acknowledgements", body, token="wrong")[0],  # noqa: S106 - it is
        none_set.post("acknowledgements", body)[0],
    ]

    none_set.close()
    assert refused == [401, 401, 403]
    assert rows(api.config, ACKNOWLEDGEMENTS) == {}
