"""Topics at the broker: making them, and telling how they differ from their specs."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import ConfigResource, NewTopic, ResourceType

from tocsin.bus.kafka.link import Link
from tocsin.errors import BusError, BusUnavailable
from tocsin.ports.bus import TopicInfo, TopicSpec

_OVERHEAD_BYTES = 1024
"""What a batch of one record needs beside key and value; the broker counts it in."""

_SEGMENT_BYTES = 256 * 1024**2
_LEAST_SEGMENT_BYTES = 1024**2  # the broker's own limit
_TABLE_SEGMENT_BYTES = 16 * 1024**2


def ensure(
    link: Link, specs: Sequence[TopicSpec], *, replication: int, create: bool
) -> list[str]:
    """Create what is missing; what differs, as messages."""
    there = link.metadata()
    missing = [spec for spec in specs if link.full(spec.name) not in there]
    if create and missing:
        _create(link, missing, replication)
    link.limits.update({spec.name: spec.max_record_bytes for spec in specs})
    reports = [] if create else [f"missing topic {link.full(s.name)}" for s in missing]
    return reports + _differences(link, [s for s in specs if s not in missing], there)


def listed(link: Link) -> list[TopicInfo]:
    """The topics under the prefix, by name; the broker's own are left out."""
    there = {
        name: len(topic.partitions)
        for name, topic in sorted(link.metadata().items())
        if name.startswith(link.prefix) and not name.startswith("__")
    }
    places = [(name, p) for name, count in there.items() for p in range(count)]
    lows, highs = link.lows(places), link.highs(places)
    policies = _configs(link, list(there), "cleanup.policy")
    return [
        TopicInfo(
            name=link.short(name),
            partitions=count,
            compacted="compact" in policies.get(name, ""),
            low=tuple(lows[name, p] for p in range(count)),
            high=tuple(highs[name, p] for p in range(count)),
        )
        for name, count in there.items()
    ]


def config_of(spec: TopicSpec, *, replication: int) -> dict[str, str]:
    """The topic's configuration at the broker."""
    retention_ms = -1 if spec.retention_s is None else int(spec.retention_s * 1000)
    retention_bytes = -1 if spec.retention_bytes is None else spec.retention_bytes
    config = {
        "max.message.bytes": str(spec.max_record_bytes + _OVERHEAD_BYTES),
        # A collector whose clock is ahead must not come to a stop.
        "message.timestamp.after.max.ms": str(2**63 - 1),
        "min.insync.replicas": "2" if replication > 2 else "1",
    }
    if spec.compacted:
        return config | {
            "cleanup.policy": "compact",
            # Only closed segments are compacted: a table is read whole at each start.
            "segment.bytes": str(_TABLE_SEGMENT_BYTES),
            "segment.ms": "3600000",
            "min.cleanable.dirty.ratio": "0.2",
        }
    return config | {
        "cleanup.policy": "delete",
        "retention.ms": str(retention_ms),
        "retention.bytes": str(retention_bytes),
        # Only whole segments are deleted: eight of them make up what is kept.
        "segment.bytes": str(_segment_bytes(spec)),
    }


def _segment_bytes(spec: TopicSpec) -> int:
    if spec.retention_bytes is None:
        return _SEGMENT_BYTES
    return max(_LEAST_SEGMENT_BYTES, min(_SEGMENT_BYTES, spec.retention_bytes // 8))


def _create(link: Link, specs: Sequence[TopicSpec], replication: int) -> None:
    new = [
        NewTopic(
            link.full(spec.name),
            num_partitions=spec.partitions,
            replication_factor=replication,
            config=config_of(spec, replication=replication),
        )
        for spec in specs
    ]
    for topic in new:
        _create_one(link, topic)
    _wait_for(link, [topic.topic for topic in new])


def _create_one(link: Link, topic: NewTopic) -> None:
    try:
        link.asked(
            lambda wait_s: link.admin.create_topics([topic], request_timeout=wait_s),
            f"creating topic {topic.topic}",
        )
    except BusError as error:
        # Another process was faster, or our first request was only slow.
        if "(TOPIC_ALREADY_EXISTS)" not in str(error):
            raise


def _wait_for(link: Link, names: Sequence[str]) -> None:
    """Creation is answered before every broker knows the topic."""
    for name in names:
        link.patiently(
            partial(_known, link, name),
            f"topic {name}",
            trouble=link.trouble,
            serve=link.admin.poll,
        )


def _known(link: Link, name: str, wait_s: float) -> None:
    found = link.admin.list_topics(name, wait_s).topics[name]
    leaderless = any(p.leader < 0 for p in found.partitions.values())
    if found.error is not None or leaderless or not found.partitions:
        raise KafkaException(KafkaError(KafkaError.LEADER_NOT_AVAILABLE))


def _differences(
    link: Link, specs: Sequence[TopicSpec], there: dict[str, Any]
) -> list[str]:
    names = [link.full(spec.name) for spec in specs]
    policies = _configs(link, names, "cleanup.policy")
    reports = []
    for spec in specs:
        name = link.full(spec.name)
        count = len(there[name].partitions)
        if count < spec.partitions:
            reports.append(f"topic {name} has {count} of {spec.partitions} partitions")
        wanted = "compact" if spec.compacted else "delete"
        if (policy := policies.get(name, wanted)) != wanted:
            reports.append(f"topic {name} has cleanup.policy={policy}, not {wanted}")
    return reports


def _configs(link: Link, names: Sequence[str], key: str) -> dict[str, str]:
    """One setting of each topic; none where we have no right to read it."""
    if not names:
        return {}
    resources = [ConfigResource(ResourceType.TOPIC, name) for name in names]
    try:
        answers = link.asked(
            lambda wait_s: link.admin.describe_configs(
                resources, request_timeout=wait_s
            ),
            "configuration of topics",
        )
    except BusUnavailable:
        raise
    except BusError:
        return {}
    return {
        resource.name: str(entries[key].value) for resource, entries in answers.items()
    }
