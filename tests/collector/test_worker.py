"""The whole collector, in a thread, on the embedded bus and real files."""

from __future__ import annotations

import os
import shutil
import socket
import time
from pathlib import Path
from typing import cast

import pytest

from tests.collector.faults import Fault, FaultyBus
from tests.collector.rig import LogLines, Rig, by_file, prove_tiling, wait_for
from tocsin.errors import Fenced
from tocsin.ports.bus import Bus
from tocsin.records.collectors import decode_beat
from tocsin.records.keys import Mark
from tocsin.records.topics import COLLECTORS

# A start, some waking up and a stop: a tenth of a second on an idle machine, more on a
# busy one.
pytestmark = pytest.mark.slow


def append(path: Path, *lines: str | bytes) -> None:
    """Append whole lines."""
    with path.open("ab") as file:
        for line in lines:
            file.write((line.encode() if isinstance(line, str) else line) + b"\n")


def numbered(name: str, count: int, *, start: int = 0) -> list[str]:
    """Lines that are all different."""
    return [f"{name} line {i}" for i in range(start, start + count)]


def test_existing_and_appended_lines_arrive_in_order(rig: Rig) -> None:
    path = rig.logs / "app.log"
    append(path, *numbered("a", 3))

    with rig.collecting():
        rig.wait_for_lines(3)
        append(path, *numbered("a", 2, start=3))
        rig.wait_for_lines(5)

    assert rig.lines() == [line.encode() for line in numbered("a", 5)]
    prove_tiling(rig.records())


def test_a_restart_goes_on_where_it_stopped(rig: Rig) -> None:
    path = rig.logs / "app.log"
    append(path, "one")
    with rig.collecting():
        rig.wait_for_lines(1)
    append(path, "two")

    with rig.collecting():
        rig.wait_for_lines(2)

    assert rig.lines() == [b"one", b"two"]
    assert len(by_file(rig.records())) == 1


def test_new_files_and_directories_are_read_from_their_beginning(rig: Rig) -> None:
    with rig.collecting(start="end"):
        wait_for(lambda: b"rig/@" in b"".join(_rows(rig)), "the first scan")
        (rig.logs / "api" / "deep").mkdir(parents=True)
        append(rig.logs / "api" / "deep" / "x.log", "hello")
        rig.wait_for_lines(1)

    [record] = rig.records()
    assert (record.key.service, record.key.offset, record.value) == ("api", 0, b"hello")


def _rows(rig: Rig) -> dict[bytes, bytes]:
    view = rig.bus.table("checkpoints")
    try:
        return dict(view.rows)
    finally:
        view.close()


def test_start_at_the_end_skips_what_is_there_but_no_half_line(rig: Rig) -> None:
    path = rig.logs / "app.log"
    path.write_bytes(b"old\nunfini")

    with rig.collecting(start="end"):
        wait_for(lambda: len(_rows(rig)) == 2, "the checkpoint")
    append(path, "shed")
    with rig.collecting(start="end"):
        rig.wait_for_lines(1)

    assert rig.lines() == [b"unfinished"]


def test_a_file_ignored_as_old_is_read_on_from_where_it_was(rig: Rig) -> None:
    path = rig.logs / "app.log"
    append(path, "old")
    os.utime(path, (1_000_000_000, 1_000_000_000))

    with rig.collecting(ignore_older="24h"):
        wait_for(lambda: len(_rows(rig)) == 2, "the checkpoint")
        append(path, "new")
        rig.wait_for_lines(1)

    assert rig.lines() == [b"new"]


def test_an_unfinished_line_waits_for_its_end(rig: Rig) -> None:
    path = rig.logs / "app.log"
    path.write_bytes(b"one\nhal")
    with rig.collecting():
        rig.wait_for_lines(1)
    with path.open("ab") as file:
        file.write(b"f line\n")

    with rig.collecting():
        rig.wait_for_lines(2)

    assert rig.lines() == [b"one", b"half line"]


