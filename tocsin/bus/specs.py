"""The topics and tables of an installation, as its configuration wants them."""

from __future__ import annotations

from tocsin.config.model import BusConfig, TopicConfig
from tocsin.ports.bus import TopicSpec
from tocsin.records import topics

# Values of tables are small; a table row is never larger than a record.
_RAW_LOGS_MAX_BYTES = 1_048_576


def specs(config: BusConfig) -> list[TopicSpec]:
    """Every topic, then every table."""
    configured = {
        topics.RAW_LOGS: config.raw_logs,
        topics.LOG_METRICS: config.log_metrics,
        topics.LOG_METRICS_1M: config.log_metrics_1m,
        topics.ALERTS: config.alerts,
        topics.DEAD_LETTERS: config.dead_letters,
    }
    return [
        *(_topic(name, section) for name, section in configured.items()),
        *(TopicSpec(name, compacted=True) for name in topics.TABLES),
    ]


def _topic(name: str, section: TopicConfig) -> TopicSpec:
    return TopicSpec(
        name,
        partitions=section.partitions,
        retention_s=section.retention or None,
        retention_bytes=section.retention_size or None,
        max_record_bytes=_RAW_LOGS_MAX_BYTES,
    )
