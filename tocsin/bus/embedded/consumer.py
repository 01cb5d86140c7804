"""A member of a consumer group that reads the partitions it holds."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass

from tocsin.bus.embedded.database import Database
from tocsin.bus.embedded.group import Membership
from tocsin.bus.embedded.packing import Packer
from tocsin.bus.embedded.partitions import (
    Cursor,
    by_partition,
    ends,
    gather,
    joined,
)
from tocsin.bus.embedded.waiting import Waiting
from tocsin.errors import BusError, TransactionAborted
from tocsin.ports.bus import Assignment, Batch, Position, TopicPartition

# Leases run out without anybody's commit.
_CARE_S = 0.5
# A partition with records that are returned and not committed stays ours for so long
# when another member waits for it: most workers commit many times a second.
_PATIENCE_S = 10.0


@dataclass(slots=True)
class _Own:
    """A partition of ours.

    `committed`: the offset in the file, or None. `start`: where that means to begin.
    `returned`: up to where the last poll returned records; `settled_at`: when all that
    was returned had been committed, on the monotonic clock.
    """

    cursor: Cursor
    committed: int | None
    start: int
    returned: int
    settled_at: float

    @property
    def owes(self) -> bool:
        """Whether records were returned that are not committed."""
        return self.returned != self.start


class EmbeddedConsumer:
    """See `tocsin.ports.bus.Consumer`."""

    def __init__(
        self,
        database: Database,
        membership: Membership,
        partitions: dict[int, TopicPartition],
        *,
        on_close: Callable[[], None],
    ) -> None:
        self._database = database
        self._membership = membership
        self._partitions = partitions
        self._on_close = on_close
        self._waiting = Waiting(database)
        self._packer = Packer()
        self._own: dict[int, _Own] = {}
        self._token = 0
        self._lost_work = False
        self._turn = 0
        self._closed = False

    def poll(
        self, *, max_records: int, wait_s: float, linger_s: float = 0.0
    ) -> list[Batch]:
        """See the port; looks after the group on the way."""
        try:
            gathered = self._poll(max_records, wait_s=wait_s, linger_s=linger_s)
        except BaseException:
            for own in self._own.values():
                own.cursor.move(own.returned)
            raise
        for own in self._own.values():
            own.returned = own.cursor.next_offset
        return [joined(batches) for batches in by_partition(gathered).values()]

    def assignment(self) -> Assignment:
        """See the port."""
        return Assignment(
            self._membership.generation,
            {
                own.cursor.name: Position(
                    own.cursor.next_offset,
                    caught_up=own.cursor.behind == 0,
                    lag=own.cursor.behind,
                )
                for own in self._own.values()
            },
        )

    def close(self) -> None:
        """See the port."""
        if self._closed:
            return
        self._closed = True
        self._waiting.close()
        self._on_close()
        # When the bus cannot be written now, the lease runs out by itself.
        with suppress(BusError):
            self._membership.leave()
        self._database.close()

    def claim_offsets(self, connection: sqlite3.Connection) -> None:
        """Commit in a producer's transaction what was returned so far.

        Raises:
            TransactionAborted: a partition is not ours any more.
        """
        if self._lost_work:
            raise _moved(self._membership.group)
        self._membership.renew_with(connection)
        for partition_id, own in self._own.items():
            self._check(connection, partition_id, own)
            if own.owes:
                connection.execute(
                    "INSERT OR REPLACE INTO committed VALUES (?, ?, ?)",
                    (self._membership.group, partition_id, own.returned),
                )

    def settle(self) -> None:
        """Take note that the transaction of `claim_offsets` was committed."""
        self._membership.settle()
        for own in self._own.values():
            if own.owes:
                own.committed = own.start = own.returned

    def rewind(self) -> None:
        """Go back to what is committed."""
        self._lost_work = False
        for own in self._own.values():
            own.cursor.move(own.start)
            own.returned = own.start

    def _poll(self, max_records: int, *, wait_s: float, linger_s: float) -> list[Batch]:
        deadline = time.monotonic() + wait_s
        gathered: list[Batch] = []
        while True:
            self._database.changed()
            if self._look_after_group():
                gathered = [b for b in gathered if self._still_reads(b)]
            found = self._gather(max_records - _count(gathered))
            if found and not gathered:
                deadline = time.monotonic() + linger_s
            gathered += found
            if _count(gathered) >= max_records:
                return gathered
            if not gathered:
                if not self._wait(deadline):
                    return gathered
            elif not _linger(deadline):
                return gathered

    def _check(
        self, connection: sqlite3.Connection, partition_id: int, own: _Own
    ) -> None:
        found = connection.execute(
            "SELECT c.token, o.next FROM claim c LEFT JOIN committed o USING "
            "(consumer_group, partition) WHERE consumer_group = ? AND partition = ?",
            (self._membership.group, partition_id),
        ).fetchone()
        if found != (self._token, own.committed):
            raise _moved(self._membership.group)

    def _look_after_group(self) -> bool:
        patient_since = time.monotonic() - _PATIENCE_S
        kept = set()
        for partition_id, own in self._own.items():
            if not own.owes:
                own.settled_at = time.monotonic()
            elif own.settled_at > patient_since:
                kept.add(partition_id)
        if not self._membership.look(kept):
            return False
        self._take_over(self._membership)
        return True

    def _take_over(self, membership: Membership) -> None:
        reborn = membership.token != self._token
        for partition_id in list(self._own):
            if reborn or partition_id not in membership.held:
                self._lost_work |= self._own.pop(partition_id).owes
        self._token = membership.token
        new = membership.held - self._own.keys()
        if new:
            self._start(new)

    def _start(self, partition_ids: Iterable[int]) -> None:
        committed: dict[int, int] = dict(
            self._database.rows(
                "SELECT partition, next FROM committed WHERE consumer_group = ?",
                (self._membership.group,),
            )
        )
        for partition_id in sorted(partition_ids):
            at = committed.get(partition_id)
            start = at or 0
            cursor = Cursor(partition_id, self._partitions[partition_id], start)
            self._own[partition_id] = _Own(cursor, at, start, start, time.monotonic())

    def _still_reads(self, batch: Batch) -> bool:
        name = TopicPartition(batch.topic, batch.partition)
        return any(
            own.cursor.name == name and own.cursor.next_offset >= batch.hi
            for own in self._own.values()
        )

    def _gather(self, most: int) -> list[Batch]:
        if not self._own:
            return []
        for partition_id, found in ends(self._database, self._own).items():
            self._own[partition_id].cursor.look(found)
        cursors = [own.cursor for own in self._own.values()]
        # Another partition first each time, so that none waits behind a busy one.
        self._turn = (self._turn + 1) % len(cursors)
        cursors = cursors[self._turn :] + cursors[: self._turn]
        return gather(self._database, self._packer, cursors, most)

    def _wait(self, deadline: float) -> bool:
        """Wait for a commit or the time to look after the group; False at the end."""
        if self._waiting.until_commit(min(deadline, time.monotonic() + _CARE_S)):
            return True
        return time.monotonic() < deadline


def _linger(deadline: float) -> bool:
    """Let more come, without a look at each commit; False once the time is over."""
    left_s = deadline - time.monotonic()
    if left_s <= 0:
        return False
    time.sleep(min(left_s, _CARE_S))
    return True


def _count(batches: Iterable[Batch]) -> int:
    return sum(batch.hi - batch.lo for batch in batches)


def _moved(group: str) -> TransactionAborted:
    return TransactionAborted(
        f"partitions of the group {group} moved to another member"
    )
