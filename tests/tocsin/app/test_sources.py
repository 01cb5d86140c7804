"""`tocsin sources` on what a real collector's core has committed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.collector.core import Desk, ManualClock
from tests.collector.rig import ready_bus
from tocsin.app.sources import SourceRow, State, sources
from tocsin.cli.root import invoke
from tocsin.cli.source_text import live_table
from tocsin.records.topics import FORMATS

NOW = 2_000_000_000.0


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    logs = tmp_path / "logs"
    logs.mkdir()
    with ready_bus(tmp_path) as bus:
        made = Desk(bus, logs, ManualClock(NOW))
        yield made
        made.kill()


def rows(desk: Desk) -> dict[str, SourceRow]:
    found = sources(desk.bus, host="h", now=desk.clock.now)
    return {Path(row.path).name: row for row in found}


def test_a_file_is_caught_up_or_so_many_bytes_and_seconds_behind(desk: Desk) -> None:
    (desk.logs / "a.log").write_bytes(b"one\ntwo\n")
    (desk.logs / "b.log").write_bytes(b"one\n")
    desk.work()
    with (desk.logs / "b.log").open("ab") as file:
        file.write(b"three\n")
    desk.clock.now += 12.5

    found = rows(desk)

    assert found["a.log"].state is State.CAUGHT_UP
    assert (found["a.log"].position, found["a.log"].behind_s) == (8, 0.0)
    assert found["b.log"].state is State.BEHIND
    assert (found["b.log"].behind_bytes, found["b.log"].behind_s) == (6, 12.5)


def test_rotated_rewritten_and_deleted_files_are_told(desk: Desk) -> None:
    for name in ("a.log", "b.log", "c.log"):
        (desk.logs / name).write_bytes(b"one\ntwo\n")
    desk.work()
    (desk.logs / "a.log").rename(desk.logs / "a.log.1")
    (desk.logs / "a.log").write_bytes(b"three\n")
    desk.work()
    (desk.logs / "b.log").write_bytes(b"x\n")
    (desk.logs / "c.log").unlink()

    found = {name: row.state for name, row in rows(desk).items()}

    assert found == {
        "a.log": State.CAUGHT_UP,
        "a.log.1": State.ROTATED,
        "b.log": State.REWRITTEN,
        "c.log": State.GONE,
    }


def test_the_format_is_the_one_that_the_processor_reads_it_as(desk: Desk) -> None:
    (desk.logs / "a.log").write_bytes(b"{}\n")
    desk.work()
    (row,) = rows(desk).values()
    assert row.format == ""
    producer = desk.bus.producer("processor")
    with producer.transaction() as tx:
        key = f"{row.service}/h/{row.file_id}".encode()
        tx.put(FORMATS, {key: b'{"format":"json","learned_at":1.0}'})
    producer.close()

    assert rows(desk)["a.log"].format == "json"


def test_the_command_prints_a_table_or_objects(
    desk: Desk, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOCSIN_COLLECTOR_HOST", "h")
    path = desk.logs / "evil\x1b[2J.log"
    path.write_bytes(b"one\n")
    desk.work()
    words = ["sources", "--state-dir", str(desk.logs.parent)]

    assert invoke(words) == 0
    table = capsys.readouterr().out
    assert table.startswith("FILE")
    assert "\x1b" not in table
    assert table.endswith("1 files, 0 bytes and 0.0 s behind\n")
    assert invoke([*words, "--json"]) == 0
    (shown,) = map(json.loads, capsys.readouterr().out.splitlines())
    assert shown["path"] == str(path)
    assert shown["state"] == "caught_up"


def test_the_live_table_can_be_drawn(desk: Desk) -> None:
    (desk.logs / "a.log").write_bytes(b"one\n")
    desk.work()

    with live_table() as show:
        show(list(rows(desk).values()))
