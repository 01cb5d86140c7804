"""A processor that is killed at any moment loses nothing and counts nothing twice."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from itertools import pairwise

import pytest

from tests.contract.site import Site
from tests.processor.installation import (
    Writer,
    counted,
    frames_of,
    wait_for_windows,
    windows_of,
)
from tocsin.bus.specs import specs
from tocsin.config.model import BusConfig
from tocsin.ports.bus import Bus
from tocsin.records import topics

KILLS = 5
LINES = 400
STREAMS = 6


@contextmanager
def processor_process(site: Site) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "tests.processor.child", json.dumps(asdict(site))]
    with subprocess.Popen(command) as process:
        try:
            yield process
        finally:
            process.kill()


def ship(writer: Writer, round_: int) -> None:
    now = time.time()
    for stream in range(STREAMS):
        lines = [
            b'{"level":"%s","time":%.3f,"msg":"order %d"}'
            % (b"info" if k % 8 else b"error", now - round_, k)
            for k in range(LINES)
        ]
        service = f"s{stream % 2}"
        for start in range(0, LINES, 50):
            part = lines[start : start + 50]
            writer.ship(service, part, read_at=time.time(), file_id=f"f{stream}")


def frames_written(bus: Bus) -> int:
    (info,) = [info for info in bus.topics() if info.name == topics.LOG_METRICS]
    return info.high[0]


def wait_for_frames(bus: Bus, more_than: int) -> None:
    until = time.monotonic() + 60
    while frames_written(bus) <= more_than and time.monotonic() < until:
        time.sleep(0.01)


@pytest.mark.e2e
@pytest.mark.timeout(300)
def test_counts_are_exact_after_kill_9_at_any_moment(site: Site) -> None:
    dice = random.Random(7)
    with site.open() as bus:
        bus.ensure_topics(specs(BusConfig()), create=True)
        writer = Writer(bus)
        for round_ in range(KILLS):
            with processor_process(site) as process:
                before = frames_written(bus)
                ship(writer, round_)
                wait_for_frames(bus, before)
                time.sleep(dice.uniform(0, 0.8))
                process.kill()
        ship(writer, KILLS)
        total = (KILLS + 1) * STREAMS * LINES
        with processor_process(site):
            wait_for_windows(bus, total, within_s=60)

        each = total // 2
        assert counted(windows_of(bus)) == {
            service: {"error": each // 8, "info": each - each // 8}
            for service in ("s0", "s1")
        }
        frames = frames_of(bus)
        for source in range(bus.partitions(topics.RAW_LOGS)):
            own = [frame for frame in frames if frame.source == source]
            assert all(a.hi == b.lo for a, b in pairwise(own))
