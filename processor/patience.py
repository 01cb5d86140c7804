"""Waiting for a bus that cannot be reached: longer each time, told now and then."""

from __future__ import annotations

import threading
from collections.abc import Callable

from tocsin.telemetry.health import Health

_FIRST_S, _LONGEST_S = 0.1, 2.0
_TELL_EACH_S = 30.0


class Patience:
    """Waits between attempts; `tell` is called first and then each 30 s."""

    def __init__(
        self, stop: threading.Event, health: Health, tell: Callable[[str], None]
    ) -> None:
        self._stop = stop
        self._health = health
        self._tell = tell
        self._wait_s = _FIRST_S
        self._silent_s = _TELL_EACH_S

    def wait(self, problem: str) -> None:
        """Wait for at most 2 s, or until `stop` is set."""
        self._health.not_ready(problem)
        self._health.beat()
        if self._silent_s >= _TELL_EACH_S:
            self._silent_s = 0.0
            self._tell(problem)
        self._stop.wait(self._wait_s)
        self._silent_s += self._wait_s
        self._wait_s = min(self._wait_s * 2, _LONGEST_S)

    def over(self) -> None:
        """The bus answers again."""
        self._wait_s = _FIRST_S
        self._silent_s = _TELL_EACH_S
