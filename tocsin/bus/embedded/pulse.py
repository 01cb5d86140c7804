"""The thread that keeps the leases of one process alive while it works on a batch.

It stops renewing the lease of a consumer that has not polled for `MAX_SILENCE_S`: a
worker that hangs gives its partitions up. A process that is stopped as a whole stops
this thread too.
"""

from __future__ import annotations

import threading
from pathlib import Path

from tocsin.bus.embedded.database import Database
from tocsin.bus.embedded.group import Membership, renew
from tocsin.errors import BusError
from tocsin.values import Clock

PERIOD_S = 1.0
MAX_SILENCE_S = 120.0


class Pulse:
    """Renews the leases of the memberships it was told of, once a second."""

    def __init__(self, path: Path, *, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        self._members: set[Membership] = set()
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def add(self, member: Membership) -> None:
        """Keep a member alive from now on."""
        with self._lock:
            self._members.add(member)
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._run, name="bus-pulse", daemon=True
                )
                self._thread.start()

    def remove(self, member: Membership) -> None:
        """Let a member go."""
        with self._lock:
            self._members.discard(member)

    def close(self) -> None:
        """End the thread."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        try:
            database = Database(self._path)
        except BusError:
            return  # the consumers renew for themselves, and tell what is wrong
        try:
            while not self._stop.wait(PERIOD_S):
                self._beat(database)
        finally:
            database.close()

    def _beat(self, database: Database) -> None:
        now = self._clock()
        with self._lock:
            alive = [
                member
                for member in self._members
                if member.token and now - member.polled_at < MAX_SILENCE_S
            ]
        if not alive:
            return
        try:
            with database.write() as connection:
                renew(connection, [member.token for member in alive], now)
        except BusError:
            return  # a full or busy disk: the workers meet it too, and tell
        for member in alive:
            member.renewed(now)
