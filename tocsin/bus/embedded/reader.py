"""Reads whole topics without a group."""

from __future__ import annotations

import time

from tocsin.bus.embedded.database import Database
from tocsin.bus.embedded.packing import Packer
from tocsin.bus.embedded.partitions import (
    Cursor,
    Ends,
    by_partition,
    ends,
    gather,
    joined,
    place_of,
)
from tocsin.bus.embedded.waiting import Waiting
from tocsin.ports.bus import Batch, Start, TopicPartition


class EmbeddedReader:
    """See `tocsin.ports.bus.Reader`."""

    def __init__(
        self,
        database: Database,
        partitions: dict[int, TopicPartition],
        *,
        start: Start | float,
    ) -> None:
        self._database = database
        self._waiting = Waiting(database)
        self._packer = Packer()
        with database.snapshot():
            self._goals = ends(database, partitions)
            self._cursors = {
                partition_id: Cursor(
                    partition_id,
                    name,
                    self._place(partition_id, self._goals[partition_id], start),
                )
                for partition_id, name in partitions.items()
            }

    def poll(self, *, max_records: int, wait_s: float) -> list[Batch]:
        """See the port."""
        deadline = time.monotonic() + wait_s
        self._database.changed()
        found = self._gather(max_records)
        while not found and self._waiting.until_commit(deadline):
            found = self._gather(max_records)
        return [joined(batches) for batches in by_partition(found).values()]

    def is_caught_up(self) -> bool:
        """See the port."""
        return all(
            max(cursor.next_offset, cursor.ends.low) >= self._goals[partition_id].high
            for partition_id, cursor in self._cursors.items()
        )

    def close(self) -> None:
        """See the port."""
        self._waiting.close()
        self._database.close()

    def _gather(self, most: int) -> list[Batch]:
        for partition_id, found in ends(self._database, self._cursors).items():
            self._cursors[partition_id].look(found)
        cursors = list(self._cursors.values())
        return gather(self._database, self._packer, cursors, most)

    def _place(self, partition_id: int, held: Ends, start: Start | float) -> int:
        if start is Start.BEGINNING:
            return held.low
        if start is Start.END:
            return held.high
        return self._place_of_time(partition_id, held, round(start * 1000))

    def _place_of_time(self, partition_id: int, held: Ends, at_ms: int) -> int:
        """The first record at or after a time, by halving: `newest_ms` never falls."""
        low, high = held.low, held.high
        while low < high:
            middle = (low + high) // 2
            lo, hi, newest_ms = self._batch_at(partition_id, middle)
            if newest_ms < at_ms:
                low = hi
            else:
                high = lo
        return low if low == held.high else self._within(partition_id, low, at_ms)

    def _batch_at(self, partition_id: int, offset: int) -> tuple[int, int, int]:
        base = place_of(partition_id, 0)
        found = self._database.row(
            "SELECT place, hi, newest_ms FROM batch WHERE place <= ? "
            "ORDER BY place DESC LIMIT 1",
            (base + offset,),
        )
        assert found is not None  # noqa: S101 - between low and high every offset is held
        return found[0] - base, found[1], found[2]

    def _within(self, partition_id: int, lo: int, at_ms: int) -> int:
        found = self._database.row(
            "SELECT data FROM batch WHERE place = ?", (place_of(partition_id, lo),)
        )
        assert found is not None  # noqa: S101 - the same snapshot held it
        times = self._packer.unpack(found[0]).timestamps_ms
        return lo + next((i for i, t in enumerate(times) if t >= at_ms), len(times))
