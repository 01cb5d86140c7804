"""The test broker itself."""

from __future__ import annotations

from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient

from tests.broker import Broker, BrokerMissing, fetch_jars


@pytest.mark.kafka
def test_the_broker_serves_clients(kafka_broker: Broker) -> None:
    admin = AdminClient({"bootstrap.servers": kafka_broker.bootstrap})

    metadata = admin.list_topics(timeout=10)

    assert [broker.port for broker in metadata.brokers.values()] == [kafka_broker.port]


def test_a_machine_without_java_is_told_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(BrokerMissing, match="no Java"):
        fetch_jars()
