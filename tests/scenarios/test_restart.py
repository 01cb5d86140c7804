"""Scenarios 15 and 44 to 54: stopped, killed, and what happened meanwhile."""

from __future__ import annotations

import os
import shutil
import threading
import time
from pathlib import Path

import pytest

from tests.scenarios.clock import Clock
from tests.scenarios.stage import Stage
from tests.scenarios.writer import Writer
from tocsin.ports.bus import Bus
from tocsin.records.topics import CHECKPOINTS

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


def ship_and_stop(stage: Stage, path: Path, count: int = 20) -> None:
    """Have some lines shipped, and the collector gone."""
    with stage.home.collector():
        stage.home.wait_watching()
        stage.write(path, count)
        stage.wait()


def test_s15_a_line_that_sigterm_finds_unfinished_is_whole_after_the_restart(
    stage: Stage,
) -> None:
    path = stage.logs / "app.log"
    with stage.home.collector():
        stage.write(path)
        stage.append(path, b"begun before")
        stage.wait()
        time.sleep(0.2)
    stage.append(path, b" and ended after\n")
    stage.expect([b"begun before and ended after"])

    with stage.home.collector():
        stage.expect_exactly_once()


def test_s44_sigterm_in_the_middle_of_a_file(any_stage: Stage) -> None:
    path = any_stage.logs / "app.log"
    any_stage.write(path, 30_000)
    with any_stage.home.collector():
        any_stage.wait(1)
    any_stage.write(path, 1_000)

    with any_stage.home.collector():
        any_stage.expect_exactly_once()
    assert len(any_stage.file_ids()) == 1


def test_s45_kill_9_in_the_middle_of_a_backlog(any_stage: Stage) -> None:
    paths = [any_stage.logs / f"{name}.log" for name in "abc"]
    for path in paths:
        any_stage.write(path, 20_000)
    for count in (1, 20_000):
        collector = any_stage.home.collector()
        collector.start()
        any_stage.wait(count)
        collector.kill()

    with any_stage.home.collector():
        any_stage.expect_exactly_once()


def test_s46_five_kills_while_a_program_writes(any_stage: Stage) -> None:
    path = any_stage.logs / "app.log"
    stop = threading.Event()

    def write() -> None:
        writer = Writer(any_stage, path)
        while not stop.wait(0.01):
            writer.write(50)
        writer.close()

    thread = threading.Thread(target=write)
    thread.start()
    try:
        for _ in range(5):
            collector = any_stage.home.collector()
            collector.start()
            before = len(any_stage.records())
            any_stage.wait(before + 1)
            collector.kill()
    finally:
        stop.set()
        thread.join()

    with any_stage.home.collector():
        any_stage.expect_exactly_once()


def test_s47_rotated_inside_the_glob_while_stopped(stage: Stage) -> None:
    path = stage.logs / "app.log"
    ship_and_stop(stage, path)
    stage.write(path)
    path.rename(path.with_name("app.log.1"))
    stage.write(path)

    with stage.home.collector():
        stage.expect_exactly_once()
    assert len(stage.file_ids()) == 2


def test_s48_rotated_outside_the_glob_while_stopped(any_stage: Stage) -> None:
    path = any_stage.logs / "app.log"
    glob = f"{any_stage.logs}/*.log"
    with any_stage.home.collector(glob):
        any_stage.home.wait_watching(glob)
        any_stage.write(path)
        any_stage.wait()
    any_stage.write(path, 20)
    path.rename(path.with_name("app.log-2026"))
    any_stage.write(path)

    with any_stage.home.collector(glob):
        any_stage.expect_exactly_once()
    assert len(any_stage.file_ids()) == 2


def test_s48_pinned_files_outlive_rotation_deletion_and_an_outage_together(
    stage: Stage,
) -> None:
    path = stage.logs / "app.log"
    collector = stage.home.collector(pin=True)
    collector.start()
    stage.home.wait_watching()
    stage.write(path)
    stage.wait()
    with stage.home.frozen():
        stage.write(path, 50)
        time.sleep(0.5)
        collector.kill()
    path.unlink()
    stage.write(path)

    with stage.home.collector(pin=True) as collector:
        stage.expect_exactly_once()
        assert collector.lost_bytes == 0


def test_s49_copied_and_truncated_while_stopped(stage: Stage) -> None:
    path = stage.logs / "app.log"
    ship_and_stop(stage, path)
    stage.write(path, 5)
    shutil.copy(path, path.with_name("app.log.1"))
    os.truncate(path, 0)
    stage.write(path)

    with stage.home.collector():
        stage.expect_exactly_once()


