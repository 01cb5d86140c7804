"""A process ends gracefully at the first signal, at once at the second."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow

STUBBORN = """
import sys, time
from tocsin.app.stopping import Stopping
from tocsin.telemetry.log import Log
stopping = Stopping(Log("stubborn"), deadline_s=float(sys.argv[1]))
stopping.install()
print("ready", flush=True)
stopping.event.wait()
print("stopping", flush=True)
time.sleep(60)
"""


def stubborn(deadline_s: float) -> subprocess.Popen[str]:
    """A program that hears of the end and does not end."""
    program = subprocess.Popen(
        [sys.executable, "-c", STUBBORN, str(deadline_s)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert program.stdout is not None
    assert program.stdout.readline() == "ready\n"
    return program


def test_a_second_signal_ends_it_at_once() -> None:
    with stubborn(60) as program:
        program.send_signal(signal.SIGINT)
        assert program.stdout is not None
        assert program.stdout.readline() == "stopping\n"

        program.send_signal(signal.SIGTERM)

        assert program.wait(5) == 128 + signal.SIGTERM


def test_what_does_not_stop_in_time_is_ended_and_told() -> None:
    with stubborn(0.2) as program:
        program.send_signal(signal.SIGTERM)

        _, told = program.communicate(timeout=5)

    assert program.returncode == 0
    assert "stopped_late after_s=0.200" in told
