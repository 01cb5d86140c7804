"""Children are restarted alone, and none outlives its supervisor."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from tocsin.app.stopping import Stopping
from tocsin.app.supervisor import Supervisor
from tocsin.telemetry.log import Log

pytestmark = pytest.mark.slow

CHILD = """
import os, sys
from tocsin.app.stopping import Stopping
from tocsin.telemetry.log import Log
stopping = Stopping(Log("child"), supervised=True)
stopping.install()
with open(sys.argv[1], "a") as file:
    print(os.getpid(), file=file)
stopping.event.wait()
stopping.finished()
"""
PARENT = """
import sys
from tocsin.app.stopping import Stopping
from tocsin.app.supervisor import Supervisor
from tocsin.telemetry.log import Log
stopping = Stopping(Log("run"))
stopping.install()
child = sys.argv[1]
commands = {path: [sys.executable, "-c", child, path] for path in sys.argv[2:]}
sys.exit(Supervisor(commands, Log("run")).run(stopping))
"""


def until(true: Callable[[], bool], *, within_s: float = 10.0) -> None:
    """Wait for something that other processes do."""
    end = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.02)


def starts(path: Path) -> list[int]:
    """The process ids of a child's starts so far."""
    return [int(line) for line in path.read_text().split()] if path.exists() else []


def child(path: Path) -> list[str]:
    return [sys.executable, "-c", CHILD, str(path)]


@contextmanager
def supervised(
    commands: dict[str, list[str]],
) -> Iterator[tuple[Stopping, list[int]]]:
    """A supervisor in a thread; its status is in the list once it has ended."""
    stopping, statuses = Stopping(Log("test")), list[int]()
    supervisor = Supervisor(commands, Log("test"))
    thread = threading.Thread(target=lambda: statuses.append(supervisor.run(stopping)))
    thread.start()
    try:
        yield stopping, statuses
    finally:
        stopping.stop()
        thread.join()
        stopping.finished()


def test_a_killed_child_is_started_again_and_the_others_are_left_alone(
    tmp_path: Path,
) -> None:
    one, two = tmp_path / "one", tmp_path / "two"

    with supervised({"one": child(one), "two": child(two)}) as (_, statuses):
        until(lambda: len(starts(one)) == 1 and len(starts(two)) == 1)
        os.kill(starts(one)[0], signal.SIGKILL)
        until(lambda: len(starts(one)) == 2)

    assert statuses == [0]
    assert len(starts(two)) == 1
    assert not [pid for pid in starts(one) + starts(two) if psutil.pid_exists(pid)]


@pytest.mark.parametrize("status", [2, 3])
def test_a_child_that_a_new_start_would_not_mend_ends_the_run(
    tmp_path: Path, status: int
) -> None:
    fenced = [sys.executable, "-c", f"raise SystemExit({status})"]

    with supervised({"one": fenced, "two": child(tmp_path / "two")}) as (_, statuses):
        until(lambda: statuses == [status])

    assert not [pid for pid in starts(tmp_path / "two") if psutil.pid_exists(pid)]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_no_child_outlives_its_supervisor(
    tmp_path: Path, number: signal.Signals
) -> None:
    paths = [tmp_path / "one", tmp_path / "two"]
    words = [sys.executable, "-c", PARENT, CHILD, *map(str, paths)]
    with subprocess.Popen(words, stderr=subprocess.DEVNULL) as parent:
        until(lambda: all(starts(path) for path in paths))
        pids = [starts(path)[0] for path in paths]

        parent.send_signal(number)

        status = parent.wait(10)
    until(lambda: not any(psutil.pid_exists(pid) for pid in pids))
    assert status == (-9 if number == signal.SIGKILL else 0)
