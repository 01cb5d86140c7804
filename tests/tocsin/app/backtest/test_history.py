"""Files of the past come as one stream of seconds, whatever reads them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tocsin.app.backtest import history
from tocsin.app.backtest.chunk import Reading
from tocsin.app.backtest.history import History, LogFile
from tocsin.app.backtest.pool import read, reading_pool
from tocsin.records.frames import Frame
from tocsin.values import Level

START = 1_773_446_400


def log(folder: Path, name: str, seconds: list[int], level: str = "INFO") -> LogFile:
    path = folder / name
    stamps = [datetime.fromtimestamp(START + x, UTC) for x in seconds]
    path.write_text("".join(f"{x:%Y-%m-%dT%H:%M:%SZ} {level} x\n" for x in stamps))
    return LogFile(str(path), name, "web-1", path.stat().st_size, float(START))


def frames(files: list[LogFile], processes: int = 1) -> tuple[list[Frame], History]:
    with reading_pool(processes, Reading(max_templates=5)) as pool:
        past = History(files, read, pool)
        return list(past.frames()), past


def seconds(found: list[Frame]) -> list[int]:
    return [int(x.watermark) - 1 - START for x in found]


def test_files_are_merged_second_by_second(tmp_path: Path) -> None:
    a = log(tmp_path, "a", [0, 1, 1, 5])
    b = log(tmp_path, "b", [1, 3], "ERROR")

    found, past = frames([a, b])

    assert seconds(found) == [0, 1, 3, 5]
    assert [sum(x.lines for x in frame.panes) for frame in found] == [1, 3, 1, 1]
    assert found[2].panes[0].counts[Level.ERROR] == 1
    assert (past.totals.lines, past.totals.files) == (6, 2)
    assert [(x.lo, x.hi) for x in found] == [(0, 1), (1, 2), (2, 3), (3, 4)]


def test_a_file_in_many_chunks_gives_the_same_as_in_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [log(tmp_path, name, list(range(200))) for name in "abc"]
    whole, _ = frames(files)
    monkeypatch.setattr(history, "_FIRST_BYTES", 100)
    monkeypatch.setattr(history, "CHUNK_BYTES", 333)

    cut, past = frames(files)

    assert seconds(cut) == seconds(whole)
    assert past.totals.lines == 600
    assert [sum(x.lines for x in f.panes) for f in cut] == [3] * 200


def test_a_rotated_file_comes_before_its_successor(tmp_path: Path) -> None:
    new = log(tmp_path, "app.log", [10, 11])
    old = log(tmp_path, "app.log.1", [1, 2])

    assert seconds(frames([new, old])[0]) == [1, 2, 10, 11]


def test_a_file_without_times_holds_nothing_up(tmp_path: Path) -> None:
    timed = log(tmp_path, "a", [0, 1])
    other = tmp_path / "b"
    other.write_text("no time here\n" * 3)

    found, past = frames([timed, LogFile(str(other), "b", "web-1", 39, float(START))])

    assert seconds(found) == [0, 1]
    assert past.totals.untimed == 3


def test_a_file_that_went_away_is_told(tmp_path: Path) -> None:
    a, b = log(tmp_path, "a", [0]), log(tmp_path, "b", [1])
    Path(a.path).unlink()

    found, past = frames([a, b])

    assert seconds(found) == [1]
    assert past.totals.unreadable == {a.path: "No such file or directory"}


@pytest.mark.e2e
def test_two_processes_give_what_one_gives_from_stack_traces_cut_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [log(tmp_path, name, list(range(0, 300, 2))) for name in "abc"]
    trace = "2026-03-14T00:00:%02dZ ERROR x\njava.lang.E: y\n\tat a.B(C.java:1)\n"
    path = tmp_path / "d"
    path.write_text("".join(trace % (at % 60) for at in range(400)))
    files.append(LogFile(str(path), "d", "web-1", path.stat().st_size, float(START)))
    monkeypatch.setattr(history, "_FIRST_BYTES", 100)
    monkeypatch.setattr(history, "CHUNK_BYTES", 3333)

    found, past = frames(files, processes=2)

    assert found == frames(files)[0]
    assert past.totals.lines == 3 * 150 + 3 * 400
    assert sum(p.lines for f in found for p in f.panes) == 3 * 150 + 400
