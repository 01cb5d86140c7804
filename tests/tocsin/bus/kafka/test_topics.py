"""Topics are made as specified, and told where they differ."""

from __future__ import annotations

import pytest
from confluent_kafka.admin import ConfigResource, ResourceType

from tests.broker import Broker
from tests.tocsin.bus.kafka.support import administration, open_bus
from tocsin.bus.kafka.adapter import KafkaBus
from tocsin.bus.kafka.topics import config_of
from tocsin.errors import BusUnavailable
from tocsin.ports.bus import TopicSpec


def config_at_broker(broker: Broker, topic: str) -> dict[str, str]:
    admin = administration(broker)
    resource = ConfigResource(ResourceType.TOPIC, topic)
    (answer,) = admin.describe_configs([resource]).values()
    return {name: str(entry.value) for name, entry in answer.result(10).items()}


@pytest.mark.kafka
def test_a_topic_is_made_with_its_partitions_and_configuration(
    kafka_broker: Broker, bus: KafkaBus, prefix: str
) -> None:
    spec = TopicSpec(
        "kept",
        partitions=3,
        retention_s=3600.0,
        retention_bytes=80 * 1024**2,
        max_record_bytes=50_000,
    )

    reports = bus.ensure_topics([spec], create=True)

    config = config_at_broker(kafka_broker, f"{prefix}kept")
    assert reports == []
    assert bus.partitions("kept") == 3
    assert config["cleanup.policy"] == "delete"
    assert config["retention.ms"] == "3600000"
    assert config["retention.bytes"] == str(80 * 1024**2)
    assert config["segment.bytes"] == str(10 * 1024**2)
    assert config["max.message.bytes"] == "51024"


@pytest.mark.kafka
def test_topics_are_listed_without_the_prefix_and_without_our_own(
    bus: KafkaBus,
) -> None:
    assert [(t.name, t.partitions, t.compacted) for t in bus.topics()] == [
        ("logs", 2, False),
        ("state", 1, True),
    ]


@pytest.mark.kafka
def test_a_topic_that_differs_is_reported_and_left_alone(
    bus: KafkaBus, prefix: str
) -> None:
    wanted = [TopicSpec("logs", partitions=5, compacted=True), TopicSpec("state")]

    reports = bus.ensure_topics(wanted, create=True)

    assert reports == [
        f"topic {prefix}logs has 2 of 5 partitions",
        f"topic {prefix}logs has cleanup.policy=delete, not compact",
        f"topic {prefix}state has cleanup.policy=compact, not delete",
    ]
    assert bus.partitions("logs") == 2


@pytest.mark.kafka
def test_missing_topics_are_reported_where_none_may_be_made(
    kafka_broker: Broker, prefix: str
) -> None:
    with open_bus(kafka_broker, prefix) as bus:
        reports = bus.ensure_topics([TopicSpec("logs")], create=False)

        assert reports == [
            f"missing topic {prefix}logs",
            f"missing topic {prefix}identities",
        ]
        with pytest.raises(BusUnavailable, match=f"topic {prefix}logs") as raised:
            bus.consumer(["logs"], group="g", member="m")
        assert "tocsin topics create" in raised.value.hint


@pytest.mark.kafka
def test_topics_that_exist_can_be_ensured_again(bus: KafkaBus) -> None:
    specs = [TopicSpec("logs", partitions=2), TopicSpec("state", compacted=True)]

    assert bus.ensure_topics(specs, create=True) == []


def test_replicated_topics_want_two_replicas_in_step() -> None:
    spec = TopicSpec("logs")

    assert config_of(spec, replication=3)["min.insync.replicas"] == "2"
    assert config_of(spec, replication=1)["min.insync.replicas"] == "1"


def test_a_topic_that_keeps_everything_has_no_limits() -> None:
    config = config_of(TopicSpec("logs"), replication=1)

    assert (config["retention.ms"], config["retention.bytes"]) == ("-1", "-1")
