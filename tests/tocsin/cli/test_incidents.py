"""`tocsin incidents` on a real bus."""

from __future__ import annotations

import json
import time
from pathlib import Path

import msgspec
import pytest

from alerting.acknowledgement import decode_acknowledgement
from alerting.burst import Severity
from alerting.evidence import Evidence, TemplateTally
from alerting.incident import Arrival, Incident, Phase, Reason, Trigger, encode_incident
from alerting.message import alert_record
from alerting.notice import Notice, encode_row
from tocsin.bus.opening import open_bus
from tocsin.bus.specs import specs
from tocsin.cli.root import invoke
from tocsin.config.model import BusConfig
from tocsin.ports.bus import Records
from tocsin.records.frames import Sample
from tocsin.records.topics import ACKNOWLEDGEMENTS, ALERTS, INCIDENTS, NOTICES

NOW = time.time()


def incident(name: str, at: float, *, phase: Phase = Phase.OPEN) -> Incident:
    severity: Severity = "critical"
    sample = Sample("boom \x1b[2J failed", "/logs/a.log", "f1", 120, at, at)
    return Incident(
        id=f"{name}-7ht9w",
        rule="burst",
        service=name,
        phase=phase,
        severity=severity,
        sequence=1,
        paged=True,
        opened_at=at,
        fired_at=at,
        detected_at=at,
        edited_at=at,
        trigger=Trigger(1, 13, 0.03, 0.5, 0.001, 0.01),
        errors=229,
        peak=39,
        evidence=Evidence((TemplateTally("t1", "boom <*> failed", 229, True, sample),)),
        arrival=Arrival(at, at, at),
        resolved_at=None if phase is Phase.OPEN else at + 20,
        reason=Reason.OPENED.name if phase is Phase.OPEN else Reason.RESOLVED.name,
    )


@pytest.fixture
def state(tmp_path: Path) -> list[str]:
    """The option for a state directory with an open and a resolved incident."""
    config = BusConfig()
    pay, auth = incident("pay", NOW), incident("auth", NOW - 99, phase=Phase.RESOLVED)
    told = msgspec.json.encode(alert_record(pay, "opened", NOW))
    rows = {x.id.encode(): encode_incident(x) for x in (auth, pay)}
    with open_bus(config, state_dir=tmp_path) as bus:
        bus.ensure_topics(specs(config), create=True)
        producer = bus.producer("test")
        with producer.transaction() as tx:
            tx.put(INCIDENTS, {**rows, b"x": b"nonsense"})
            key = pay.id.encode()
            tx.send(ALERTS, 0, Records([key, b"other"], [told, told], [0, 0]))
        producer.close()
    return ["--state-dir", str(tmp_path)]


def test_the_newest_is_listed_first(
    state: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert invoke(["incidents", "list", *state]) == 0

    out, err = capsys.readouterr()
    heading, first, second = out.splitlines()
    assert heading.split()[:3] == ["ID", "STATE", "SEVERITY"]
    assert first.split()[:4] == ["pay-7ht9w", "open", "critical", "pay"]
    assert second.split()[:4] == ["auth-7ht9w", "resolved", "critical", "auth"]
    assert err == "tocsin: 1 rows cannot be read\n"


@pytest.mark.parametrize(
    ("words", "ids"),
    [
        ([], ["pay-7ht9w", "auth-7ht9w"]),
        (["--open"], ["pay-7ht9w"]),
        (["--service", "auth"], ["auth-7ht9w"]),
        (["--service", "none"], []),
    ],
)
def test_programs_get_an_object_an_incident(
    state: list[str],
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    ids: list[str],
) -> None:
    assert invoke(["incidents", "list", "--json", *state, *words]) == 0

    shown = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [entry["incident"] for entry in shown] == ids
    for entry in shown:
        assert entry["count"] == 229
        assert entry["templates"] == ["boom <*> failed"]


def test_one_is_shown_with_its_reason_and_what_was_told(
    state: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert invoke(["incidents", "show", "pay", *state]) == 0

    out = capsys.readouterr().out
    assert out.startswith("🔴 pay: ERROR burst\n")
    assert f"Decision:  {Reason.OPENED.value}" in out
    assert out.count("  opened ") == 1
    assert "\x1b" not in out


def test_one_is_shown_as_json_with_its_steps(
    state: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert invoke(["incidents", "show", "pay-7ht9w", "--json", *state]) == 0

    shown = json.loads(capsys.readouterr().out)
    assert shown["state"] == "open"
    assert [step["event"] for step in shown["steps"]] == ["opened"]


@pytest.mark.parametrize(
    ("name", "problem", "hint"),
    [
        ("pai-7ht9w", "there is no incident 'pai-7ht9w'", "did you mean pay-7ht9w?"),
        ("zzz", "there is no incident 'zzz'", "`tocsin incidents list` has all"),
        ("", "2 incidents begin with ''", "pay-7ht9w, auth-7ht9w"),
    ],
)
def test_a_name_that_is_not_one_incident_is_told(
    state: list[str],
    capsys: pytest.CaptureFixture[str],
    name: str,
    problem: str,
    hint: str,
) -> None:
    assert invoke(["incidents", "show", name, *state]) == 1

    assert capsys.readouterr().err == f"tocsin: {problem}\n        {hint}\n"


def test_an_acknowledgement_is_on_the_bus_for_alerting_to_see(
    state: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["ack", "pay", "--by", "ann", "--comment", "on it"]
    assert invoke(["incidents", *words, *state]) == 0

    with open_bus(BusConfig(), state_dir=tmp_path) as bus:
        view = bus.table(ACKNOWLEDGEMENTS)
        [row] = map(decode_acknowledgement, view.rows.values())
        view.close()
    assert (row.incident, row.by, row.comment) == ("pay-7ht9w", "ann", "on it")
    assert "acknowledged by ann" in capsys.readouterr().err


def test_what_keeps_an_incident_from_people_is_shown(
    state: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    held = Notice(incident="pay-7ht9w", standing="SILENCED", standing_by="s1")
    with open_bus(BusConfig(), state_dir=tmp_path) as bus:
        producer = bus.producer("test")
        with producer.transaction() as tx:
            tx.put(NOTICES, {b"pay-7ht9w": encode_row(held)})
        producer.close()

    assert invoke(["incidents", "list", *state]) == 0
    assert invoke(["incidents", "show", "pay", *state]) == 0

    out = capsys.readouterr().out
    assert out.splitlines()[1].split()[:2] == ["pay-7ht9w", "silenced"]
    assert "  People:    a silence covers it (s1)\n" in out
    assert "Nobody was told of it." in out
