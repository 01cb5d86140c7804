"""`tocsin parse` by its contract: one object an event, in the order of the input."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from tocsin.cli.root import invoke

LINES = (
    "2026-03-14 09:21:07,482 ERROR [main] c.a.Pay - charge 17 failed\n"
    "\n"
    "Mar 14 09:21:08 web-1 sshd[812]: session opened\n"
)


def parse(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[dict[str, Any]]:
    assert invoke(["parse", "--json", "--timezone", "UTC", *arguments]) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_an_event_is_one_object(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.log").write_text(LINES)

    error, opened = parse(capsys, "--year", "2024", str(tmp_path / "a.log"))

    assert error.pop("template_id")
    assert error == {
        "line": 1,
        "lines": 1,
        "timestamp": 1773480067.482,
        "level": "ERROR",
        "message": "charge 17 failed",
        "template": "charge <*> failed",
        "format": "log4j",
    }
    assert opened["line"] == 3
    assert opened["level"] is None
    assert opened["timestamp"] == 1710408068.0  # of 2024


def test_an_event_of_several_lines_is_one_object(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trace = (
        "Mar 14, 2026 9:21:07 AM c.a.Pay run\nc.a.GateError: shut\n\tat c.a.P(P:3)\n"
    )
    (tmp_path / "a.log").write_text(f"\n{trace}\n\n2026-03-14 09:21:08 INFO up")

    broken, up = parse(capsys, str(tmp_path / "a.log"))

    assert (broken["line"], broken["lines"], broken["level"]) == (2, 3, "ERROR")
    assert (up["line"], up["lines"], up["level"]) == (7, 1, "INFO")


def test_several_files_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = [str(tmp_path / name) for name in ("a.log", "b.log")]
    for name in names:
        Path(name).write_text(LINES)

    rows = parse(capsys, *names)

    assert [row["file"] for row in rows] == [n for name in names for n in (name, name)]


def test_stdin_is_read(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(LINES.encode())))

    rows = parse(capsys, "-")

    assert [row["line"] for row in rows] == [1, 3]
    assert "file" not in rows[0]


def test_a_file_that_cannot_be_read_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert invoke(["parse", str(tmp_path / "none")]) == 1
    assert "No such file" in capsys.readouterr().err


def test_a_person_sees_time_level_service_and_template(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "shop.log"
    path.write_text(f"what is\x07this\n{LINES}", "utf-8")

    status = invoke(["parse", "--timezone", "UTC", "--year", "2026", str(path)])

    out, err = capsys.readouterr()
    assert status == 0
    assert out.splitlines() == [
        "-                         -      shop  what is\\x07this",
        "2026-03-14 09:21:07.482Z  ERROR  shop  charge <*> failed",
        "2026-03-14 09:21:08.000Z  -      shop  session opened",
    ]
    assert "3 events: 1 ERROR, 2 UNKNOWN; 1 without a time" in err
    assert "33%  log4j: they are written as by Log4j 2" in err
    assert "1 say neither time nor level, such as" in err
    assert "line 1: what is\\x07this" in err


def test_a_format_of_one_s_own_says_time_level_service_and_message(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config, log = tmp_path / "tocsin.yaml", tmp_path / "gateway.log"
    config.write_text(
        "processor:\n  timezone: UTC\n  formats:\n    - name: gateway\n"
        "      pattern: '^\\{(?P<service>[^}]*)\\} (?P<level>\\w+) (?P<message>.*)'\n"
        "      example: '{pay} error refused'\n"
    )
    log.write_text("{pay} error refused\n{} info fine\n")
    arguments = ["parse", "--config", str(config), str(log)]

    assert invoke(arguments) == 0
    for_people, err = capsys.readouterr()
    assert invoke([*arguments, "--json"]) == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    assert "ERROR  pay  refused" in for_people
    assert "INFO   gateway  fine" in for_people
    assert "100%  gateway: they match a pattern of the configuration" in err
    assert [event.get("service") for event in events] == ["pay", None]
    assert [event["message"] for event in events] == ["refused", "fine"]


def test_an_empty_file_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.log").touch()

    assert invoke(["parse", str(tmp_path / "a.log")]) == 0
    assert "nothing to read" in capsys.readouterr().err
