"""The configuration's model: every key, its type, its default and what it means."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Annotated, Literal

from platformdirs import user_state_path
from pydantic import AfterValidator, Field, SecretStr

from tocsin.config.alerting import AlertingConfig, BurstConfig, SlackConfig
from tocsin.config.formats import FormatConfig
from tocsin.config.kinds import (
    Address,
    BusUrl,
    Delimiter,
    Duration,
    Encoding,
    Name,
    Pattern,
    Section,
    Size,
    Timezone,
)
from tocsin.config.pathpattern import compile_path_pattern

__all__ = [
    "AlertingConfig",
    "BurstConfig",
    "BusConfig",
    "CollectorConfig",
    "Config",
    "ProcessorConfig",
    "SlackConfig",
    "TopicConfig",
]


class TopicConfig(Section):
    """How a topic is created."""

    partitions: int = Field(1, ge=1, le=1000)
    retention: Duration = 86400.0
    retention_size: Size | None = None


class BusConfig(Section):
    """Where the bus is and how its topics are made."""

    url: BusUrl = "embedded://"
    topic_prefix: str = Field("", pattern=r"^[A-Za-z0-9._-]*$", max_length=100)
    create_topics: bool = True
    replication: int = Field(1, ge=1, le=9)
    raw_logs: TopicConfig = TopicConfig(
        # A day of a busy machine's lines must not fill its disk: 8 GiB in all.
        partitions=4,
        retention=86400.0,
        retention_size=2 * 1024**3,
    )
    log_metrics: TopicConfig = TopicConfig(retention=2 * 86400.0)
    log_metrics_1m: TopicConfig = TopicConfig(retention=30 * 86400.0)
    alerts: TopicConfig = TopicConfig(retention=30 * 86400.0)
    dead_letters: TopicConfig = TopicConfig(retention=7 * 86400.0)
    kafka: dict[str, SecretStr] = Field(
        default_factory=dict,
        description="Passed to the Kafka client, such as security.protocol",
    )


def _path_pattern(text: str) -> str:
    compile_path_pattern(text)
    return text


class CollectorConfig(Section):
    """What is read, and how."""

    paths: list[str] = []
    exclude: list[str] = []
    start: Literal["beginning", "end"] = "beginning"
    ignore_older: Duration | None = None
    host: str = Field(default_factory=socket.gethostname)
    services: list[Annotated[str, AfterValidator(_path_pattern)]] = Field(
        [], description="patterns of paths with {service} and labels in braces"
    )
    encoding: Encoding | None = Field(
        None, description="of files without a byte order mark; None: bytes as they are"
    )
    delimiter: Delimiter = Field("\\n", description="what ends a record in a file")
    max_line: Size = 1_000_000
    multiline: bool = Field(
        True,
        description="join lines to events, such as stack traces",
    )
    multiline_wait: Duration = Field(
        1.0, ge=0, description="how long an event may stay open that asks for more"
    )
    multiline_max_lines: int = Field(500, ge=1, description="of one event")
    max_open_files: int = Field(256, ge=8)
    pin: bool = False
    scan_interval: Duration = 0.2
    max_batch_lines: int = Field(5_000, ge=1)
    max_batch: Size = 4 * 1024**2


class ProcessorConfig(Section):
    """How lines become panes and windows."""

    flush: Duration = 0.1
    max_batch_lines: int = Field(20_000, ge=1)
    heartbeat: Duration = 1.0
    timezone: Timezone = "local"
    window: Duration = 60.0
    further_windows: list[Annotated[Duration, Field(ge=1, le=900)]] = Field(
        [], max_length=4, description="statistics over other lengths of time, too"
    )
    grace: Duration = 2.0
    max_templates: int = Field(20, ge=1, description="kept in one pane")
    max_templates_a_day: int = Field(1000, ge=1, description="of one service")
    count_by: list[Annotated[str, Field(min_length=1, max_length=64)]] = Field(
        [], max_length=8, description="fields of JSON and logfmt lines, such as action"
    )
    max_values: int = Field(50, ge=1, le=200, description="kept of a field")
    max_services: int = Field(
        200, ge=1, le=1000, description="that the lines of one service may name a day"
    )
    formats: list[FormatConfig] = Field(
        [], description="of one's own; tried before those that are known"
    )
    redact: dict[Name, Pattern] = Field(
        default_factory=dict, description="what else is taken out of samples, by name"
    )
    redact_defaults: bool = Field(
        True, description="passwords, tokens, e-mail addresses, card numbers"
    )


class Config(Section):
    """Everything that can be set."""

    id: str = Field(
        default_factory=socket.gethostname,
        pattern=r"^[A-Za-z0-9._-]+$",
        description="the identity of this process; stable over restarts",
    )
    state_dir: Path = Field(default_factory=lambda: user_state_path("tocsin"))
    http: Address | None = Field(None, description="HOST:PORT for metrics and health")
    bus: BusConfig = BusConfig()
    collector: CollectorConfig = CollectorConfig()
    processor: ProcessorConfig = ProcessorConfig()
    alerting: AlertingConfig = AlertingConfig()
