"""Scenarios 10, 22 and 70 at length: short here, in full by `make soak`."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import NamedTuple

import psutil
import pytest

from tests.scenarios.program import Collector, eventually
from tests.scenarios.stage import Stage

IS_FULL = os.environ.get("TOCSIN_SOAK") == "1"

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(4 * 3600)]

FILES = 10
LAST_S, ROTATE_S = (1800.0, 2.0) if IS_FULL else (6.0, 0.3)
LARGE_BYTES = (2 << 30) + (100 << 20) if IS_FULL else 20 << 20
KEPT = 3


class Usage(NamedTuple):
    """What a process holds."""

    resident: int
    descriptors: int

    @classmethod
    def of(cls, collector: Collector) -> Usage:
        process = psutil.Process(collector.pid)
        return cls(process.memory_info().rss, process.num_fds())


def rotate(path: Path) -> None:
    """Rename the twins one further, the oldest away, and the file to the first."""
    twins = [path.with_name(f"{path.name}.{n}") for n in range(1, KEPT + 1)]
    twins[-1].unlink(missing_ok=True)
    for older, newer in zip(
        reversed(twins), reversed([path, *twins[:-1]]), strict=True
    ):
        if newer.exists():
            newer.rename(older)


def test_s70_rotation_at_length_keeps_memory_and_descriptors_flat(stage: Stage) -> None:
    paths = [stage.logs / f"{n}.log" for n in range(FILES)]
    usage: list[Usage] = []
    written, number = 0, 0
    with stage.home.collector() as collector:
        stage.home.wait_watching()
        end = time.monotonic() + LAST_S
        rotate_at = time.monotonic() + ROTATE_S
        while time.monotonic() < end:
            for path in paths:
                stage.append(path, b"soak %09d %s\n" % (number, b"x" * 80))
                number += 1
            written += FILES
            time.sleep(0.02)
            if time.monotonic() >= rotate_at:
                rotate_at += ROTATE_S
                usage.append(Usage.of(collector))
                rotate(paths[len(usage) % FILES])
        lines = "tocsin_collector_lines_total"
        eventually(lambda: collector.metric(lines) >= written, f"{written} lines")
        assert collector.metric(lines) == written
        assert collector.lost_bytes == 0
        proof = stage.verify()
    assert proof.holds, [file for file in proof.files if file.findings]
    assert proof.records == written
    settled, last = usage[len(usage) // 4], usage[-1]
    print(f"{written:,} lines, {len(usage):,} rotations, {settled} to {last}")
    assert last.resident - settled.resident < 16 << 20
    assert max(each.descriptors for each in usage) < 256 + 64


def test_s22_a_file_of_more_than_two_gibibytes_is_shipped_whole(stage: Stage) -> None:
    path = stage.logs / "large.log"
    count = 0
    with path.open("wb") as file:
        while file.tell() < LARGE_BYTES:
            numbers = range(count, count + 10_000)
            file.write(b"%0199d\n" * 10_000 % (*numbers,))
            count += 10_000
    with stage.home.collector() as collector:
        lines = "tocsin_collector_lines_total"
        eventually(lambda: collector.metric(lines) >= count, "all lines", 3600.0)
        resident = Usage.of(collector).resident
        proof = stage.verify()
        assert proof.holds, proof.files
        assert proof.records == count
        print(f"{count:,} lines, {resident >> 20} MiB resident")
        assert resident < 120 << 20
