"""How an idle reader waits for somebody's commit, without being busy.

On Linux the kernel tells of writes to the write-ahead log (inotify); elsewhere a reader
looks 33 times a second. A look costs 0.2 ms, most of it waking up: without inotify the
two readers of the processor would take 2 % of a core for nothing.

A write is seen a moment before its commit is: so a reader asks a little later, and once
more after that.
"""

from __future__ import annotations

import ctypes
import math
import os
import select
import time

from tocsin.bus.embedded.database import Database

_IN_MODIFY = 0x2  # from linux/inotify.h
_EVENTS_BYTES = 4096
_COMMIT_S = 0.001
_AGAIN_S = 0.01
_ASK_ANYWAY_S = 0.5  # should a write ever go unnoticed
_LOOK_S = 0.03


class Waiting:
    """The waiting of one reader; close it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._log = f"{database.path}-wal"
        self._libc = ctypes.CDLL(None)
        self._watch: int | None = None
        self._again_at = math.inf
        self._poll = select.poll()

    def until_commit(self, deadline: float) -> bool:
        """Wait for a commit of any other connection; False when the time is over."""
        while (left_s := deadline - time.monotonic()) > 0:
            if self._watch is None:
                self._watch = self._start_to_watch()
            self._pause(left_s)
            if self._database.changed():
                return True
        return False

    def close(self) -> None:
        """Stop watching."""
        if self._watch is not None:
            os.close(self._watch)
            self._watch = None

    def _pause(self, most_s: float) -> None:
        if self._watch is None:
            time.sleep(min(_LOOK_S, most_s))
            return
        again_s = max(0.0, self._again_at - time.monotonic())
        if self._poll.poll(min(_ASK_ANYWAY_S, again_s, most_s) * 1000):
            os.read(self._watch, _EVENTS_BYTES)
            time.sleep(_COMMIT_S)
            self._again_at = time.monotonic() + _AGAIN_S
        elif again_s <= most_s:
            self._again_at = math.inf

    def _start_to_watch(self) -> int | None:
        """An inotify descriptor; None where there is no inotify, or no log yet."""
        if not hasattr(self._libc, "inotify_init1"):
            return None
        watch = int(self._libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC))
        if watch < 0:
            return None  # too many of them, for this user
        path = os.fsencode(self._log)
        if self._libc.inotify_add_watch(watch, path, _IN_MODIFY) < 0:
            os.close(watch)
            return None
        self._poll.register(watch, select.POLLIN)
        return watch
