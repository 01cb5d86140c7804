"""How a process ends: gracefully at the first signal, at once at the second."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType

from tocsin.telemetry.log import Log

DEADLINE_S = 9.0
"""The contract gives a component 10 s; the rest is for the interpreter to end."""

_STDIN = 0


class Stopping:
    """The one place that decides to stop; workers watch `event`.

    What a worker has not committed when the deadline passes is redone at the next
    start, so ending it there loses nothing.
    """

    def __init__(
        self, log: Log, *, deadline_s: float = DEADLINE_S, supervised: bool = False
    ) -> None:
        self.event = threading.Event()
        self._log = log
        self._deadline_s = deadline_s
        self._supervised = supervised
        self._asked: list[Callable[[], None]] = []
        self._at_once: list[Callable[[], None]] = []
        self._timer = threading.Timer(deadline_s, self._give_up)
        self._timer.daemon = True

    def install(self) -> None:
        """Listen to signals, and for a supervised process to its supervisor.

        Call it in the main thread.
        """
        signal.signal(signal.SIGTERM, self._on_signal)
        signal.signal(signal.SIGINT, self._on_signal)
        if self._supervised:
            threading.Thread(
                target=self._watch_supervisor, name="supervisor-watch", daemon=True
            ).start()

    def on_stop(self, tell: Callable[[], None]) -> None:
        """Call `tell` when stopping begins; it runs inside a signal handler."""
        self._asked.append(tell)
        if self.event.is_set():
            tell()

    def on_end_at_once(self, tell: Callable[[], None]) -> None:
        """Call `tell` before a second signal ends the process."""
        self._at_once.append(tell)

    def stop(self) -> None:
        """Begin to stop, once."""
        if self.event.is_set():
            return
        self.event.set()
        for tell in self._asked:
            tell()
        self._timer.start()

    def finished(self) -> None:
        """Tell that everything has ended in time."""
        self._timer.cancel()

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        if not self.event.is_set():
            self.stop()
            return
        for tell in self._at_once:
            tell()
        _end(128 + number)

    def _watch_supervisor(self) -> None:
        # A pipe that the supervisor holds open: it closes however that process ends.
        # Not sys.stdin: its lock, held in a daemon thread, aborts the interpreter.
        while os.read(_STDIN, 1):
            pass
        if not self.event.is_set():
            self._log.warning("supervisor_gone")
            self.stop()

    def _give_up(self) -> None:
        self._log.warning(
            "stopped_late",
            after_s=self._deadline_s,
            consequence="what was not committed is redone at the next start",
        )
        _end(0)


def _end(status: int) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)
