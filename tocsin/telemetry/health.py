"""Whether a component is alive (its loop turns) and ready (it can do its job)."""

from __future__ import annotations

import time

from tocsin.values import Clock


class Health:
    """What `/healthz` and `/readyz` answer; a worker tells, the HTTP server asks.

    Alive: the worker's loop turned within `stall_s` seconds. A worker that waits for
    the bus still turns: it is alive and not ready.
    """

    def __init__(self, *, stall_s: float = 60.0, clock: Clock = time.monotonic) -> None:
        self._stall_s = stall_s
        self._clock = clock
        self._beat_at = clock()
        self._problem: str | None = "starting"

    def beat(self) -> None:
        """Tell that the loop turned."""
        self._beat_at = self._clock()

    def ready(self) -> None:
        """Tell that the component does its job."""
        self._problem = None

    def not_ready(self, problem: str) -> None:
        """Tell why the component cannot do its job at the moment."""
        self._problem = problem

    def alive_problem(self) -> str | None:
        """Why it is not alive, or None."""
        silent_s = self._clock() - self._beat_at
        if silent_s <= self._stall_s:
            return None
        return f"the loop has not turned for {silent_s:.0f} s"

    def ready_problem(self) -> str | None:
        """Why it is not ready, or None."""
        return self._problem
