"""The bus in one SQLite file: opens the parts."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self, TypeVar

from tocsin.bus.embedded.catalogue import Catalogue
from tocsin.bus.embedded.consumer import EmbeddedConsumer
from tocsin.bus.embedded.database import Database
from tocsin.bus.embedded.group import Membership
from tocsin.bus.embedded.producer import EmbeddedProducer
from tocsin.bus.embedded.pulse import Pulse
from tocsin.bus.embedded.reader import EmbeddedReader
from tocsin.bus.embedded.schema import prepare
from tocsin.bus.embedded.table import EmbeddedTableView
from tocsin.bus.embedded.upkeep import Upkeep
from tocsin.errors import BusError
from tocsin.ports.bus import Start, TopicInfo, TopicPartition, TopicSpec
from tocsin.values import Clock


class _Closable(Protocol):
    def close(self) -> None: ...


_Part = TypeVar("_Part", bound=_Closable)


class EmbeddedBus:
    """See `tocsin.ports.bus.Bus`.

    `wall` decides on age, `monotonic` on leases; the latter must be one clock for all
    processes that share the file.
    """

    def __init__(
        self,
        path: Path,
        *,
        prefix: str = "",
        wall: Clock = time.time,
        monotonic: Clock = time.monotonic,
    ) -> None:
        """Open the file, or make it.

        Raises:
            ConfigError: its directory cannot be used.
            BusError: it is damaged, of another program, or of a newer tocsin.
        """
        prepare(path)
        self._path = path
        self._prefix = prefix
        self._wall = wall
        self._monotonic = monotonic
        self._holder = f"process {os.getpid()}"
        self._catalogue = Catalogue(self._connected(), prefix=prefix)
        self._parts: list[_Closable] = []
        self._lock = threading.Lock()
        self._pulse = Pulse(path, clock=monotonic)

    def ensure_topics(self, specs: Sequence[TopicSpec], *, create: bool) -> list[str]:
        """See the port."""
        return self._catalogue.ensure(specs, create=create)

    def topics(self) -> list[TopicInfo]:
        """See the port."""
        return self._catalogue.infos()

    def partitions(self, topic: str) -> int:
        """See the port."""
        return len(self._catalogue.topic(topic).partition_ids)

    def producer(self, identity: str) -> EmbeddedProducer:
        """See the port."""
        return self._kept(
            EmbeddedProducer(
                self._connected(),
                self._catalogue,
                identity=identity,
                name=self._prefix + identity,
                holder=self._holder,
            )
        )

    def consumer(
        self, topics: Sequence[str], *, group: str, member: str
    ) -> EmbeddedConsumer:
        """See the port."""
        partitions = self._catalogue.partitions(topics)
        database = self._connected()
        membership = Membership(
            database,
            group=self._prefix + group,
            name=member,
            topic_ids=[self._catalogue.topic(name).id for name in topics],
            holder=self._holder,
            clock=self._monotonic,
        )
        self._pulse.add(membership)
        return self._kept(
            EmbeddedConsumer(
                database,
                membership,
                partitions,
                on_close=lambda: self._pulse.remove(membership),
            )
        )

    def reader(
        self, topics: Sequence[str], *, start: Start | float = Start.BEGINNING
    ) -> EmbeddedReader:
        """See the port."""
        partitions = self._catalogue.partitions(topics)
        return self._kept(EmbeddedReader(self._connected(), partitions, start=start))

    def committed(self, group: str, topics: Sequence[str]) -> dict[TopicPartition, int]:
        """See the port."""
        partitions = self._catalogue.partitions(topics)
        return {
            partitions[partition_id]: offset
            for partition_id, offset in self._catalogue.committed(self._prefix + group)
            if partition_id in partitions
        }

    def table(self, name: str, *, prefix: bytes = b"") -> EmbeddedTableView:
        """See the port."""
        topic = self._catalogue.topic(name)
        if not topic.compacted:
            raise BusError(f"{name} is a topic, not a table")
        return self._kept(EmbeddedTableView(self._connected(), topic.id, prefix=prefix))

    def maintain(self) -> None:
        """See the port; bounded to about 5 s, one process at a time."""
        database = self._connected()
        try:
            Upkeep(database, wall=self._wall, monotonic=self._monotonic).run()
        finally:
            database.close()

    def describe(self) -> str:
        """See the port."""
        return f"embedded bus {self._path}"

    def close(self) -> None:
        """See the port."""
        with self._lock:
            parts, self._parts = self._parts, []
        for part in reversed(parts):
            part.close()
        self._pulse.close()
        self._catalogue.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _connected(self) -> Database:
        return Database(self._path)

    def _kept(self, part: _Part) -> _Part:
        with self._lock:
            self._parts.append(part)
        return part
