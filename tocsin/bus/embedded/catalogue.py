"""The topics of the file: made once, then known by heart."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Sequence
from dataclasses import dataclass

from tocsin.bus.embedded.database import Database
from tocsin.errors import BusError
from tocsin.ports.bus import TopicInfo, TopicPartition, TopicSpec

_CURE = (
    "create the topics: set bus.create_topics to true, or run `tocsin topics create`"
)


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic; `partition_ids` by partition number."""

    id: int
    name: str
    compacted: bool
    max_record_bytes: int
    partition_ids: tuple[int, ...]


class Catalogue:
    """Topics by their names without the prefix. Any thread may ask."""

    def __init__(self, database: Database, *, prefix: str) -> None:
        self._database = database
        self._prefix = prefix
        self._known: dict[str, Topic] = {}
        self._lock = threading.Lock()

    def topic(self, name: str) -> Topic:
        """A topic or table.

        Raises:
            BusError: there is none of that name.
        """
        with self._lock:
            if name not in self._known:
                self._load()
            if name in self._known:
                return self._known[name]
        raise BusError(f"there is no topic {self._prefix}{name}", hint=_CURE)

    def partitions(self, names: Sequence[str]) -> dict[int, TopicPartition]:
        """All partitions of some topics, by id."""
        return {
            partition_id: TopicPartition(name, number)
            for name in names
            for number, partition_id in enumerate(self.topic(name).partition_ids)
        }

    def ensure(self, specs: Sequence[TopicSpec], *, create: bool) -> list[str]:
        """See `Bus.ensure_topics`; retention is taken over without a message."""
        with self._lock:
            with self._database.write() as connection:
                messages = [
                    m for s in specs for m in self._ensure(connection, s, create=create)
                ]
            self._load()
        return messages

    def infos(self) -> list[TopicInfo]:
        """See `Bus.topics`."""
        with self._lock:
            found = self._database.rows(
                "SELECT t.name, t.compacted, p.low, p.high FROM topic t "
                "JOIN partition p ON p.topic = t.id WHERE substr(t.name, 1, ?) = ? "
                "ORDER BY t.name, p.number",
                (len(self._prefix), self._prefix),
            )
        by_name: dict[str, list[tuple[int, int, int]]] = {}
        for name, *rest in found:
            by_name.setdefault(name[len(self._prefix) :], []).append(tuple(rest))
        return [_info(name, rows) for name, rows in by_name.items()]

    def committed(self, group: str) -> list[tuple[int, int]]:
        """The committed offsets of a group, by partition id."""
        with self._lock:
            return [
                (partition_id, offset)
                for partition_id, offset in self._database.rows(
                    "SELECT partition, next FROM committed WHERE consumer_group = ?",
                    (group,),
                )
            ]

    def close(self) -> None:
        """Give up."""
        with self._lock:
            self._database.close()

    def _load(self) -> None:
        found = self._database.rows(
            "SELECT t.name, t.id, t.compacted, t.max_record_bytes, p.id FROM topic t "
            "JOIN partition p ON p.topic = t.id WHERE substr(t.name, 1, ?) = ? "
            "ORDER BY t.id, p.number",
            (len(self._prefix), self._prefix),
        )
        ids: dict[str, list[int]] = {}
        for name, *_, partition_id in found:
            ids.setdefault(name, []).append(partition_id)
        self._known = {
            full[len(self._prefix) :]: Topic(
                topic_id,
                full[len(self._prefix) :],
                bool(compacted),
                max_bytes,
                tuple(ids[full]),
            )
            for full, topic_id, compacted, max_bytes, _ in found
        }

    def _ensure(
        self, connection: sqlite3.Connection, spec: TopicSpec, *, create: bool
    ) -> list[str]:
        name = self._prefix + spec.name
        found = connection.execute(
            "SELECT partitions, compacted FROM topic WHERE name = ?", (name,)
        ).fetchone()
        if found is None and not create:
            return [f"missing topic {name}"]
        if found is None:
            _create(connection, name, spec)
            return []
        connection.execute(
            "UPDATE topic SET retention_s = ?, retention_bytes = ?, "
            "max_record_bytes = ? WHERE name = ?",
            (spec.retention_s, spec.retention_bytes, spec.max_record_bytes, name),
        )
        return _differences(name, spec, *found)


def _create(connection: sqlite3.Connection, name: str, spec: TopicSpec) -> None:
    [topic_id] = connection.execute(
        "INSERT INTO topic (name, partitions, compacted, retention_s, retention_bytes,"
        " max_record_bytes) VALUES (?, ?, ?, ?, ?, ?) RETURNING id",
        (
            name,
            spec.partitions,
            spec.compacted,
            spec.retention_s,
            spec.retention_bytes,
            spec.max_record_bytes,
        ),
    ).fetchone()
    connection.executemany(
        "INSERT INTO partition (topic, number) VALUES (?, ?)",
        [(topic_id, number) for number in range(spec.partitions)],
    )


def _differences(
    name: str, spec: TopicSpec, partitions: int, compacted: int
) -> list[str]:
    messages = []
    if partitions != spec.partitions:
        messages.append(
            f"topic {name} has {partitions} partitions, expected {spec.partitions}"
        )
    if bool(compacted) != spec.compacted:
        kinds = ("a topic", "a table")
        messages.append(
            f"topic {name} is {kinds[compacted]}, expected {kinds[spec.compacted]}"
        )
    return messages


def _info(name: str, rows: list[tuple[int, int, int]]) -> TopicInfo:
    return TopicInfo(
        name,
        partitions=len(rows),
        compacted=bool(rows[0][0]),
        low=tuple(low for _, low, _ in rows),
        high=tuple(high for _, _, high in rows),
    )
