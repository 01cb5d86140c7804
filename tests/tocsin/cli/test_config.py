"""`tocsin config`, `tocsin schema`, `tocsin healthcheck`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tocsin.cli.root import invoke
from tocsin.records.public import RECORDS
from tocsin.telemetry.health import Health
from tocsin.telemetry.http import serve
from tocsin.telemetry.metrics import new_registry


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TOCSIN_CONFIG", "TOCSIN_BUS", "TOCSIN_HTTP", "TOCSIN_STATE_DIR"):
        monkeypatch.delenv(name, raising=False)


def test_show_tells_each_value_and_its_origin(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    file = tmp_path / "t.yaml"
    file.write_text("processor:\n  flush: 1s\n", "utf-8")
    monkeypatch.setenv("TOCSIN_SLACK_WEBHOOK_URL", "https://hooks.example/hush")
    words = ["config", "show", "--json", "--config", str(file), "--exclude", "*.gz"]

    status = invoke([*words, "--no-create-topics", "/logs"])

    out = capsys.readouterr().out
    shown = {entry["key"]: entry for entry in map(json.loads, out.splitlines())}
    assert status == 0
    assert "hush" not in out
    assert shown["processor.flush"]["value"] == "1s"
    assert shown["processor.flush"]["origin"] == f"{file}:2:10"
    assert shown["collector.exclude"]["value"] == ["*.gz"]
    assert shown["collector.paths"]["origin"] == "PATH"
    assert shown["bus.create_topics"]["value"] is False
    assert shown["alerting.slack.webhook_url"]["value"] == "***"


def test_the_configuration_has_a_schema(capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["config", "schema"]) == 0

    assert "BusConfig" in json.loads(capsys.readouterr().out)["$defs"]


@pytest.mark.parametrize("topic", RECORDS)
def test_a_topic_has_a_schema(topic: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["schema", topic]) == 0

    fields = RECORDS[topic].__struct_fields__
    assert set(json.loads(capsys.readouterr().out)["properties"]) == set(fields)


def test_a_mistake_ends_with_its_place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "t.yaml"
    file.write_text("bus:\n  ur: x\n  replication: 0\n", "utf-8")

    status = invoke(["config", "show", "--config", str(file)])

    out, err = capsys.readouterr()
    assert (status, out) == (2, "")
    assert err.splitlines()[:3] == [
        f'{file}:2:3: bus.ur: unknown key; did you mean "url"?',
        f"{file}:3:16: bus.replication: expected at least 1, got 0",
        "tocsin: 2 mistakes in the configuration",
    ]


def test_a_healthy_component_answers(capsys: pytest.CaptureFixture[str]) -> None:
    health = Health()
    server = serve("127.0.0.1:0", new_registry(), health)
    address = f"0.0.0.0:{server.port}"
    try:
        alive = invoke(["healthcheck", "--http", address])
        unready = invoke(["healthcheck", "--http", address, "--ready"])
        health.ready()
        ready = invoke(["healthcheck", "--http", address, "--ready"])
    finally:
        server.close()

    assert (alive, unready, ready) == (0, 1, 0)
    assert capsys.readouterr().out.splitlines() == ["ok", "starting", "ok"]


def test_a_component_that_is_not_there_is_unhealthy(
    capsys: pytest.CaptureFixture[str],
) -> None:
    server = serve("127.0.0.1:0", new_registry(), Health())
    server.close()

    assert invoke(["healthcheck", "--http", f"127.0.0.1:{server.port}"]) == 1

    assert "does not answer" in capsys.readouterr().out
