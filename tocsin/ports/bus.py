"""The bus: topics, tables, consumer groups, and transactions over all three.

Everything is a batch of columns; nothing here is called once per line. A topic is a
set of partitions; a partition is an append-only sequence of records with growing
offsets (they may have holes). A table is keyed latest-value state. Names are given
without the installation's prefix; the adapter adds it.

Errors of every method, beside those it names: BusUnavailable (wait, try again),
BusError (tell a person). Objects of one bus may be used by one thread each; the bus
itself may be shared between threads.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import Enum
from types import TracebackType
from typing import NamedTuple, Protocol, Self


class TopicPartition(NamedTuple):
    """One partition of a topic."""

    topic: str
    partition: int


@dataclass(frozen=True, slots=True)
class Records:
    """Records as three equally long columns; timestamps in Unix milliseconds."""

    keys: Sequence[bytes]
    values: Sequence[bytes]
    timestamps_ms: Sequence[int]

    def __len__(self) -> int:
        return len(self.values)


@dataclass(frozen=True, slots=True)
class Batch:
    """Consecutive records of one partition, covering the offsets `[lo, hi)`.

    Batches of one consumer tile: `lo` is the `hi` of the batch before (after a
    restart: the committed offset), unless the bus no longer holds what lies between
    (retention) - then the hole is real, and the reader must count it.
    """

    topic: str
    partition: int
    lo: int
    hi: int
    records: Records


@dataclass(frozen=True, slots=True)
class Position:
    """How far a consumer is in a partition.

    `next_offset`: the first offset that it has not returned yet. `caught_up`: at its
    last look there was nothing more to read. `lag`: records left, as far as known.
    """

    next_offset: int
    caught_up: bool
    lag: int


@dataclass(frozen=True, slots=True)
class Assignment:
    """The partitions that are a consumer's own; `generation` grows with each change."""

    generation: int
    positions: Mapping[TopicPartition, Position]


class Start(Enum):
    """Where a reader without a group begins."""

    BEGINNING = "beginning"
    END = "end"


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """How a topic is to be created.

    `retention_s`, `retention_bytes` (a partition): None keeps everything.
    `compacted`: the topic is a table.
    """

    name: str
    partitions: int = 1
    retention_s: float | None = None
    retention_bytes: int | None = None
    compacted: bool = False
    max_record_bytes: int = 1_048_576


@dataclass(frozen=True, slots=True)
class TopicInfo:
    """A topic as it is; offsets by partition: `low` is the first held, `high` the next.

    On a table both are zero where the engine has no offsets for tables.
    """

    name: str
    partitions: int
    compacted: bool
    low: tuple[int, ...]
    high: tuple[int, ...]


class Transaction(Protocol):
    """What happens together or not at all. Nothing here blocks for long."""

    @property
    def held_bytes(self) -> int:
        """About how much memory it holds until it is committed."""

    def send(self, topic: str, partition: int, records: Records) -> None:
        """Append records to a partition, in order.

        Raises:
            RecordTooLarge: here or at the commit; the transaction is aborted.
        """

    def put(self, table: str, rows: Mapping[bytes, bytes | None]) -> None:
        """Set rows of a table; None deletes the row."""

    def acknowledge(self, consumer: Consumer) -> None:
        """Commit the offsets after all that `consumer` has returned so far."""


class Producer(Protocol):
    """The one writer under an identity; opening it fences the older holder.

    A transaction that a dead holder left open is aborted when a new one opens.
    """

    @property
    def identity(self) -> str:
        """The identity that it writes under."""

    def transaction(self) -> AbstractContextManager[Transaction]:
        """Begin; leaving the block commits, an exception in it aborts.

        Open it only once everything is at hand, never while waiting for input: an open
        transaction holds back every reader. The commit blocks some milliseconds, and at
        most ~10 s when the bus hangs.

        Raises (at the end of the block):
            TransactionAborted: nothing happened; reload state from what is committed.
            Fenced: another process holds the identity, or has the partitions now and
                this process may not go on under it.
        """

    def close(self) -> None:
        """Give up; an open transaction is aborted."""


class Consumer(Protocol):
    """A member of a consumer group: reads the partitions assigned to it."""

    def poll(
        self, *, max_records: int, wait_s: float, linger_s: float = 0.0
    ) -> list[Batch]:
        """Wait up to `wait_s` for records, then gather for up to `linger_s` more.

        Returns at most one batch a partition, about `max_records` records in all.
        Records of a partition that is revoked meanwhile are dropped from what was
        gathered (its next owner reads them). Never call it inside a transaction.
        """

    def assignment(self) -> Assignment:
        """The partitions now, as of the last `poll`. Does not block."""

    def close(self) -> None:
        """Leave the group at once, so that others take over."""


class Reader(Protocol):
    """Reads whole topics without a group and leaves no trace."""

    def poll(self, *, max_records: int, wait_s: float) -> list[Batch]:
        """Wait up to `wait_s` for committed records; at most one batch a partition."""

    def is_caught_up(self) -> bool:
        """Whether all that was committed when it was opened has been returned."""

    def close(self) -> None:
        """Give up."""


class TableView(Protocol):
    """A table's rows in memory, as of the last `refresh`."""

    @property
    def rows(self) -> Mapping[bytes, bytes]:
        """All rows with the view's prefix, as of the last refresh."""

    def refresh(self) -> set[bytes]:
        """Take in every transaction committed before this call; the keys that changed.

        Cheap when nothing changed. Blocks while the bus answers, at most ~10 s.
        """

    def close(self) -> None:
        """Give up."""


class Bus(Protocol):
    """A connection to the bus; every other object comes from here."""

    def ensure_topics(self, specs: Sequence[TopicSpec], *, create: bool) -> list[str]:
        """Create the missing topics; what differs from its spec, as messages.

        With `create` false, missing topics are waited for by the caller: they are
        reported as messages that start with `missing topic`.
        """

    def topics(self) -> list[TopicInfo]:
        """The installation's topics, tables included, by name."""

    def partitions(self, topic: str) -> int:
        """How many partitions a topic has."""

    def producer(self, identity: str) -> Producer:
        """Become the one writer under `identity`."""

    def consumer(self, topics: Sequence[str], *, group: str, member: str) -> Consumer:
        """Join `group`; without committed offsets it starts at the beginning.

        `member`: a stable name of this process in the group.
        """

    def reader(
        self, topics: Sequence[str], *, start: Start | float = Start.BEGINNING
    ) -> Reader:
        """Read from the beginning, the end, or the first record at or after a time."""

    def committed(self, group: str, topics: Sequence[str]) -> dict[TopicPartition, int]:
        """The committed offsets of a group; a partition without one is left out."""

    def table(self, name: str, *, prefix: bytes = b"") -> TableView:
        """A view of the rows whose keys begin with `prefix`, already refreshed."""

    def maintain(self) -> None:
        """Apply retention where the engine does not by itself. Call it each ~30 s."""

    def describe(self) -> str:
        """Where the bus is, for people; without any secret."""

    def close(self) -> None:
        """Close everything that was opened from here."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...
