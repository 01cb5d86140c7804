"""A partition as rows of batches: appending, and reading from an offset."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import chain

from tocsin.bus.embedded.database import Database
from tocsin.bus.embedded.packing import Packer
from tocsin.bus.embedded.schema import OFFSET_BITS
from tocsin.ports.bus import Batch, Records, TopicPartition

# A reader unpacks whole batches, so one must not be a large part of its memory.
CHUNK_RECORDS = 5_000
CHUNK_BYTES = 4 * 1024**2

_START = (
    "SELECT place, hi, data FROM batch WHERE place >= coalesce("
    "(SELECT max(place) FROM batch WHERE place BETWEEN ? AND ?), ?) "
    "AND place < ? ORDER BY place"
)


@dataclass(frozen=True, slots=True)
class Packed:
    """Records ready to be appended: how many, the newest time, the blob."""

    count: int
    newest_ms: int
    blob: bytes


@dataclass(frozen=True, slots=True)
class Ends:
    """A partition's first held offset and its next one."""

    low: int
    high: int


def place_of(partition_id: int, offset: int) -> int:
    """The place of a record in the file."""
    return (partition_id << OFFSET_BITS) + offset


def pack(packer: Packer, records: Records, *, largest: int) -> list[Packed]:
    """Pack records in chunks of bounded size; none is larger than `largest` bytes."""
    return [
        Packed(len(chunk), _newest(chunk.timestamps_ms), packer.pack(chunk))
        for chunk in _chunks(records, largest)
    ]


def _chunks(records: Records, largest: int) -> Iterator[Records]:
    total = len(records)
    if total <= CHUNK_RECORDS:
        yield from _halved(records, largest)
        return
    for start in range(0, total, CHUNK_RECORDS):
        yield from _halved(sliced(records, start, start + CHUNK_RECORDS), largest)


def _halved(records: Records, largest: int) -> Iterator[Records]:
    # The product spares the sum where no record is unusually large.
    total = len(records)
    small = total * largest <= CHUNK_BYTES or _size(records) <= CHUNK_BYTES
    if small or total == 1:
        yield records
        return
    yield from _halved(sliced(records, 0, total // 2), largest)
    yield from _halved(sliced(records, total // 2, total), largest)


def _size(records: Records) -> int:
    return sum(map(len, records.values)) + sum(map(len, records.keys))


def _newest(times: Sequence[int]) -> int:
    return times[0] if times.count(times[0]) == len(times) else max(times)


def sliced(records: Records, start: int, end: int) -> Records:
    """Some of the records."""
    return Records(
        records.keys[start:end],
        records.values[start:end],
        records.timestamps_ms[start:end],
    )


def append(
    connection: sqlite3.Connection, partition_id: int, batches: list[Packed]
) -> None:
    """Append to a partition, inside a transaction."""
    [lo, newest_ms] = connection.execute(
        "SELECT high, newest_ms FROM partition WHERE id = ?", (partition_id,)
    ).fetchone()
    rows = []
    for batch in batches:
        newest_ms = max(newest_ms, batch.newest_ms)
        place = place_of(partition_id, lo)
        lo += batch.count
        rows.append((place, lo, newest_ms, len(batch.blob), batch.blob))
    connection.executemany("INSERT INTO batch VALUES (?, ?, ?, ?, ?)", rows)
    connection.execute(
        "UPDATE partition SET high = ?, newest_ms = ?, bytes = bytes + ? WHERE id = ?",
        (lo, newest_ms, sum(len(b.blob) for b in batches), partition_id),
    )


def ends(database: Database, partition_ids: Iterable[int]) -> dict[int, Ends]:
    """The first and the next offset of partitions."""
    ids = sorted(partition_ids)
    marks = ",".join("?" * len(ids))
    found = database.rows(
        f"SELECT id, low, high FROM partition WHERE id IN ({marks})",  # noqa: S608 - only marks
        ids,
    )
    return {partition_id: Ends(low, high) for partition_id, low, high in found}


@dataclass(slots=True)
class Cursor:
    """How far a reader is in one partition; `ahead` was unpacked and not yet given."""

    partition_id: int
    name: TopicPartition
    next_offset: int
    ends: Ends = Ends(0, 0)
    ahead: list[tuple[int, Records]] = field(default_factory=list)

    @property
    def behind(self) -> int:
        """How many records are left, as of the last look."""
        return max(0, self.ends.high - max(self.next_offset, self.ends.low))

    def look(self, ends: Ends) -> None:
        """Take note of the partition's ends; what retention removed is skipped."""
        self.ends = ends
        if self.next_offset < ends.low and not self.ahead:
            self.next_offset = ends.low

    def move(self, offset: int) -> None:
        """Go on at another offset."""
        self.next_offset = offset
        self.ahead.clear()

    def take(self, database: Database, packer: Packer, most: int) -> list[Batch]:
        """Up to `most` next records, as consecutive batches."""
        taken = []
        while (
            most > 0
            and self.behind
            and (self.ahead or self._load(database, packer, most))
        ):
            batch = self._next(most)
            taken.append(batch)
            most -= batch.hi - batch.lo
        return taken

    def _next(self, most: int) -> Batch:
        lo, records = self.ahead.pop(0)
        if len(records) > most:
            self.ahead.insert(0, (lo + most, sliced(records, most, len(records))))
            records = sliced(records, 0, most)
        self.next_offset = lo + len(records)
        return Batch(*self.name, lo, self.next_offset, records)

    def _load(self, database: Database, packer: Packer, most: int) -> bool:
        base = place_of(self.partition_id, 0)
        at = place_of(self.partition_id, self.next_offset)
        end = place_of(self.partition_id + 1, 0)
        with closing(database.each(_START, (base, at, at, end))) as rows:
            for place, hi, blob in rows:
                if hi <= self.next_offset:
                    continue
                lo = place - base
                records = packer.unpack(blob)
                if lo < self.next_offset:
                    records = sliced(records, self.next_offset - lo, len(records))
                    lo = self.next_offset
                self.ahead.append((lo, records))
                most -= len(records)
                if most <= 0:
                    break
        return bool(self.ahead)


def joined(batches: list[Batch]) -> Batch:
    """Consecutive batches of one partition as one."""
    if len(batches) == 1:
        return batches[0]
    first, last = batches[0], batches[-1]
    records = Records(
        list(chain.from_iterable(b.records.keys for b in batches)),
        list(chain.from_iterable(b.records.values for b in batches)),
        list(chain.from_iterable(b.records.timestamps_ms for b in batches)),
    )
    return Batch(first.topic, first.partition, first.lo, last.hi, records)


def gather(
    database: Database, packer: Packer, cursors: list[Cursor], most: int
) -> list[Batch]:
    """Up to `most` records, shared out evenly over the partitions that have some."""
    found: list[Batch] = []
    waiting = [cursor for cursor in cursors if cursor.behind]
    while waiting and most > 0:
        share = -(-most // len(waiting))
        progress = False
        for cursor in waiting:
            batches = cursor.take(database, packer, min(share, most))
            most -= sum(b.hi - b.lo for b in batches)
            found += batches
            progress = progress or bool(batches)
        if not progress:
            break
        waiting = [cursor for cursor in waiting if cursor.behind]
    return found


def by_partition(batches: Iterable[Batch]) -> dict[TopicPartition, list[Batch]]:
    """Batches by their partitions, in order."""
    result: dict[TopicPartition, list[Batch]] = {}
    for batch in batches:
        name = TopicPartition(batch.topic, batch.partition)
        result.setdefault(name, []).append(batch)
    return result