def test_a_renamed_file_is_read_to_its_end_and_the_new_one_from_its_start(
    rig: Rig, log: LogLines
) -> None:
    path = rig.logs / "app.log"
    append(path, *numbered("a", 3))

    with rig.collecting(), path.open("ab") as writer:
        rig.wait_for_lines(3)
        path.rename(rig.logs / "app.log.1")
        append(path, "new")
        writer.write(b"late\n")
        writer.flush()
        rig.wait_for_lines(5)

    assert sorted(rig.lines()) == [
        b"a line 0",
        b"a line 1",
        b"a line 2",
        b"late",
        b"new",
    ]
    assert log.having("file_rotated", "renamed", "app.log.1")
    prove_tiling(rig.records())


def test_rotations_while_stopped_lose_nothing(rig: Rig) -> None:
    path = rig.logs / "app.log"
    append(path, "one")
    with rig.collecting():
        rig.wait_for_lines(1)
    append(path, "two")
    path.rename(rig.logs / "app.log.2")
    append(rig.logs / "app.log.1", "three")
    append(path, "four")

    with rig.collecting():
        rig.wait_for_lines(4)

    assert sorted(rig.lines()) == [b"four", b"one", b"three", b"two"]
    prove_tiling(rig.records())


def test_a_file_rotated_out_of_the_glob_while_stopped_is_found_again(rig: Rig) -> None:
    path = rig.logs / "app.log"
    append(path, "one")
    with rig.collecting(str(rig.logs / "*.log")):
        rig.wait_for_lines(1)
    append(path, "two")
    path.rename(rig.logs / "app.log.1")
    append(path, "three")

    with rig.collecting(str(rig.logs / "*.log")):
        rig.wait_for_lines(3)

    assert sorted(rig.lines()) == [b"one", b"three", b"two"]


def test_a_deleted_file_is_read_to_its_end_through_its_descriptor(rig: Rig) -> None:
    path = rig.logs / "app.log"
    append(path, "one")

    with rig.collecting(), path.open("ab") as writer:
        rig.wait_for_lines(1)
        path.unlink()
        writer.write(b"two\n")
        writer.flush()
        rig.wait_for_lines(2)
        append(path, "again")
        rig.wait_for_lines(3)

    assert sorted(rig.lines()) == [b"again", b"one", b"two"]
    assert len(by_file(rig.records())) == 2


def test_a_truncated_file_is_a_new_file(rig: Rig, log: LogLines) -> None:
    path = rig.logs / "app.log"
    append(path, *numbered("a", 3))

    with rig.collecting():
        rig.wait_for_lines(3)
        os.truncate(path, 0)
        append(path, "b")
        rig.wait_for_lines(4)

    old, new = sorted(by_file(rig.records()).values(), key=len, reverse=True)
    assert (len(old), [r.value for r in new]) == (3, [b"b"])
    assert log.having("file_rotated", "truncated", str(path))
    prove_tiling(rig.records())


def test_a_file_rewritten_longer_while_stopped_is_a_new_file(rig: Rig) -> None:
    path = rig.logs / "app.log"
    append(path, "header", "one")
    with rig.collecting():
        rig.wait_for_lines(2)
    path.write_bytes(b"header\nother\nand more\n")

    with rig.collecting():
        rig.wait_for_lines(5)

    old, new = sorted(by_file(rig.records()).values(), key=len)
    assert [r.value for r in old] == [b"header", b"one"]
    assert [r.value for r in new] == [b"header", b"other", b"and more"]


@pytest.mark.parametrize("stopped", [False, True])
def test_of_a_copied_and_truncated_file_only_what_was_not_read_comes_again(
    rig: Rig, *, stopped: bool
) -> None:
    path = rig.logs / "app.log"
    append(path, *numbered("a", 30))

    if stopped:
        with rig.collecting():
            rig.wait_for_lines(30)
        append(path, "unread")
        shutil.copyfile(path, rig.logs / "app.log.1")
        os.truncate(path, 0)
        append(path, "new")
        with rig.collecting():
            rig.wait_for_lines(32)
        expected = [*numbered("a", 30), "new", "unread"]
    else:
        with rig.collecting():
            rig.wait_for_lines(30)
            shutil.copyfile(path, rig.logs / "app.log.1")
            os.truncate(path, 0)
            append(path, "new")
            rig.wait_for_lines(31)
        expected = [*numbered("a", 30), "new"]

    assert sorted(rig.lines()) == sorted(line.encode() for line in expected)
    prove_tiling(rig.records(), start=None)


