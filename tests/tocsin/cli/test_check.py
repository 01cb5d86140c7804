"""`tocsin check`: every problem at once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.privileges import hindered
from tocsin.cli.root import invoke


def check(folder: Path, *words: str) -> int:
    return invoke(["check", "--state-dir", str(folder / "state"), *words])


def test_nothing_to_mend_is_exit_0(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.log").write_text("x\n")

    assert check(tmp_path, str(tmp_path), f"{tmp_path}/**/*.log") == 0

    assert capsys.readouterr() == ("", "tocsin: nothing to mend\n")


def test_every_problem_around_is_told_with_its_cure(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state = tmp_path / "state"
    state.write_text("a file")

    assert check(tmp_path, f"{tmp_path}/none", f"{tmp_path}/**/*.log") == 1

    assert capsys.readouterr().out.splitlines() == [
        f"{tmp_path}/none: does not exist; check the path",
        f"{tmp_path}/**/*.log: matches no file; check the pattern",
        f"{state}: {state} is not a directory; choose another --state-dir",
    ]


def test_a_path_that_may_not_be_read_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    secret = tmp_path / "secret.log"
    secret.touch(mode=0)

    with hindered():
        assert check(tmp_path, str(secret)) == 1

    assert "cannot be read" in capsys.readouterr().out


def test_a_bus_file_that_is_none_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bus = tmp_path / "tocsin.db"
    bus.write_bytes(b"not a database, for more than a hundred bytes" * 100)

    assert check(tmp_path, "--bus", f"embedded://{bus}") == 1

    assert str(bus) in capsys.readouterr().out


def test_mistakes_come_as_json_for_programs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "t.yaml"
    file.write_text("idd: x\nhttp: 5\n", "utf-8")

    assert check(tmp_path, "--json", "--config", str(file)) == 2

    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(entry["what"], entry["key"]) for entry in told] == [
        (f"{file}:1:1", "idd"),
        (f"{file}:2:7", "http"),
    ]


def test_a_pattern_that_would_not_run_in_linear_time_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "t.yaml"
    file.write_text("processor:\n  redact:\n    mine: a{9999}\n", "utf-8")

    assert check(tmp_path, "--config", str(file)) == 1

    assert "processor.redact: mine: " in capsys.readouterr().out


def test_a_format_whose_pattern_would_not_run_in_linear_time_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "t.yaml"
    file.write_text(
        "processor:\n  formats:\n    - name: mine\n"
        "      pattern: '(?P<level>a{0,9999})'\n      example: a\n",
        "utf-8",
    )

    assert check(tmp_path, "--config", str(file)) == 1

    assert "processor.formats: mine: " in capsys.readouterr().out
