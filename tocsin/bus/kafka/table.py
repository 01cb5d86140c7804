"""Tables: compacted topics that are read to their end."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping

from tocsin.bus.kafka.gather import CHUNK
from tocsin.bus.kafka.link import Link, Place
from tocsin.bus.kafka.reader import Follower
from tocsin.bus.kafka.settings import TRANSACTION_S
from tocsin.errors import BusUnavailable

Row = tuple[bytes, bytes | None]

# A dead writer's transaction ends after its timeout; the broker looks every second.
_DRAIN_S = TRANSACTION_S + 2.0


class Tables:
    """Reads tables to their end, with one client for all of them, one at a time."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._follower: Follower | None = None
        self._lock = threading.Lock()

    def after(
        self, table: str, seen: Mapping[Place, int]
    ) -> tuple[list[Row], dict[Place, int]]:
        """The rows after the offsets `seen`, in order, and the offsets then.

        They reach up to what was committed before the call. A commit is answered before
        its mark stands in the table, and readers see the end below every transaction
        that is open: so the goal is the end that counts those, and it waits for them.
        """
        goals = self._link.highs(self._link.places([table]))
        behind = {p: goal for p, goal in goals.items() if seen.get(p, 0) < goal}
        if not behind:
            return [], dict(seen)
        with self._lock:
            rows, reached = self._drain({p: seen.get(p, 0) for p in behind}, behind)
        return rows, {**seen, **reached}

    def close(self) -> None:
        """Give the client up."""
        with self._lock:
            if self._follower is not None:
                self._follower.close()
                self._follower = None

    def _drain(
        self, starts: dict[Place, int], goals: dict[Place, int]
    ) -> tuple[list[Row], dict[Place, int]]:
        """Read on to the goals.

        Raises:
            BusUnavailable: an open transaction or a broker that hangs keeps them away.
        """
        if self._follower is None:
            self._follower = Follower(self._link, self._link.settings.table())
        follower, gathering = self._follower, self._follower.gathering
        follower.assign(starts)
        rows: list[Row] = []
        deadline = time.monotonic() + _DRAIN_S
        try:
            while any(gathering.fetched(p) < goal for p, goal in goals.items()):
                if time.monotonic() > deadline:
                    names = sorted({topic for topic, _ in goals})
                    raise BusUnavailable(f"the end of {names} is out of reach")
                follower.look(CHUNK * 20, 0.5)
                rows += gathering.rows()
            return rows, {place: gathering.fetched(place) for place in goals}
        finally:
            follower.assign({})


class KafkaTable:
    """A table's rows in memory."""

    def __init__(self, link: Link, tables: Tables, name: str, *, prefix: bytes) -> None:
        self._link = link
        self._tables = tables
        self._name = name
        self._prefix = prefix
        self._seen: dict[Place, int] = {}
        self._rows: dict[bytes, bytes] = {}
        self.refresh()

    @property
    def rows(self) -> Mapping[bytes, bytes]:
        """See the port."""
        return self._rows

    def refresh(self) -> set[bytes]:
        """See the port; one request when nothing changed."""
        self._link.settle()
        rows, self._seen = self._tables.after(self._name, self._seen)
        newest = {key: value for key, value in rows if key.startswith(self._prefix)}
        changed = {k for k, value in newest.items() if self._rows.get(k) != value}
        for key in changed:
            self._set(key, newest[key])
        return changed

    def close(self) -> None:
        """See the port."""
        self._rows = {}

    def _set(self, key: bytes, value: bytes | None) -> None:
        if value is None:
            self._rows.pop(key, None)
        else:
            self._rows[key] = value