def test_a_hole_left_by_a_truncation_is_no_line(rig: Rig) -> None:
    path = rig.logs / "app.log"

    with path.open("wb") as writer, rig.collecting():
        writer.write(b"x" * 20_000 + b"\n")
        writer.flush()
        rig.wait_for_lines(1)
        os.truncate(path, 0)
        writer.write(b"after\n")
        writer.flush()
        rig.wait_for_lines(2)

    [record] = [r for r in rig.records() if not r.value.startswith(b"x")]
    assert (record.value, record.key.offset) == (b"after", 20_001)
    assert record.key.mark is Mark.NUL
    assert rig.metric("tocsin_collector_skipped_bytes_total") == record.key.offset


def test_one_file_with_two_names_is_shipped_once(rig: Rig) -> None:
    append(rig.logs / "a.log", "one")
    os.link(rig.logs / "a.log", rig.logs / "b.log")
    (rig.logs / "c.log").symlink_to(rig.logs / "a.log")

    with rig.collecting():
        rig.wait_for_lines(1)
        append(rig.logs / "z.log", "last")
        rig.wait_for_lines(2)

    assert sorted(rig.lines()) == [b"last", b"one"]


def test_what_is_no_log_is_left_out_with_its_reason(rig: Rig, log: LogLines) -> None:
    append(rig.logs / "app.log", "one")
    append(rig.logs / "app.log.1", "old")
    os.utime(rig.logs / "app.log.1", (time.time() - 60, time.time() - 60))
    append(rig.logs / "app.log.2.gz", "packed")
    append(rig.logs / "core", b"\x7fELF" + bytes(range(64)))
    (rig.logs / "dangling.log").symlink_to(rig.logs / "nowhere")
    os.mkfifo(rig.logs / "pipe.log")

    with socket.socket(socket.AF_UNIX) as listener, rig.collecting():
        listener.bind(str(rig.logs / "sock.log"))
        rig.wait_for_lines(1)
        wait_for(lambda: len(log.having("left_out")) >= 5, "the reasons")

    assert rig.lines() == [b"one"]
    for reason in ("rotated", "compressed", "binary", "dangling_link", "not_a_file"):
        assert log.having("left_out", f"reason={reason}")


def test_odd_names_and_odd_bytes_arrive_as_they_are(rig: Rig) -> None:
    names = [
        b"new\nline.log",
        b"caf\xe9.log",
        "\N{BELL} bell.log".encode(),
        b"a b%.log",
    ]
    for name in names:
        Path(os.fsdecode(os.fsencode(rig.logs) + b"/" + name)).write_bytes(
            b"ok\r\n\xff\xfe invalid\n\n nul \x00 inside and more text to be a log\n"
        )

    with rig.collecting():
        rig.wait_for_lines(16)

    values = [
        b"ok\r",
        b"\xff\xfe invalid",
        b"",
        b" nul \x00 inside and more text to be a log",
    ]
    for records in by_file(rig.records()).values():
        assert [r.value for r in records] == values
    shipped = {os.fsencode(Path(path).name) for path in rig.paths().values()}
    assert shipped == set(names)
    prove_tiling(rig.records())


def test_a_line_of_10_mib_is_cut_and_counted(rig: Rig, log: LogLines) -> None:
    path = rig.logs / "app.log"
    append(path, "before", b"x" * 10 * 1024**2, "after")

    with rig.collecting():
        rig.wait_for_lines(3)
        wait_for(lambda: bool(log.having("line_cut")), "the message")

    before, cut, after = rig.records()
    assert [before.value, after.value] == [b"before", b"after"]
    assert (cut.value, cut.key.mark) == (b"x" * 1_000_000, Mark.CUT)
    assert after.key.offset == cut.key.offset + 10 * 1024**2 + 1
    dropped = 10 * 1024**2 - 1_000_000
    assert rig.metric("tocsin_collector_cut_bytes_total") == dropped
    assert rig.metric("tocsin_collector_truncated_lines_total") == 1


