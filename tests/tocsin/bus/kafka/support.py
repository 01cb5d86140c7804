"""Words that the tests of the Kafka adapter are written in."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping

from confluent_kafka.admin import AdminClient
from pydantic import SecretStr

from tests.broker import Broker
from tocsin.bus.kafka.adapter import KafkaBus
from tocsin.ports.bus import Batch, Consumer, Producer, Reader, Records


def open_bus(
    broker: Broker, prefix: str, settings: Mapping[str, str] | None = None
) -> KafkaBus:
    """A bus on the broker; members of groups are given up after a second or so."""
    quick = {"session.timeout.ms": "1500", "heartbeat.interval.ms": "300"}
    return KafkaBus(
        broker.bootstrap,
        prefix=prefix,
        replication=1,
        settings={k: SecretStr(v) for k, v in {**quick, **(settings or {})}.items()},
        client_id="tests",
    )


def lines(*values: str) -> Records:
    """Records with these values, now."""
    now_ms = int(time.time() * 1000)
    return Records(
        [f"key-{value}".encode() for value in values],
        [value.encode() for value in values],
        [now_ms] * len(values),
    )


def send(producer: Producer, *values: str, topic: str = "logs", to: int = 0) -> None:
    """Commit a transaction with these lines."""
    with producer.transaction() as tx:
        tx.send(topic, to, lines(*values))


def send_and(producer: Producer, then: Callable[[], object], *values: str) -> None:
    """Do something else in the middle of a transaction with these lines."""
    with producer.transaction() as tx:
        tx.send("logs", 0, lines(*values))
        tx.put("state", {value.encode(): b"row" for value in values})
        then()


def fail() -> None:
    """An error of the caller's own."""
    raise ZeroDivisionError


def administration(broker: Broker) -> AdminClient:
    """A client that does to the broker what Tocsin does not."""
    return AdminClient({"bootstrap.servers": broker.bootstrap, "log_level": 0})


def texts(batches: Iterable[Batch]) -> list[str]:
    """All values, in order."""
    return [value.decode() for batch in batches for value in batch.records.values]


def polled(consumer: Consumer, count: int, *, within_s: float = 10.0) -> list[Batch]:
    """Poll until there are `count` records."""
    batches: list[Batch] = []
    deadline = time.monotonic() + within_s
    while len(texts(batches)) < count and time.monotonic() < deadline:
        batches += consumer.poll(max_records=10_000, wait_s=0.5)
    return batches


def read_all(reader: Reader) -> list[str]:
    """Everything up to what was committed when the reader was opened."""
    found: list[str] = []
    deadline = time.monotonic() + 15.0
    while not reader.is_caught_up() and time.monotonic() < deadline:
        found += texts(reader.poll(max_records=10_000, wait_s=0.5))
    return found
