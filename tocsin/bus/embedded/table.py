"""Tables: rows with a growing change number, and views that follow it.

A deleted row stays as a tombstone until `maintain` has purged it; a view that has not
looked since then loads the table anew.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from types import MappingProxyType

from tocsin.bus.embedded.database import Database, Row


def put(
    connection: sqlite3.Connection,
    rows: Mapping[int, Mapping[bytes, bytes | None]],
) -> None:
    """Set rows by topic id, inside a transaction; None deletes."""
    if not any(rows.values()):
        return
    [change] = connection.execute(
        "UPDATE state SET change = change + 1 RETURNING change"
    ).fetchone()
    connection.executemany(
        "INSERT INTO row VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET "
        "value = excluded.value, change = excluded.change",
        [
            (topic_id, key, value, change)
            for topic_id, changed in rows.items()
            for key, value in changed.items()
        ],
    )


class EmbeddedTableView:
    """See `tocsin.ports.bus.TableView`."""

    def __init__(self, database: Database, topic_id: int, *, prefix: bytes) -> None:
        self._database = database
        self._topic_id = topic_id
        self._prefix = prefix
        self._rows: dict[bytes, bytes] = {}
        self._change = -1
        self.refresh()

    @property
    def rows(self) -> Mapping[bytes, bytes]:
        """See the port."""
        return MappingProxyType(self._rows)

    def refresh(self) -> set[bytes]:
        """See the port."""
        if not self._database.changed():
            return set()
        with self._database.snapshot():
            [(change, purged)] = self._database.rows("SELECT change, purged FROM state")
            if self._change < purged or self._change < 0:
                changed = self._reload()
            else:
                changed = self._follow()
        self._change = change
        return changed

    def close(self) -> None:
        """See the port."""
        self._database.close()
        # The bus keeps its parts until it is closed itself; a table may be large.
        self._rows = {}

    # substr of an empty blob is NULL, hence the coalesce.

    def _follow(self) -> set[bytes]:
        found = self._database.rows(
            "SELECT key, value FROM row INDEXED BY row_change WHERE topic = ? "
            "AND change > ? AND coalesce(substr(key, 1, ?), x'') = ?",
            (self._topic_id, self._change, len(self._prefix), self._prefix),
        )
        for key, value in found:
            if value is None:
                self._rows.pop(key, None)
            else:
                self._rows[key] = value
        return {key for key, _ in found}

    def _reload(self) -> set[bytes]:
        fresh: dict[bytes, bytes] = dict(self._load())
        before = self._rows
        self._rows = fresh
        return {
            key
            for key in before.keys() | fresh.keys()
            if before.get(key) != fresh.get(key)
        }

    def _load(self) -> list[Row]:
        return self._database.rows(
            "SELECT key, value FROM row WHERE topic = ? AND key >= ? "
            "AND coalesce(substr(key, 1, ?), x'') = ? AND value IS NOT NULL",
            (self._topic_id, self._prefix, len(self._prefix), self._prefix),
        )
