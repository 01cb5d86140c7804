"""The configuration's model: every key, its type, its default and what it means."""

from __future__ import annotations

import re
import socket
from pathlib import Path
from typing import Annotated, Any, Literal

from platformdirs import user_state_path
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr

_UNIT_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_UNIT_BYTES = {"B": 1, "KiB": 1024, "MiB": 1024**2, "GiB": 1024**3}


def duration_s(value: object) -> float:
    """Read a duration such as "30s" or "5m" as seconds.

    Raises:
        ValueError: it is anything else.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)", str(value))
    if match is None:
        raise ValueError(f'expected a duration such as "30s" or "5m", got {value!r}')
    return float(match[1]) * _UNIT_S[match[2]]


def size_bytes(value: object) -> int:
    """Read a size such as "64KiB" or "2GiB" as bytes.

    Raises:
        ValueError: it is anything else.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(B|KiB|MiB|GiB)", str(value))
    if match is None:
        raise ValueError(f'expected a size such as "64KiB" or "2GiB", got {value!r}')
    return int(float(match[1]) * _UNIT_BYTES[match[2]])


def _duration(value: Any) -> Any:
    return duration_s(value) if isinstance(value, str) else value


def _size(value: Any) -> Any:
    return size_bytes(value) if isinstance(value, str) else value


Duration = Annotated[
    float,
    BeforeValidator(_duration, json_schema_input_type=str),
    Field(ge=0),
]
Size = Annotated[int, BeforeValidator(_size, json_schema_input_type=str), Field(ge=0)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TopicConfig(_Section):
    """How a topic is created."""

    partitions: int = Field(1, ge=1, le=1000)
    retention: Duration = 86400.0
    retention_size: Size | None = None


class BusConfig(_Section):
    """Where the bus is and how its topics are made."""

    url: str = "embedded://"
    topic_prefix: str = Field("", pattern=r"^[A-Za-z0-9._-]*$", max_length=100)
    create_topics: bool = True
    replication: int = Field(1, ge=1, le=9)
    raw_logs: TopicConfig = TopicConfig(partitions=4, retention=86400.0)
    log_metrics: TopicConfig = TopicConfig(retention=2 * 86400.0)
    log_metrics_1m: TopicConfig = TopicConfig(retention=30 * 86400.0)
    alerts: TopicConfig = TopicConfig(retention=30 * 86400.0)
    dead_letters: TopicConfig = TopicConfig(retention=7 * 86400.0)
    kafka: dict[str, SecretStr] = Field(
        default_factory=dict,
        description="Passed to the Kafka client, such as security.protocol",
    )


class CollectorConfig(_Section):
    """What is read, and how."""

    paths: list[str] = []
    exclude: list[str] = []
    start: Literal["beginning", "end"] = "beginning"
    ignore_older: Duration | None = None
    encoding: str = "utf-8"
    host: str = Field(default_factory=socket.gethostname)
    max_line: Size = 1_000_000
    max_open_files: int = Field(256, ge=8)
    scan_interval: Duration = 0.2
    max_batch_lines: int = Field(5_000, ge=1)
    max_batch: Size = 4 * 1024**2


class ProcessorConfig(_Section):
    """How lines become panes and windows."""

    flush: Duration = 0.1
    max_batch_lines: int = Field(20_000, ge=1)
    heartbeat: Duration = 1.0
    timezone: str = "local"
    window: Duration = 60.0
    grace: Duration = 2.0
    max_templates: int = Field(20, ge=1, description="kept in one pane")


class BurstConfig(_Section):
    """The default rule: an adaptive ERROR burst."""

    enabled: bool = True
    min_count: int = Field(6, ge=1)
    warning_factor: float = Field(2.0, gt=1)
    critical_factor: float = Field(3.0, gt=1)
    windows: list[Duration] = [1.0, 5.0, 15.0, 60.0, 300.0]
    half_life: Duration = 1800.0


class SlackConfig(_Section):
    """Where in Slack messages go."""

    webhook_url: SecretStr | None = None
    bot_token: SecretStr | None = None
    channel: str | None = None
    api_url: str = "https://slack.com/api/"


class AlertingConfig(_Section):
    """Rules and receivers."""

    burst: BurstConfig = BurstConfig()
    slack: SlackConfig = SlackConfig()
    terminal: bool | None = Field(
        None, description="show messages on stdout; by default where Slack is not set"
    )


class Config(_Section):
    """Everything that can be set."""

    id: str = Field(
        default_factory=socket.gethostname,
        pattern=r"^[A-Za-z0-9._-]+$",
        description="the identity of this process; stable over restarts",
    )
    state_dir: Path = Field(default_factory=lambda: user_state_path("tocsin"))
    http: str | None = Field(None, description="HOST:PORT for metrics and health")
    bus: BusConfig = BusConfig()
    collector: CollectorConfig = CollectorConfig()
    processor: ProcessorConfig = ProcessorConfig()
    alerting: AlertingConfig = AlertingConfig()
