"""`tocsin backtest`: the incidents that logs of the past would have led to."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from tests.alerting.story import Feed, Frames, pane
from tests.tocsin.cli.test_incidents import incident
from tocsin.app.backtest.history import Totals
from tocsin.app.backtest.running import Result
from tocsin.cli.backtest_text import summary
from tocsin.cli.root import invoke

START = 1_773_446_400


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Half an hour of two services; one of them has a burst after 20 minutes."""
    folder = tmp_path_factory.mktemp("logs")
    for service in ("cart", "pay"):
        lines = []
        for at in range(1800):
            stamp = f"{datetime.fromtimestamp(START + at, UTC):%Y-%m-%dT%H:%M:%SZ}"
            lines.append(f"{stamp} INFO order {at} shipped\n")
            if service == "pay" and 1200 <= at < 1230:
                lines.append(f"{stamp} ERROR card {at} \x1b[2Jdeclined\n" * 3)
        (folder / service).mkdir()
        (folder / service / "app.log").write_text("".join(lines))
    return folder


def test_an_incident_is_one_json_object(
    logs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status = invoke(["backtest", "--json", "--processes", "1", str(logs)])

    said = capsys.readouterr()
    [found] = [json.loads(line) for line in said.out.splitlines()]
    assert status == 0
    assert (found["rule"], found["service"]) == ("burst", "pay")
    assert found["severity"] == "critical"
    assert found["opened_at"] <= START + 1200 < found["detected_at"] <= START + 1206
    assert START + 1230 < found["resolved_at"] < START + 1500
    assert found["count"] == 90
    assert found["expected"] < 3
    assert found["templates"] == ["card <*> declined"]
    assert "declined" in found["samples"][0]
    assert "3,690 lines of 2 files" in said.err


def test_a_path_that_is_not_there_is_a_mistake(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert invoke(["backtest", str(tmp_path / "none")]) == 1
    assert "there is no" in capsys.readouterr().err


def test_a_person_sees_the_message_and_how_many_a_day(
    logs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert invoke(["backtest", "--processes", "1", str(logs)]) == 0

    said = capsys.readouterr().out
    assert "2026-03-14 00:20:02 UTC, pay would have paged:" in said
    assert "🔴 pay: ERROR burst" in said
    assert "card <*> declined" in said
    assert "Then:      critical, over after" in said
    assert "1 page in 29 m 59 s of 2 services" in said
    assert "1 × pay" in said
    assert "\x1b" not in said


def test_pages_a_day_count_only_hours_that_have_lines() -> None:
    totals = Totals(services=2, first=0, last=400 * 86_400, hours={0, 1, 9600})
    result = Result(totals, [incident("pay", 60.0)])

    said, rates, *_ = summary(result)

    assert said.startswith("1 page in 3 h 0 m that have lines, between 1970-01-01 and")
    assert said.endswith("1971-02-05, of 2 services")
    assert rates == "  8.0 a day, 4.00 a day and service"


def test_labels_tell_how_good_the_pages_are(
    logs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    labels = tmp_path / "labels.csv"
    labels.write_text(
        "service,start,end,kind\n"
        f"pay,{START + 1200},{START + 1230},step\n"
        "cart,2026-03-14T00:10:00Z,2026-03-14T00:11:00Z,slow\n"
    )

    arguments = ["backtest", "--labels", str(labels), "--processes", "1", str(logs)]
    assert invoke(arguments) == 0

    said = capsys.readouterr().out
    assert "precision 1.000, recall 0.500, F1 0.667" in said
    assert "found: slow 0/1, step 1/1" in said
    assert "missed: cart, slow from 2026-03-14 00:10:00 UTC" in said


def test_a_mistake_in_the_labels_names_the_line(
    logs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    labels = tmp_path / "labels.csv"
    labels.write_text("service,start,end\npay,1,2\npay,soon,5\n")

    assert invoke(["backtest", "--labels", str(labels), str(logs)]) == 2
    assert f"{labels}:3: start: expected Unix seconds" in capsys.readouterr().err


def test_the_counts_on_the_bus_are_run_over_without_any_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Feed(tmp_path) as feed:
        source = Frames()
        made = (
            source.next(START + at + 1, [pane(START + at, 30 * (at == 50), lines=99)])
            for at in range(60)
        )
        feed.send(*(msgspec.structs.replace(x, counted=()) for x in made))
        url = f"embedded://{feed.path}"
    rules = tmp_path / "rules.yaml"
    rules.write_text("rules: [{name: done, type: match, text: done, warning: 1}]\n")

    words = ["backtest", "--from-topic", "--rules", str(rules), "--json", "--bus", url]
    status = invoke(words)

    said = capsys.readouterr()
    [found] = [json.loads(line) for line in said.out.splitlines()]
    assert status == 0
    assert (found["service"], found["count"]) == ("checkout", 30)
    assert found["detected_at"] == START + 51.5
    assert "done: the processor counted nothing for them at that time" in said.err


def test_a_plot_is_written_as_png(
    logs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = tmp_path / "out.png"

    status = invoke(["backtest", "--processes", "1", "--plot", str(picture), str(logs)])

    assert status == 0
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert "drawn to" in capsys.readouterr().err


def test_rules_of_a_file_take_the_place_of_the_configured_ones(
    logs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rules = tmp_path / "rules.yaml"
    rules.write_text(
        "burst: {enabled: false}\n"
        "rules: [{name: many, type: threshold, critical: 60, window: 1m}]\n"
    )

    arguments = ["backtest", "--json", "--processes", "1", "--rules", str(rules)]
    assert invoke([*arguments, str(logs)]) == 0

    [found] = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert (found["rule"], found["service"], found["expected"]) == ("many", "pay", 60)
    assert found["detected_at"] == START + 1220


def test_two_files_of_rules_are_compared(
    logs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    soon, late, never = (tmp_path / x for x in ("soon.yaml", "late.yaml", "never.yaml"))
    rule = "{name: many, type: threshold, critical: %d, window: 1m}"
    for path, count in ((soon, 6), (late, 60), (never, 600)):
        path.write_text(f"burst: {{enabled: false}}\nrules: [{rule % count}]\n")

    def said(first: Path, second: Path) -> str:
        files = ["--compare", str(first), str(second)]
        assert invoke(["backtest", "--processes", "1", *files, str(logs)]) == 0
        return capsys.readouterr().out

    assert "1 page of both\n" in (both := said(soon, late))
    assert "soon.yaml told them +18.0 s earlier on average" in both
    assert f"1 page of {late} alone\n  2026-03-14 00:20:20 UTC  pay: many" in said(
        late, never
    )
