"""How an idle reader waits: it asks SQLite, now and then, whether anybody committed.

`PRAGMA data_version` costs 6 µs; waking up costs ten times that. So a reader asks each
5 ms while records come, and slows down to 40 ms when none have come for a second: at
most 40 ms of delay, 25 wake-ups a second.
"""

from __future__ import annotations

import time

from tocsin.bus.embedded.database import Database

_SHORTEST_S = 0.005
_LONGEST_S = 0.04


class Waiting:
    """The waiting of one reader."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._found_at = time.monotonic()

    def found(self) -> None:
        """Take note that there was something to read."""
        self._found_at = time.monotonic()

    def until_commit(self, deadline: float) -> bool:
        """Wait for a commit of any other connection; False when the time is over."""
        while (left_s := deadline - (now := time.monotonic())) > 0:
            pause_s = (now - self._found_at) * _LONGEST_S
            time.sleep(min(max(pause_s, _SHORTEST_S), _LONGEST_S, left_s))
            if self._database.changed():
                return True
        return False
