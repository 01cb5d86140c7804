"""A real `kill -9` at every step: what comes out is what went in, exactly once."""

from __future__ import annotations

import random
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tests.contract.site import Site
from tests.contract.traffic import (
    COPY_TOPICS,
    DONE,
    IN,
    OUT,
    STEPS,
    copy,
    fill,
    is_copied,
    read_all,
)
from tocsin.ports.bus import Bus, TopicPartition

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def _topics(site: Site) -> None:
    site.create(*COPY_TOPICS)


@pytest.mark.parametrize("step", STEPS)
def test_a_restart_after_a_kill_at_any_step_copies_exactly_once(
    site: Site, bus: Bus, step: str
) -> None:
    expected = fill(bus, 100)
    command = ("copy", "--count", "100")
    with _started(site, *command, "--stop-at", step) as child:
        _read_until(child, step)

    subprocess.run(site.child(*command), check=True, timeout=90, capture_output=True)

    assert read_all(bus, OUT) == expected
    _assert_noted(bus)


def test_kills_at_random_moments_copy_exactly_once(site: Site, bus: Bus) -> None:
    expected = fill(bus, 2000)
    command = ("copy", "--count", "2000")
    for _ in range(4):
        with _started(site, *command, "--max-records", "10") as child:
            _read_until(child, "copied")
            time.sleep(random.uniform(0.0, 0.1))

    subprocess.run(site.child(*command), check=True, timeout=90, capture_output=True)

    assert read_all(bus, OUT) == expected
    _assert_noted(bus)


def test_a_killed_member_s_partitions_move_and_nothing_is_lost_or_doubled(
    site: Site,
    open_bus: Callable[[], Bus],
    record_testsuite_property: Callable[..., None],
) -> None:
    bus = open_bus()
    expected = fill(bus, 2000)
    consumer = bus.consumer([IN], group="copiers", member="survivor")
    producer = bus.producer("survivor")
    command = ("copy", "--count", "2000", "--max-records", "10", "--name", "victim")
    with _started(site, *command, "--stop-at", "put") as child:
        deadline = time.monotonic() + 60
        while len(consumer.assignment().positions) != 2:
            assert time.monotonic() < deadline, consumer.assignment()
            copy(consumer, producer, max_records=1)
        _read_until(child, "put")
    died_at = time.monotonic()

    while len(consumer.assignment().positions) != 4:
        assert time.monotonic() < died_at + site.takeover_s
        copy(consumer, producer)
    record_testsuite_property("takeover_s", round(time.monotonic() - died_at, 2))
    while not is_copied(bus, "copiers", 2000):
        assert time.monotonic() < died_at + site.takeover_s + 30
        copy(consumer, producer)

    assert read_all(bus, OUT) == expected


@pytest.mark.parametrize("step", ["begin", "acknowledge"])
def test_a_frozen_member_that_wakes_up_too_late_commits_nothing(
    site: Site, open_bus: Callable[[], Bus], step: str
) -> None:
    bus = open_bus()
    expected = fill(bus, 2000)
    command = ("copy", "--count", "2000", "--max-records", "10", "--name", "zombie")
    with _started(site, *command, "--freeze-at", step) as zombie:
        _read_until(zombie, step)
        consumer = bus.consumer([IN], group="copiers", member="survivor")
        producer = bus.producer("survivor")
        deadline = time.monotonic() + site.takeover_s + 30
        while not is_copied(bus, "copiers", 2000):
            assert time.monotonic() < deadline, consumer.assignment()
            copy(consumer, producer, max_records=500)

        zombie.send_signal(signal.SIGCONT)

        assert zombie.wait(timeout=60) == 0

    assert read_all(bus, OUT) == expected


def _assert_noted(bus: Bus) -> None:
    """The table tells of the last copied batch of each partition."""
    committed = bus.committed("copiers", [IN])
    rows = bus.table(DONE).rows
    for partition in range(4):
        noted = int(rows[b"%d" % partition])
        assert 0 < noted <= committed[TopicPartition(IN, partition)]


@contextmanager
def _started(site: Site, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """The child, killed without notice at the end of the block."""
    with subprocess.Popen(
        site.child(*arguments), stdout=subprocess.PIPE, text=True
    ) as child:
        try:
            yield child
        finally:
            child.send_signal(signal.SIGKILL)


def _read_until(child: subprocess.Popen[str], line: str) -> None:
    assert child.stdout is not None
    for found in child.stdout:
        if found == f"{line}\n":
            return
    pytest.fail(f"the child ended before {line!r}")
