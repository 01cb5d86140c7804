"""The thread that keeps the leases of one process alive while it works on a batch.

It stops renewing the lease of a consumer that has not polled for `MAX_SILENCE_S`: a
worker that hangs gives its partitions up. A process that is stopped as a whole stops
this thread too. A commit renews the lease as well, so the thread writes nothing while
a worker commits each second: every write wakes all readers.
"""

from __future__ import annotations

import threading
from pathlib import Path

from tocsin.bus.embedded.database import Database
from tocsin.bus.embedded.group import Membership, renew
from tocsin.errors import BusError
from tocsin.values import Clock

PERIOD_S = 1.1  # a worker whose heartbeat is each second is a little earlier
MAX_SILENCE_S = 120.0
_LEAST_WAIT_S = 0.05


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
            wait_s = PERIOD_S
            while not self._stop.wait(wait_s):
                wait_s = self.beat(database)
        finally:
            database.close()

    def beat(self, database: Database) -> float:
        """Renew the leases that are due; seconds until the next is."""
        now = self._clock()
        with self._lock:
            alive = [
                member
                for member in self._members
                if member.token and now - member.polled_at < MAX_SILENCE_S
            ]
        due = [m for m in alive if now - m.renewed_at >= PERIOD_S]
        if due:
            try:
                with database.write() as connection:
                    renew(connection, [member.token for member in due], now)
            except BusError:
                return PERIOD_S  # the workers meet a full or busy disk too, and tell
            for member in due:
                member.renewed(now)
        waits = [member.renewed_at + PERIOD_S - now for member in alive]
        return max(_LEAST_WAIT_S, min(waits, default=PERIOD_S))
