"""What to do with a child that ended."""

from __future__ import annotations

import signal

import pytest

from tocsin.app.restarts import (
    FIRST_WAIT_S,
    LONGEST_WAIT_S,
    STEADY_S,
    End,
    Restart,
    ending,
    judge,
)


@pytest.mark.parametrize("status", [0, 1, 134, -9, -11])
def test_a_crash_is_followed_by_a_start_soon(status: int) -> None:
    assert judge(status, ran_s=5.0, last_wait_s=0.0) == Restart(FIRST_WAIT_S)


def test_crash_after_crash_waits_twice_as_long_up_to_a_limit() -> None:
    waits = [0.0]
    for _ in range(12):
        verdict = judge(1, ran_s=1.0, last_wait_s=waits[-1])
        assert isinstance(verdict, Restart)
        waits.append(verdict.wait_s)

    assert waits[1:5] == [0.2, 0.4, 0.8, 1.6]
    assert waits[-1] == LONGEST_WAIT_S


def test_a_child_that_ran_steadily_begins_anew() -> None:
    assert judge(1, ran_s=STEADY_S, last_wait_s=30.0) == Restart(FIRST_WAIT_S)
    assert judge(1, ran_s=STEADY_S - 1, last_wait_s=8.0) == Restart(16.0)


@pytest.mark.parametrize("status", [2, 3])
def test_what_a_new_start_would_not_mend_ends_the_run(status: int) -> None:
    verdict = judge(status, ran_s=100.0, last_wait_s=0.0)

    assert isinstance(verdict, End)
    assert verdict.status == status


def test_an_ending_is_told_by_its_signal_or_status() -> None:
    assert ending(-signal.SIGKILL) == "SIGKILL"
    assert ending(-200) == "signal 200"
    assert ending(1) == "exit status 1"
