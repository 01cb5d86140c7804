"""Scenario 60 on two brokers: the leader of what is being written changes."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import ElectionType
from confluent_kafka import TopicPartition as Partition
from confluent_kafka.admin import AdminClient, NewTopic

from tests.broker import Broker, BrokerMissing
from tests.conftest import unavailable
from tests.scenarios.program import eventually
from tests.scenarios.stage import HOST, Installation, Stage
from tocsin.records.topics import CHECKPOINTS, RAW_LOGS

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.kafka]

_SETTINGS = {
    "offsets.topic.replication.factor": "2",
    "transaction.state.log.replication.factor": "2",
    # A dead broker is one after this.
    "broker.session.timeout.ms": "1000",
    "broker.heartbeat.interval.ms": "200",
    # What is written counts only once both have it, or one is known to be dead.
    "replica.lag.time.max.ms": "1000",
}
_FIRST, _SECOND = 1, 2


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[tuple[Broker, Broker]]:
    """Two brokers of one cluster; only the first has the controller."""
    try:
        first = Broker(tmp_path / "first", settings=_SETTINGS)
    except BrokerMissing as missing:
        unavailable(f"Kafka scenarios: {missing}")
    second = Broker(tmp_path / "second", settings=_SETTINGS, joins=first)
    first.start()
    try:
        second.start()
        yield first, second
    finally:
        second.kill()
        first.kill()


class Leaders:
    """Who leads the partitions that a collector writes to."""

    def __init__(self, first: Broker, prefix: str) -> None:
        self._admin = AdminClient({"bootstrap.servers": first.bootstrap})
        self._names = [f"{prefix}{name}" for name in (RAW_LOGS, CHECKPOINTS)]
        eventually(lambda: len(self._admin.list_topics().brokers) == 2, "two brokers")
        # The replica named first leads while it is there.
        topics = [
            NewTopic(name, 1, replica_assignment=[[_SECOND, _FIRST]])
            for name in self._names
        ]
        for future in self._admin.create_topics(topics).values():
            future.result()

    def wait_for(self, leader: int, *, replicas: int) -> None:
        """Wait until one broker leads all of them, and so many have everything."""

        def is_so() -> bool:
            topics = self._admin.list_topics().topics
            found = [topics[name].partitions[0] for name in self._names]
            return all(
                each.leader == leader and len(each.isrs) == replicas for each in found
            )

        eventually(is_so, f"{leader} leads")

    def elect_the_second(self) -> None:
        """Give the second broker back what it led."""
        places = [Partition(name, 0) for name in self._names]
        self._admin.elect_leaders(ElectionType.PREFERRED, places).result()


def test_s60_leaders_that_die_and_come_back_cost_no_line_and_no_order(
    tmp_path: Path, pair: tuple[Broker, Broker]
) -> None:
    first, second = pair
    home = Installation(tmp_path, first, prefix=f"s60-{os.getpid()}.")
    stage = Stage(home, home.logs, "s60")
    leaders = Leaders(first, home.prefix)
    collector = home.collector()
    collector.config.write_text(
        json.dumps({"collector": {"host": HOST}, "bus": {"replication": 2}})
    )
    path = stage.logs / "app.log"

    with collector:
        stage.write(path, 50_000)
        stage.wait(1_000)
        leaders.wait_for(_SECOND, replicas=2)
        second.kill()
        stage.write(path, 10_000)
        leaders.wait_for(_FIRST, replicas=1)
        stage.write(path, 10_000)
        stage.wait()

        second.start()
        leaders.wait_for(_FIRST, replicas=2)
        stage.write(path, 50_000)
        leaders.elect_the_second()
        stage.write(path, 10_000)
        leaders.wait_for(_SECOND, replicas=2)
        stage.expect_exactly_once()
        assert collector.lost_bytes == 0
    offsets = [r.key.offset for r in stage.records()]
    assert offsets == sorted(offsets)
    home.close()
