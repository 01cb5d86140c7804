"""`tocsin run`: one child process a component, each restarted alone.

A child's standard input is a pipe that only this process holds. It closes however this
process ends, `kill -9` included, and the child stops when it closes: no child outlives
its supervisor, on every system.
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue

from tocsin.app.restarts import End, ending, judge
from tocsin.app.stopping import DEADLINE_S, Stopping
from tocsin.telemetry.log import Log

_PATIENCE_S = DEADLINE_S + 0.5


@dataclass(slots=True)
class _Child:
    """A component's command and, while it runs, its process."""

    name: str
    command: Sequence[str]
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    wait_s: float = 0.0  # before its last start
    due_at: float | None = field(default=None)  # when to start it again


class Supervisor:
    """Starts children, restarts those that crash, and takes all of them along.

    `environ`: the children's environment; without it, this process's.
    """

    def __init__(
        self,
        commands: Mapping[str, Sequence[str]],
        log: Log,
        *,
        environ: Mapping[str, str] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._children = [_Child(name, words) for name, words in commands.items()]
        self._environ = dict(os.environ if environ is None else environ)
        self._log = log
        self._clock = clock
        # SimpleQueue, because its `put` may be called in a signal handler.
        self._ended: SimpleQueue[_Child | None] = SimpleQueue()

    def run(self, stopping: Stopping) -> int:
        """Run until `stopping` says so; blocks. The status to exit with."""
        stopping.on_stop(lambda: self._ended.put(None))
        stopping.on_end_at_once(self._kill)
        for child in self._children:
            self._start(child)
        try:
            return self._watch()
        finally:
            self._stop_all()

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the children that run."""
        for child in self._children:
            if child.process is not None:
                child.process.send_signal(number)

    def _watch(self) -> int:
        while True:
            try:
                child = self._ended.get(timeout=self._idle_s())
            except Empty:
                self._start_due()
                continue
            if child is None:
                return 0
            status = self._after(child)
            if status is not None:
                return status

    def _idle_s(self) -> float | None:
        due = [child.due_at for child in self._children if child.due_at is not None]
        return max(0.0, min(due) - self._clock()) if due else None

    def _start_due(self) -> None:
        now = self._clock()
        for child in self._children:
            if child.due_at is not None and child.due_at <= now:
                self._start(child)

    def _start(self, child: _Child) -> None:
        child.due_at = None
        child.started_at = self._clock()
        child.process = subprocess.Popen(  # noqa: S603 - our own program
            child.command,
            stdin=subprocess.PIPE,
            env=self._environ,
            # A group of its own: Ctrl-C reaches the supervisor alone, which then asks
            # each child once. Twice would mean to end at once.
            process_group=0,
        )
        self._log.info("started", component=child.name, pid=child.process.pid)
        threading.Thread(
            target=self._wait_for, args=(child, child.process), daemon=True
        ).start()

    def _wait_for(self, child: _Child, process: subprocess.Popen[bytes]) -> None:
        process.wait()
        self._ended.put(child)

    def _after(self, child: _Child) -> int | None:
        """Deal with a child that ended; the status when the run is over by that."""
        process = child.process
        if process is None:
            return None
        status = process.returncode
        _let_go(process)
        child.process = None
        now = self._clock()
        verdict = judge(status, ran_s=now - child.started_at, last_wait_s=child.wait_s)
        if isinstance(verdict, End):
            self._log.error(
                "ended",
                component=child.name,
                by=ending(status),
                because=verdict.reason,
                consequence="the others are stopped too",
            )
            return verdict.status
        child.wait_s = verdict.wait_s
        child.due_at = now + verdict.wait_s
        self._log.warning(
            "crashed",
            component=child.name,
            by=ending(status),
            restart_in_s=verdict.wait_s,
        )
        return None

    def _stop_all(self) -> None:
        running = [c.process for c in self._children if c.process is not None]
        for process in running:
            process.terminate()
        until = self._clock() + _PATIENCE_S
        for process in running:
            try:
                process.wait(max(0.0, until - self._clock()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            _let_go(process)

    def _kill(self) -> None:
        for child in self._children:
            if child.process is not None:
                child.process.kill()


def _let_go(process: subprocess.Popen[bytes]) -> None:
    if process.stdin is not None:
        process.stdin.close()
