"""What to do when a child of `tocsin run` ends: decided here, done elsewhere."""

from __future__ import annotations

import signal
from dataclasses import dataclass

FIRST_WAIT_S = 0.2
LONGEST_WAIT_S = 30.0
STEADY_S = 60.0
"""A child that ran this long is sound; its next crash waits FIRST_WAIT_S again."""

_FINAL = {2: "its configuration is wrong", 3: "another process took its identity over"}


@dataclass(frozen=True, slots=True)
class Restart:
    """Start the child again after `wait_s` seconds."""

    wait_s: float


@dataclass(frozen=True, slots=True)
class End:
    """End the whole run with `status`; starting again would change nothing."""

    status: int
    reason: str


def judge(status: int, *, ran_s: float, last_wait_s: float) -> Restart | End:
    """Decide on a child that ended with `status` after `ran_s` seconds.

    `last_wait_s`: how long it waited before this start; 0 for its first.
    """
    if status in _FINAL:
        return End(status, _FINAL[status])
    if ran_s >= STEADY_S or not last_wait_s:
        return Restart(FIRST_WAIT_S)
    return Restart(min(last_wait_s * 2, LONGEST_WAIT_S))


def ending(status: int) -> str:
    """How a child ended: `exit status 1`, or `SIGKILL`."""
    if status >= 0:
        return f"exit status {status}"
    try:
        return signal.Signals(-status).name
    except ValueError:
        return f"signal {-status}"