def test_s40_an_inode_that_is_used_again_while_stopped(stage: Stage) -> None:
    path = stage.logs / "app.log"
    ship_and_stop(stage, path)
    inode = path.stat().st_ino
    path.unlink()
    spare = []
    for number in range(200):
        path.touch()
        if path.stat().st_ino == inode:
            break
        spare.append(path.rename(path.with_name(f".{number}")))
    else:
        pytest.skip("this file system does not use an inode again at once")
    stage.write(path, 100)

    with stage.home.collector():
        stage.expect_exactly_once()
    assert len(stage.file_ids()) == 2


def vandalise(bus: Bus, rows: dict[bytes, bytes]) -> None:
    producer = bus.producer("vandal")
    with producer.transaction() as transaction:
        transaction.put(CHECKPOINTS, dict(rows))
    producer.close()


@pytest.mark.parametrize(
    "damage", [b"", b"nonsense", b'{"v":1,"file_id', b'{"v":99}', b"\xff\x00"]
)
def test_s50_a_damaged_checkpoint_is_told_and_costs_a_second_reading_at_worst(
    stage: Stage, damage: bytes
) -> None:
    damaged, sound = stage.logs / "damaged.log", stage.logs / "sound.log"
    with stage.home.collector():
        stage.home.wait_watching()
        stage.write(damaged)
        stage.write(sound)
        stage.wait()
    (file_id,) = [
        key for key, row in stage.home.streams().items() if row.path == str(damaged)
    ]
    again = stage.wrote.total() // 2
    (key,) = stage.home.rows(f"collector-it/{file_id}")
    vandalise(stage.home.bus, {key: damage})

    with stage.home.collector() as collector:
        collector.wait_said("checkpoint_unreadable", file_id)
        stage.write(damaged)
        stage.write(sound)
        stage.wait(stage.wrote.total() + again)

    values = stage.values()
    assert values.keys() == stage.wrote.keys()
    doubled = {value for value, count in values.items() if count == 2}
    assert len(doubled) == again
    assert max(values.values()) == 2


def test_s52_a_checkpoint_of_the_first_format_is_understood(stage: Stage) -> None:
    path = stage.logs / "app.log"
    path.write_bytes(b"one\ntwo\n")
    at = path.stat()
    file_id = f"{at.st_dev:x}-{at.st_ino:x}-mww1bqjn"
    row = (
        '{{"v":1,"file_id":"{}","path":"{}","root":"{}","service":"app","offset":8,'
        '"head_length":8,"head":"{}","tail_length":8,"tail":"{}",'
        '"first_seen_at":1760000000.0,"at":1760000000.0}}'
    ).format(file_id, path, stage.logs, *["ce24bc50e2daf5f8"] * 2)
    with stage.home.collector(stage.home.folder / "nothing", name="other"):
        stage.home.wait_watching(stage.home.folder / "nothing", name="other")
    vandalise(stage.home.bus, {f"collector-it/{file_id}".encode(): row.encode()})

    stage.write(path)
    with stage.home.collector() as collector:
        stage.wait()
        stage.check()
        assert not collector.said("checkpoint_unreadable")
    assert {r.key.file_id for r in stage.records()} == {file_id}
    assert stage.records()[0].key.offset == 8


def test_s53_a_second_collector_of_the_same_name_fences_the_first(
    any_stage: Stage,
) -> None:
    path = any_stage.logs / "app.log"
    first = any_stage.home.collector()
    first.start()
    try:
        any_stage.write(path, 100)
        any_stage.wait()
        with any_stage.home.collector() as second:
            second.wait_said("file_resumed")
            any_stage.write(path, 100)
            assert first.process is not None
            assert first.process.wait(timeout=20) == 3
            any_stage.write(path, 100)

            any_stage.expect_exactly_once()
        assert "tocsin: " in first.log.read_text()
    finally:
        first.kill()


def test_s54_a_clock_that_jumps_back_loses_and_doubles_nothing(stage: Stage) -> None:
    path, clock = stage.logs / "app.log", Clock(stage.home.folder)
    for start in range(2):
        with clock.give(stage.home.collector()):
            stage.write(path)
            stage.wait()
            clock.jump(-3600)
            stage.write(path)
            if not start:
                path.rename(path.with_name("app.log.1"))
            stage.write(path)
            os.utime(path, (time.time() - 3600,) * 2)
            stage.write(stage.logs / f"new-{start}.log")
            stage.wait()

            stage.expect_exactly_once()
    times = [r.at_ms for r in stage.records()]
    assert max(times) - min(times) > 3_500_000
