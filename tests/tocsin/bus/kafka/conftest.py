"""A bus with topics of its own on the session's broker."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

from tests.broker import Broker
from tests.tocsin.bus.kafka.support import open_bus
from tocsin.bus.kafka.adapter import KafkaBus
from tocsin.ports.bus import TopicSpec

_prefixes = (f"t{number}." for number in itertools.count())


@pytest.fixture
def prefix() -> str:
    """A prefix that no other test of the session has."""
    return next(_prefixes)


@pytest.fixture
def bus(kafka_broker: Broker, prefix: str) -> Iterator[KafkaBus]:
    """A bus with a topic `logs` of two partitions and a table `state`."""
    with open_bus(kafka_broker, prefix) as opened:
        opened.ensure_topics(
            [TopicSpec("logs", partitions=2), TopicSpec("state", compacted=True)],
            create=True,
        )
        yield opened
