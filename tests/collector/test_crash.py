"""Collectors as processes, killed without notice: nothing lost, nothing doubled."""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.broker import Broker
from tests.collector.rig import (
    DEADLINE_S,
    Shipped,
    all_records,
    by_file,
    prove_tiling,
    ready_bus,
    wait_for,
)
from tests.seed import SEED

pytestmark = [pytest.mark.slow]


@contextlib.contextmanager
def collector_process(
    state: Path, logs: Path, *, url: str, prefix: str = "", dropped_caps: bool = False
) -> Iterator[subprocess.Popen[str]]:
    """A collector of its own process; killed at the end if it still runs."""
    config = {"paths": [str(logs)], "scan_interval": 0.05, "host": "h"}
    command = [sys.executable, "-m", "tests.collector.runner", str(state), url, prefix]
    if dropped_caps:
        gone = "-dac_override,-dac_read_search"
        command[:0] = ["setpriv", f"--bounding-set={gone}", f"--inh-caps={gone}"]
    with (state / "collector.log").open("a") as log:
        process = subprocess.Popen(
            [*command, json.dumps(config)], stderr=log, stdout=log, text=True
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


class Writer(threading.Thread):
    """Appends numbered lines to a file and rotates it, by renaming, now and then."""

    def __init__(self, path: Path, dice: random.Random, *, lines: int) -> None:
        super().__init__()
        self._path = path
        self._dice = dice
        self._lines = lines

    def run(self) -> None:
        file = self._path.open("ab", buffering=0)
        for number in range(self._lines):
            line = b"%06d %s\n" % (number, b"x" * self._dice.randrange(120))
            # In two writes at times, so that unfinished lines are seen.
            at = self._dice.choice([0, 0, 0, 3])
            file.write(line[:at])
            file.write(line[at:])
            if self._dice.random() < 0.002:
                file.close()
                self._rotate()
                file = self._path.open("ab", buffering=0)
            if number % 20 == 0:
                time.sleep(0.005)  # so that it outlives the collectors
        file.close()

    def _rotate(self) -> None:
        count = len(list(self._path.parent.glob(self._path.name + ".*")))
        for number in range(count, 0, -1):
            old = self._path.with_name(f"{self._path.name}.{number}")
            old.rename(self._path.with_name(f"{self._path.name}.{number + 1}"))
        self._path.rename(self._path.with_name(self._path.name + ".1"))


def contents(logs: Path) -> dict[str, bytes]:
    """What stands in all files, by inode as file-ids have it."""
    return {
        f"{path.stat().st_ino:x}": path.read_bytes()
        for path in logs.rglob("*")
        if path.is_file()
    }


def prove_exactly_once(records: list[Shipped], logs: Path) -> None:
    """The records of each file are its bytes, all of them, once."""
    prove_tiling(records)
    shipped = {
        file_id.split("-")[1]: b"".join(r.value + b"\n" for r in file)
        for file_id, file in by_file(records).items()
    }
    written = {inode: data for inode, data in contents(logs).items() if data}
    assert len(shipped) == len(by_file(records)), "a file has two ids"
    assert shipped.keys() == written.keys()
    assert shipped == written


def story(tmp_path: Path, *, url: str, prefix: str, kills: int, lines: int) -> None:
    """Kill collectors while a writer appends and rotates, then check every byte."""
    dice = random.Random(SEED)
    logs, state = tmp_path / "logs", tmp_path / "state"
    logs.mkdir()
    state.mkdir()
    (logs / "api").mkdir()
    writers = [
        Writer(logs / "api" / "app.log", random.Random(SEED + 1), lines=lines),
        Writer(logs / "web.log", random.Random(SEED + 2), lines=lines),
    ]
    with collector_process(state, logs, url=url, prefix=prefix):
        # The PATH is known from here on: rotated files are not taken for old ones.
        with ready_bus(state, url, prefix=prefix) as bus:
            wait_for(lambda: _knows(bus, logs), "the first scan")
        for writer in writers:
            writer.start()
    for _ in range(kills):
        with collector_process(state, logs, url=url, prefix=prefix):
            time.sleep(dice.uniform(0.4, 1.0))
    for writer in writers:
        writer.join()
    total = sum(data.count(b"\n") for data in contents(logs).values())
    with (
        collector_process(state, logs, url=url, prefix=prefix) as process,
        ready_bus(state, url, prefix=prefix) as bus,
    ):
        deadline = time.monotonic() + DEADLINE_S
        while len(all_records(bus)) < total and time.monotonic() < deadline:
            time.sleep(0.2)
        time.sleep(1.0)  # what comes twice comes now
        process.terminate()
        assert process.wait(timeout=15) == 0
        prove_exactly_once(all_records(bus), logs)


def _knows(bus: object, logs: Path) -> bool:
    view = bus.table("checkpoints")  # type: ignore[attr-defined]
    try:
        return any(str(logs).encode() in key for key in view.rows)
    finally:
        view.close()


def test_killed_collectors_lose_and_double_nothing(tmp_path: Path) -> None:
    story(tmp_path, url="embedded://", prefix="", kills=8, lines=20_000)


@pytest.mark.kafka
def test_killed_collectors_lose_and_double_nothing_on_kafka(
    tmp_path: Path, kafka_broker: Broker
) -> None:
    url = f"kafka://{kafka_broker.bootstrap}"
    story(tmp_path, url=url, prefix=f"crash{SEED}.", kills=6, lines=20_000)


def test_an_unreadable_file_is_told_once_and_read_when_it_may_be(
    tmp_path: Path,
) -> None:
    # Without these capabilities root obeys a file's mode as everybody does.
    if os.geteuid() == 0 and shutil.which("setpriv") is None:
        pytest.skip("root may read everything, and there is no setpriv to hinder it")
    logs, state = tmp_path / "logs", tmp_path / "state"
    logs.mkdir()
    state.mkdir()
    path = logs / "app.log"
    path.write_text("one\n")
    path.chmod(0)
    log = state / "collector.log"

    with (
        ready_bus(state) as bus,
        collector_process(
            state, logs, url="embedded://", dropped_caps=os.geteuid() == 0
        ),
    ):
        wait_for(lambda: "file_unreadable" in log.read_text(), "the message")
        time.sleep(0.3)
        path.chmod(0o600)
        wait_for(lambda: len(all_records(bus)) == 1, "the line")

    told = [text for text in log.read_text().splitlines() if "file_unreadable" in text]
    assert len(told) == 1
    assert str(path) in told[0]
    assert "chmod" in told[0]
