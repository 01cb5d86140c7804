"""The bus on Kafka: opens everything else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Protocol, Self, TypeVar

from confluent_kafka import Consumer, TopicPartition
from pydantic import SecretStr

from tocsin.bus.kafka import topics
from tocsin.bus.kafka.consumer import KafkaConsumer
from tocsin.bus.kafka.identity import IDENTITIES
from tocsin.bus.kafka.link import Link, Trouble, in_time
from tocsin.bus.kafka.producer import KafkaProducer
from tocsin.bus.kafka.reader import KafkaReader
from tocsin.bus.kafka.settings import ClientSettings
from tocsin.bus.kafka.table import KafkaTable, Tables
from tocsin.ports import bus as port

_CLOSE_S = 2.0


class _Closes(Protocol):
    def close(self) -> None: ...


T = TypeVar("T", bound=_Closes)


class KafkaBus:
    """A connection to Kafka. Nothing is asked of the broker before it is needed.

    `settings` go to the client as they are (security.protocol, sasl.*, ssl.*).
    """

    def __init__(
        self,
        bootstrap: str,
        *,
        prefix: str,
        replication: int,
        settings: Mapping[str, SecretStr],
        client_id: str,
    ) -> None:
        self._link = Link(
            ClientSettings(bootstrap, settings, client_id=client_id), prefix=prefix
        )
        self._replication = replication
        self._tables = Tables(self._link)
        self._opened: list[_Closes] = []

    def ensure_topics(
        self, specs: Sequence[port.TopicSpec], *, create: bool
    ) -> list[str]:
        """See the port; the table of identities is made with the others."""
        return topics.ensure(
            self._link,
            [*specs, IDENTITIES],
            replication=self._replication,
            create=create,
        )

    def topics(self) -> list[port.TopicInfo]:
        """See the port."""
        listed = topics.listed(self._link)
        return [topic for topic in listed if topic.name != IDENTITIES.name]

    def partitions(self, topic: str) -> int:
        """See the port."""
        return self._link.partitions(topic)

    def producer(self, identity: str) -> KafkaProducer:
        """See the port."""
        return self._kept(KafkaProducer(self._link, self._tables, identity))

    def consumer(
        self, topics: Sequence[str], *, group: str, member: str
    ) -> KafkaConsumer:
        """See the port."""
        return self._kept(KafkaConsumer(self._link, topics, group=group, member=member))

    def reader(
        self, topics: Sequence[str], *, start: port.Start | float = port.Start.BEGINNING
    ) -> KafkaReader:
        """See the port."""
        self._link.settle()
        return self._kept(KafkaReader(self._link, topics, start=start))

    def committed(
        self, group: str, topics: Sequence[str]
    ) -> dict[port.TopicPartition, int]:
        """See the port."""
        self._link.settle()
        wanted = [TopicPartition(*place) for place in self._link.places(topics)]
        name = self._link.full(group)
        trouble = Trouble(self._link)
        # A consumer that never joins, not the administration client: librdkafka's
        # issue 5040 ends the process there while the group has no coordinator yet.
        settings = {**self._link.settings.member(name, "look"), "error_cb": trouble}
        client = self._link.build(Consumer, settings)
        try:
            found = self._link.patiently(
                lambda wait_s: client.committed(wanted, wait_s),
                f"committed offsets of group {name}",
                trouble=trouble,
                serve=client.poll,
            )
        finally:
            in_time(client.close, wait_s=_CLOSE_S)
        return {
            port.TopicPartition(self._link.short(each.topic), each.partition): (
                each.offset
            )
            for each in found
            if each.offset >= 0 and each.error is None
        }

    def table(self, name: str, *, prefix: bytes = b"") -> KafkaTable:
        """See the port."""
        return self._kept(KafkaTable(self._link, self._tables, name, prefix=prefix))

    def maintain(self) -> None:
        """See the port: Kafka applies retention by itself."""

    def describe(self) -> str:
        """See the port."""
        prefix = f", topics {self._link.prefix}*" if self._link.prefix else ""
        return f"Kafka at {self._link.where}{prefix}"

    def close(self) -> None:
        """See the port; takes some seconds at most, also when Kafka is unreachable."""
        while self._opened:
            self._opened.pop().close()
        self._tables.close()

    def __repr__(self) -> str:
        return f"KafkaBus({self._link.settings!r}, prefix={self._link.prefix!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _kept(self, opened: T) -> T:
        self._opened.append(opened)
        return opened
