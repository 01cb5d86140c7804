"""`tocsin init` tells what is in logs and writes a configuration that holds."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tocsin.cli.root import invoke
from tocsin.config.loading import load

NOW = time.time()


def write_logs(folder: Path, *, ahead_s: float = 0.0) -> Path:
    """Two services; the times of one state no zone, of which it is so far ahead."""
    api = folder / "logs" / "api" / "app.log"
    web = folder / "logs" / "web" / "access.log"
    api.parent.mkdir(parents=True)
    web.parent.mkdir()
    lines = []
    for k in range(40):
        at = time.gmtime(NOW + ahead_s - 40 + k)
        stamp = time.strftime("%Y-%m-%d %H:%M:%S,250", at)
        lines.append(f"{stamp} INFO  [main] c.a.Orders - order {k}")
    lines.append(f"{stamp} ERROR [main] c.a.Orders - order lost")
    lines += [
        "java.lang.IllegalStateException: gone",
        "\tat c.a.Orders.get(Orders.java:1)",
    ]
    api.write_text("\n".join(lines) + "\n")
    web.write_text(
        '{"level":"info","time":"2026-03-14T09:21:07Z","msg":"hi"}\n' * 3
        + "neither level nor time\n"
    )
    (web.parent / "access.log.gz").write_bytes(b"\x1f\x8b\x08")
    os.utime(api, (NOW, NOW))
    return folder / "logs"


@pytest.fixture
def there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield tmp_path
    monkeypatch.undo()
    time.tzset()


def test_it_tells_what_it_found(
    there: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    logs = write_logs(there)

    assert invoke(["init", str(logs)]) == 0

    told = capsys.readouterr().out.splitlines()
    assert told[0].startswith(f"api: 1 file, 0.0 MB, such as {logs}/api/app.log")
    assert told[1].startswith("  100% log4j: ERROR, ")
    assert told[2:5] == [
        "  100% with a time without a zone",
        "    2% of several lines",
        f"web: 1 file, 0.0 MB, such as {logs}/web/access.log",
    ]
    assert "   25% unknown: no level, no time in neither level nor time" in told
    assert "   25% without a level" in told
    assert f"left out, compressed: {logs}/web/access.log.gz" in told


def test_it_tells_programs_what_it_found(
    there: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert invoke(["init", str(write_logs(there)), "--json"]) == 0

    api, web = map(json.loads, capsys.readouterr().out.splitlines())
    assert (api["service"], api["events"], api["lines"]) == ("api", 41, 43)
    assert (api["multi_line"], api["without_zone"]) == (1, 41)
    assert web["formats"] == {"json": 3, "unknown": 1}
    assert (web["without_level"], web["without_time"], web["without_zone"]) == (1, 1, 0)


def test_what_it_writes_is_a_configuration_that_check_finds_right(
    there: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    logs = write_logs(there)
    (logs / 'odd "name"\n: #').mkdir()
    (logs / 'odd "name"\n: #' / "a.log").write_text("x\n")

    assert invoke(["init", str(logs), "--exclude", "*.tmp"]) == 0
    assert invoke(["check", "--state-dir", str(there / "state")]) == 0

    config = load(file=there / "tocsin.yaml", environ={}).config
    assert config.collector.paths == [str(logs)]
    assert config.collector.exclude == ["*.tmp"]
    assert "tocsin: configuration of ./tocsin.yaml" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("ahead_s", "zone"), [(0.0, "UTC"), (-18_000.0, "Etc/GMT+5"), (77.0, "local")]
)
def test_the_zone_of_times_without_one_is_told_by_when_the_file_was_written(
    there: Path, monkeypatch: pytest.MonkeyPatch, ahead_s: float, zone: str
) -> None:
    if zone == "UTC":
        monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()

    assert invoke(["init", str(write_logs(there, ahead_s=ahead_s))]) == 0

    config = load(file=there / "tocsin.yaml", environ={}).config
    assert config.processor.timezone == zone


def test_a_file_that_is_there_is_written_over_only_by_force(
    there: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    logs = str(write_logs(there))
    (there / "tocsin.yaml").write_text("id: mine\n")

    assert invoke(["init", logs]) == 1
    kept = (there / "tocsin.yaml").read_text()
    assert invoke(["init", logs, "--output", "other.yaml"]) == 0
    assert invoke(["init", logs, "--force"]) == 0

    assert kept == "id: mine\n"
    assert "tocsin.yaml is there already" in capsys.readouterr().err
    assert (there / "other.yaml").read_text() == (there / "tocsin.yaml").read_text()


def test_paths_without_logs_are_a_mistake(
    there: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert invoke(["init", "nothing/here"]) == 2

    assert "found no logs" in capsys.readouterr().err
    assert not (there / "tocsin.yaml").exists()


def test_run_takes_up_the_configuration_that_stands_there(
    there: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (there / "tocsin.yaml").write_text("http: 5\n")

    assert invoke(["run", "/var/log"]) == 2
    assert invoke(["run", "/var/log", "--config", "other.yaml"]) == 2

    first, _, rest = capsys.readouterr().err.partition("other.yaml")
    assert "tocsin: configuration of ./tocsin.yaml" in first
    assert "tocsin.yaml:1:7" in first
    assert "./tocsin.yaml" not in rest
