"""What cannot be read any more is counted once, whoever is killed meanwhile."""

from __future__ import annotations

import os
import shutil

import pytest

from tests.collector.core import Desk
from tests.collector.test_copies import expect, numbered

LINES = 10
READ = 2
LOST = len(numbered(LINES)) - len(numbered(READ))


@pytest.fixture
def half(desk: Desk) -> Desk:
    """A collector that committed two lines of ten, and knows of the others."""
    desk.kill()
    desk.start(read_s=0.0)
    (desk.logs / "app.log").write_bytes(numbered(LINES))
    desk.core.look()
    desk.core.shipper.ship()
    assert len(desk.lines()) == READ
    return desk


def killed(desk: Desk) -> None:
    """Another collector takes over, and some time passes."""
    desk.kill()
    desk.start()
    for _ in range(3):
        desk.work(after_s=10)


def test_s67_a_loss_that_was_found_just_before_a_kill_is_counted_once(
    half: Desk,
) -> None:
    os.truncate(half.logs / "app.log", 0)
    half.core.look()
    half.clock.now += 10
    half.core.look()

    killed(half)

    assert half.lost() == LOST


def test_s67_a_loss_is_not_forgotten_by_a_kill_before_it_is_counted(half: Desk) -> None:
    os.truncate(half.logs / "app.log", 0)
    half.work()
    assert half.lost() == 0

    killed(half)

    assert half.lost() == LOST


def test_s67_what_a_copy_had_is_not_lost_after_a_kill(half: Desk) -> None:
    shutil.copyfile(half.logs / "app.log", half.logs / "app.log.1")
    os.truncate(half.logs / "app.log", 0)
    half.work()

    killed(half)

    expect(half, numbered(LINES))
    assert half.lost() == 0
