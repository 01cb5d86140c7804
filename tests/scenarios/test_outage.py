"""Scenarios 29, 30, 36, 51 and 67: the bus is away, and files go on living."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.scenarios.program import eventually
from tests.scenarios.stage import Stage
from tests.scenarios.writer import Writer

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

UNREAD = "tocsin_collector_unread_bytes"


def test_s29_a_large_file_that_was_rotated_away_unread_is_read_to_its_end(
    stage: Stage,
) -> None:
    path = stage.logs / "app.log"
    outside = stage.home.folder / "away"
    with stage.home.collector() as collector:
        stage.write(path)
        stage.wait()
        with collector.stopped():
            stage.write(path, 100_000)
            path.rename(outside)
            stage.write(path)

        stage.expect_exactly_once()
        assert collector.lost_bytes == 0


def test_s30_a_file_deleted_unread_while_the_bus_is_down_is_read_to_its_end(
    any_stage: Stage,
) -> None:
    path = any_stage.logs / "app.log"
    with any_stage.home.collector() as collector:
        writer = Writer(any_stage, path)
        writer.write()
        any_stage.wait()
        with any_stage.home.frozen():
            writer.write(5_000)
            path.unlink()
            time.sleep(0.5)
            writer.write(10)
            any_stage.write(path, 10)
            writer.close()

        any_stage.expect_exactly_once()
        assert collector.lost_bytes == 0


def test_s36_truncated_while_the_bus_is_down(any_stage: Stage) -> None:
    path = any_stage.logs / "app.log"
    with any_stage.home.collector() as collector:
        any_stage.write(path, 20)
        any_stage.wait()
        kept = any_stage.wrote.total()
        with any_stage.home.frozen():
            gone = any_stage.append(
                path, b"".join(line + b"\n" for line in any_stage.lines(200))
            )
            time.sleep(0.5)
            os.truncate(path, 0)
            any_stage.write(path, 5)
            kept += 5
            time.sleep(0.5)
        wanted = any_stage.wrote.copy()
        eventually(lambda: not wanted - any_stage.values(), "what was not truncated")
        any_stage.records(0.3)

        # What was taken before it was truncated comes once, the rest is counted.
        came = any_stage.values() - wanted
        assert set(came) <= set(gone.splitlines())
        assert max(any_stage.values().values()) == 1
        size = sum(len(value) + 1 for value in came)
        eventually(
            lambda: collector.lost_bytes == len(gone) - size,
            f"{len(gone) - size} bytes counted as lost",
        )


@contextmanager
def small_disk(at: Path, size: str) -> Iterator[None]:
    if os.geteuid() != 0:
        pytest.skip("only root may mount a small disk")
    subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "s51", at], check=True
    )
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", at], check=True)


def fill(path: Path) -> None:
    """Write until the disk is full."""
    with contextlib.suppress(OSError), path.open("wb", buffering=0) as file:
        while True:
            file.write(b"x" * 4_096)


def test_s51_a_full_state_directory_stops_the_embedded_bus_and_loses_nothing(
    stage: Stage,
) -> None:
    path = stage.logs / "app.log"
    with small_disk(stage.home.state, "4m"), stage.home.collector() as collector:
        stage.write(path)
        stage.wait()
        ballast = stage.home.state / "ballast"
        fill(ballast)
        stage.write(path, 5_000)
        collector.wait_said("bus_unavailable", "full")
        came = len(stage.records(0.2))

        ballast.unlink()

        stage.expect_exactly_once()
        assert came < stage.wrote.total()
        assert len(collector.said("bus_unavailable").splitlines()) == 1
        stage.home.close()


@pytest.mark.kafka
def test_s51_on_kafka_the_state_directory_is_not_needed(kafka_stage: Stage) -> None:
    kafka_stage.home.state = Path("/proc/no/such/place")
    with kafka_stage.home.collector():
        kafka_stage.write(kafka_stage.logs / "app.log")

        kafka_stage.expect_exactly_once()


def test_s67_bytes_behind_are_told_and_what_is_truncated_unread_is_lost(
    stage: Stage,
) -> None:
    path, other = stage.logs / "app.log", stage.logs / "other.log"
    with stage.home.collector() as collector:
        stage.write(path)
        stage.write(other)
        stage.wait()
        eventually(lambda: collector.metric(UNREAD) == 0, "nothing unread")
        assert collector.lost_bytes == 0

        with collector.stopped():
            gone = stage.append(path, b"".join(x + b"\n" for x in stage.lines(50)))
        stage.expect(gone.splitlines())
        stage.wait()
        with stage.home.frozen():
            stage.append(other, b"unfinished")
            eventually(
                lambda: collector.metric(UNREAD, service="other") == 10, "unread"
            )
            os.truncate(other, 0)
            eventually(lambda: collector.metric(UNREAD, service="other") == 0, "cut")

        eventually(lambda: collector.lost_bytes == 10, "ten bytes lost")
        stage.write(other)
        stage.expect_exactly_once()
