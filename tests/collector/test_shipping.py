"""Transactions of a backlog: what is read ahead is shipped once, or put back."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.collector.core import Desk, ManualClock
from tests.collector.faults import Fault
from tests.collector.rig import ready_bus
from tocsin.errors import BusUnavailable, TransactionAborted

LINES = [b"%06d some line of a log" % number for number in range(1_500)]
SOON = float("inf")


class Backlog:
    """A desk in whose first commit all that follows is read."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        (desk.logs / "app.log").write_bytes(b"\n".join([*LINES, b""]))
        desk.core.look()
        desk.faulty.before_commit = self._wait_until_read_ahead

    def _wait_until_read_ahead(self) -> None:
        self.desk.faulty.before_commit = None
        (source,) = self.desk.core.roster.sources()
        give_up = time.monotonic() + 10
        while source.unread and time.monotonic() < give_up:
            time.sleep(0.001)

    def ship_first(self) -> None:
        """Ship the first transaction."""
        assert self.desk.core.shipper.ship(ahead_until=SOON)


@pytest.fixture
def backlog(tmp_path: Path) -> Iterator[Backlog]:
    (tmp_path / "logs").mkdir()
    with ready_bus(tmp_path) as bus:
        config: dict[str, object] = {"read_s": 0.0}
        desk = Desk(bus, tmp_path / "logs", ManualClock(), config)
        yield Backlog(desk)
        desk.core.close()


def test_the_next_lines_are_read_while_a_transaction_commits(backlog: Backlog) -> None:
    desk = backlog.desk
    backlog.ship_first()
    (source,) = desk.core.roster.sources()

    assert desk.core.shipper.is_ahead
    assert not source.unread
    assert 0 < len(desk.records()) < len(LINES)
    desk.core.ship_all()
    assert [record.value for record in desk.records()] == LINES
    assert [row.offset for row in desk.rows()] == [source.place.offset]


def test_nothing_is_read_ahead_that_would_come_too_late(backlog: Backlog) -> None:
    backlog.desk.faulty.before_commit = None

    assert backlog.desk.core.shipper.ship(ahead_until=time.monotonic())

    assert not backlog.desk.core.shipper.is_ahead
    assert backlog.desk.core.roster.ledger.ready


@pytest.mark.parametrize("fault", [Fault.ABORTED, Fault.AWAY, Fault.ANSWER_LOST])
def test_what_was_read_ahead_of_a_failed_commit_is_shipped_once(
    backlog: Backlog, fault: Fault
) -> None:
    desk = backlog.desk
    desk.faulty.fault = fault
    with pytest.raises((TransactionAborted, BusUnavailable)) as failure:
        backlog.ship_first()
    desk.faulty.fault = Fault.NONE

    assert not desk.core.shipper.is_ahead
    desk.core.shipper.recover(failure.value)
    desk.core.ship_all()
    assert [record.value for record in desk.records()] == LINES


def test_a_commit_that_fails_after_one_that_read_ahead_puts_that_back(
    backlog: Backlog,
) -> None:
    desk = backlog.desk
    backlog.ship_first()
    desk.faulty.fault = Fault.ABORTED
    with pytest.raises(TransactionAborted) as failure:
        desk.core.shipper.ship(ahead_until=SOON)
    desk.faulty.fault = Fault.NONE

    desk.core.shipper.recover(failure.value)
    desk.core.ship_all()
    assert [record.value for record in desk.records()] == LINES


def test_a_failure_of_something_else_leaves_what_was_read_ahead(
    backlog: Backlog,
) -> None:
    backlog.ship_first()

    backlog.desk.core.shipper.recover(TransactionAborted("of a heartbeat"))

    backlog.desk.core.ship_all()
    assert [record.value for record in backlog.desk.records()] == LINES