def test_a_line_that_the_bus_refuses_becomes_a_dead_letter(rig: Rig) -> None:
    path = rig.logs / "app.log"
    append(path, "before", b"y" * 1_048_570, "after")

    with rig.collecting(max_line="2MiB"):
        rig.wait_for_lines(2)
        wait_for(lambda: bool(rig.dead_letters()), "the dead letter")

    assert rig.lines() == [b"before", b"after"]
    [letter] = rig.dead_letters()
    assert b'"reason":"too_large"' in letter.value
    assert b'"bytes":1048570' in letter.value
    assert letter.key.offset == len("before\n")
    assert rig.metric("tocsin_dead_letters_total", reason="too_large") == 1
    lost = rig.metric("tocsin_collector_lost_bytes_total", reason="too_large")
    assert lost == 1_048_570


def test_a_missing_path_is_told_once_and_read_when_it_appears(
    rig: Rig, log: LogLines
) -> None:
    path = rig.logs / "later" / "app.log"

    with rig.collecting(str(path)):
        wait_for(lambda: bool(log.having("path_missing", str(path))), "the message")
        path.parent.mkdir()
        append(path, "one")
        rig.wait_for_lines(1)

    assert len(log.having("path_missing")) == 1
    assert rig.lines() == [b"one"]


def test_a_directory_without_logs_is_told_and_watched(rig: Rig, log: LogLines) -> None:
    (rig.logs / "settings.yaml").write_text("a: 1\n")

    with rig.collecting():
        wait_for(lambda: bool(log.having("nothing_to_read", str(rig.logs))), "it")
        append(rig.logs / "app.log", "one")
        rig.wait_for_lines(1)


def test_excluded_files_are_never_read_and_no_file_twice(rig: Rig) -> None:
    append(rig.logs / "a.log", "a")
    append(rig.logs / "b.log", "b")

    with rig.collecting(str(rig.logs), str(rig.logs / "*.log"), exclude=["b.log"]):
        rig.wait_for_lines(1)
        append(rig.logs / "c.log", "c")
        rig.wait_for_lines(2)

    assert sorted(rig.lines()) == [b"a", b"c"]


def test_a_damaged_checkpoint_is_told_and_its_file_read_again(
    rig: Rig, log: LogLines
) -> None:
    append(rig.logs / "app.log", "one")
    with rig.collecting():
        rig.wait_for_lines(1)
    damaged = {key: b"{half" for key in _rows(rig) if b"@" not in key}
    producer = rig.bus.producer("vandal")
    with producer.transaction() as transaction:
        transaction.put("checkpoints", damaged)
    producer.close()

    with rig.collecting():
        rig.wait_for_lines(2)

    assert log.having("checkpoint_unreadable", next(iter(damaged)).decode())
    assert damaged.keys().isdisjoint(_rows(rig))


def test_more_files_than_descriptors_are_all_read(rig: Rig) -> None:
    for i in range(40):
        append(rig.logs / f"{i}.log", f"first {i}")

    with rig.collecting(max_open_files=8):
        rig.wait_for_lines(40)
        for i in range(40):
            append(rig.logs / f"{i}.log", f"second {i}")
        rig.wait_for_lines(80)

    assert len(set(rig.lines())) == 80
    prove_tiling(rig.records())


def test_the_counts_of_the_metrics_are_those_of_the_topic(rig: Rig) -> None:
    append(rig.logs / "app.log", "one", "three")

    with rig.collecting():
        rig.wait_for_lines(2)
        wait_for(lambda: rig.metric("tocsin_collector_lines_total", service="app") == 2)
        bytes_ = rig.metric("tocsin_collector_bytes_total", service="app")

    assert bytes_ == len("one\nthree\n")


