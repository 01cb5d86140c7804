"""Fixtures of the collector's tests."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.collector.core import Desk, ManualClock
from tests.collector.rig import LogLines, Rig, ready_bus


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    """A collector's surroundings with an embedded bus."""
    logs = tmp_path / "logs"
    logs.mkdir()
    (tmp_path / "state").mkdir()
    with ready_bus(tmp_path / "state") as bus:
        yield Rig(bus, logs)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A collector that does what the test says, when it says so."""
    logs = tmp_path / "logs"
    logs.mkdir()
    (tmp_path / "state").mkdir()
    with ready_bus(tmp_path / "state") as bus:
        desk = Desk(bus, logs, ManualClock(time.time()))
        yield desk
        desk.core.close()


@pytest.fixture
def log() -> Iterator[LogLines]:
    """What the collector tells meanwhile."""
    handler = LogLines()
    logger = logging.getLogger("tocsin.collector")
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield handler
    logger.removeHandler(handler)
    logger.setLevel(level)
