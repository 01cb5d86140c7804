"""Scenarios 65 and 66: what an operator does to a collector."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from tests.scenarios.stage import Stage

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

BAD = """\
state_dir: {state}
collector:
  paths: ["{logs}/*.log"]
  exclud: ["*.tmp"]
  start: middle
  max_open_files: 1
"""


def check(stage: Stage, text: str) -> tuple[int, str]:
    """What `tocsin check` says of a configuration file."""
    path = stage.home.folder / "tocsin.yaml"
    path.write_text(text)
    told = subprocess.run(
        [sys.executable, "-m", "tocsin", "check", "--config", path],
        capture_output=True,
        text=True,
        check=False,
    )
    return told.returncode, told.stdout + told.stderr


def test_s66_every_mistake_is_told_with_its_line(stage: Stage) -> None:
    status, told = check(stage, BAD.format(state=stage.home.state, logs=stage.logs))

    assert status == 2
    lines = set(re.findall(r"tocsin\.yaml:(\d+):\d+: ([a-z_.]+)", told))
    assert {("4", "collector.exclud"), ("5", "collector.start")} <= lines
    assert ("6", "collector.max_open_files") in lines


def test_s66_a_state_directory_that_cannot_be_written_is_told(stage: Stage) -> None:
    status, told = check(stage, "state_dir: /proc/no/such/place\n")

    assert status == 1
    assert "/proc/no/such/place" in told
