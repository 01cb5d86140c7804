"""Retention, and giving disk space back: a bounded piece of work at each call."""

from __future__ import annotations

import time
from dataclasses import dataclass

from tocsin.bus.embedded.database import Database
from tocsin.bus.embedded.partitions import place_of
from tocsin.values import Clock

# A call ends after so long (300 MB took 3 s on a busy machine). It works in steps
# of some 10 ms, and the pause lets a waiting writer in between two of them.
_MAX_S = 5.0
_STEP_BATCHES = 256
_STEP_BYTES = 8 * 1024**2
_VACUUM_PAGES = 1024
_PAUSE_S = 0.01

# So many free pages stay for the next records: giving them back would only mean to ask
# for them again.
_SLACK_PAGES = 512
_SLACK_SHARE = 0.05

# One process does the upkeep; if it dies in it, another one may after this time.
_TURN_S = 15.0


@dataclass(frozen=True, slots=True)
class _Held:
    partition_id: int
    low: int
    bytes: int
    retention_s: float | None
    retention_bytes: int | None


class Upkeep:
    """Does what `Bus.maintain` promises, on a connection of its own."""

    def __init__(self, database: Database, *, wall: Clock, monotonic: Clock) -> None:
        self._database = database
        self._wall = wall
        self._monotonic = monotonic

    def run(self) -> None:
        """Apply retention, give space back, make everything durable."""
        if not self._take_turn():
            return
        try:
            deadline = time.monotonic() + _MAX_S
            self._apply_retention(deadline)
            self._purge_tombstones()
            self._database.checkpoint()
            self._vacuum(deadline)
        finally:
            self._end_turn()

    def _take_turn(self) -> bool:
        now = self._monotonic()
        with self._database.write() as connection:
            done = connection.execute(
                "UPDATE state SET upkeep_until = ? "
                "WHERE upkeep_until NOT BETWEEN ? AND ?",
                (now + _TURN_S, now, now + _TURN_S),
            )
            return done.rowcount > 0

    def _end_turn(self) -> None:
        with self._database.write() as connection:
            connection.execute("UPDATE state SET upkeep_until = 0")

    def _apply_retention(self, deadline: float) -> None:
        for held in self._held():
            while time.monotonic() < deadline and self._delete_some(held):
                time.sleep(_PAUSE_S)

    def _held(self) -> list[_Held]:
        return [
            _Held(*row)
            for row in self._database.rows(
                "SELECT p.id, p.low, p.bytes, t.retention_s, t.retention_bytes "
                "FROM partition p JOIN topic t ON t.id = p.topic "
                "WHERE NOT t.compacted AND (t.retention_s IS NOT NULL "
                "OR t.retention_bytes IS NOT NULL)"
            )
        ]

    def _delete_some(self, held: _Held) -> int:
        """Delete the oldest batches that are over; how many bytes those were."""
        with self._database.write() as connection:
            [left_bytes] = connection.execute(
                "SELECT bytes FROM partition WHERE id = ?", (held.partition_id,)
            ).fetchone()
            place, hi, freed_bytes = -1, 0, 0
            for row in connection.execute(
                "SELECT place, hi, newest_ms, bytes FROM batch WHERE place >= ? "
                "AND place < ? ORDER BY place LIMIT ?",
                (*self._places(held), _STEP_BATCHES),
            ).fetchall():
                if not self._is_over(held, left_bytes - freed_bytes, newest_ms=row[2]):
                    break
                place, hi = row[0], row[1]
                freed_bytes += row[3]
                if freed_bytes >= _STEP_BYTES:
                    break
            connection.execute(
                "DELETE FROM batch WHERE place BETWEEN ? AND ?",
                (self._places(held)[0], place),
            )
            connection.execute(
                "UPDATE partition SET low = max(low, ?), bytes = bytes - ? "
                "WHERE id = ?",
                (hi, freed_bytes, held.partition_id),
            )
        return freed_bytes

    def _is_over(self, held: _Held, left_bytes: int, *, newest_ms: int) -> bool:
        if held.retention_bytes is not None and left_bytes > held.retention_bytes:
            return True
        if held.retention_s is None:
            return False
        return newest_ms < (self._wall() - held.retention_s) * 1000

    @staticmethod
    def _places(held: _Held) -> tuple[int, int]:
        return place_of(held.partition_id, 0), place_of(held.partition_id + 1, 0)

    def _purge_tombstones(self) -> None:
        """Purge what was deleted before the last call: views have seen it since."""
        with self._database.write() as connection:
            [change, before] = connection.execute(
                "SELECT change, tombstones_from FROM state"
            ).fetchone()
            done = connection.execute(
                "DELETE FROM row WHERE value IS NULL AND change <= ?", (before,)
            )
            purged = before if done.rowcount else -1
            connection.execute(
                "UPDATE state SET tombstones_from = ?, purged = max(purged, ?)",
                (change, purged),
            )

    def _vacuum(self, deadline: float) -> None:
        given_back = False
        while time.monotonic() < deadline:
            spare = self._spare_pages()
            if spare <= 0:
                break
            pages = min(spare, _VACUUM_PAGES)
            self._database.vacuum(pages)
            given_back = True
            time.sleep(_PAUSE_S)
        if given_back:
            # The file itself shrinks when the WAL is copied into it.
            self._database.shrink_wal()

    def _spare_pages(self) -> int:
        [(free,)] = self._database.rows("PRAGMA freelist_count")
        [(pages,)] = self._database.rows("PRAGMA page_count")
        return int(free - max(_SLACK_PAGES, pages * _SLACK_SHARE))