@pytest.mark.parametrize("fault", [Fault.ABORTED, Fault.AWAY, Fault.ANSWER_LOST])
def test_a_failing_bus_loses_and_doubles_nothing(
    rig: Rig, log: LogLines, fault: Fault
) -> None:
    path = rig.logs / "app.log"
    append(path, *numbered("a", 100))
    bus = FaultyBus(rig.bus)

    with rig.collecting(bus=cast("Bus", bus)):
        rig.wait_for_lines(100)
        bus.fault = fault
        append(path, *numbered("a", 100, start=100))
        wait_for(lambda: bus.failed >= 2, "two failures")
        append(path, *numbered("a", 100, start=200))
        path.rename(rig.logs / "app.log.1")
        bus.fault = Fault.NONE
        append(path, "new")
        rig.wait_for_lines(301)

    assert len(rig.lines()) == len(set(rig.lines())) == 301
    prove_tiling(rig.records())
    told = log.having("bus_unavailable")
    assert len(told) == (0 if fault is Fault.ABORTED else 1)
    assert bool(log.having("bus_available")) is bool(told)


def test_a_bus_that_is_away_at_the_start_is_waited_for(rig: Rig, log: LogLines) -> None:
    append(rig.logs / "app.log", "one")
    bus = FaultyBus(rig.bus)
    bus.fault = Fault.AWAY

    with rig.collecting(bus=cast("Bus", bus)):
        wait_for(lambda: bus.failed >= 2, "two attempts")
        bus.fault = Fault.NONE
        rig.wait_for_lines(1)

    assert len(log.having("bus_unavailable")) == 1


def test_it_stops_while_the_bus_is_away(rig: Rig) -> None:
    append(rig.logs / "app.log", "one")
    bus = FaultyBus(rig.bus)
    bus.fault = Fault.AWAY

    with rig.collecting(bus=cast("Bus", bus)):
        wait_for(lambda: bus.failed >= 1, "an attempt")

    assert rig.records() == []


def test_a_second_collector_of_one_identity_ends_the_first(rig: Rig) -> None:
    path = rig.logs / "app.log"
    append(path, "one")

    def both() -> None:
        with rig.collecting():
            rig.wait_for_lines(1)
            with rig.collecting():
                append(path, "two")
                rig.wait_for_lines(2)
            append(path, "three")
            wait_for(lambda: not rig.threads[0].is_alive(), "its end")

    with pytest.raises(Fenced):
        both()
    assert rig.lines() == [b"one", b"two"]


@pytest.mark.parametrize(
    ("age_s", "old_bytes"), [(3_600.0, len(b"ERROR one\n")), (60.0, 0)]
)
def test_what_was_old_when_its_file_was_met_is_told(
    rig: Rig, age_s: float, old_bytes: int
) -> None:
    path = rig.logs / "app.log"
    path.write_bytes(b"ERROR one\n")
    then = time.time() - age_s
    os.utime(path, (then, then))

    with rig.collecting():
        rig.wait_for_lines(1)
        with path.open("ab") as file:
            file.write(b"ERROR two\n")
        rig.wait_for_lines(2)

    assert [
        (stream.met_bytes, stream.old_bytes) for stream in rig.streams().values()
    ] == [(len(b"ERROR one\n"), old_bytes)]


def test_what_was_written_long_before_a_restart_is_told(rig: Rig) -> None:
    path = rig.logs / "app.log"
    path.write_bytes(b"one\n")
    with rig.collecting():
        rig.wait_for_lines(1)
    path.write_bytes(b"one\nERROR two\n")
    then = time.time() - 3_600
    os.utime(path, (then, then))

    with rig.collecting():
        rig.wait_for_lines(2)

    assert [stream.old_bytes for stream in rig.streams().values()] == [14]


def test_a_collector_shows_that_it_lives_until_it_is_stopped(rig: Rig) -> None:
    view = rig.bus.table(COLLECTORS)

    with rig.collecting():
        wait_for(lambda: bool(view.refresh()), "a sign of life")
        [row] = view.rows.values()
    view.refresh()

    assert decode_beat(row).host == "h"
    assert abs(decode_beat(row).at - time.time()) < 60
    assert view.rows == {}
    view.close()
