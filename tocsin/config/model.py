"""The configuration's model: every key, its type, its default and what it means."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from platformdirs import user_state_path
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationInfo,
)
from pydantic.fields import FieldInfo

from tocsin.values import parse_address

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


WRITTEN = "written"
"""Validation context of values that a person wrote: `5` says neither s nor ms."""


def _duration(value: Any, info: ValidationInfo) -> Any:
    return duration_s(value) if _is_written(value, info) else value


def _size(value: Any, info: ValidationInfo) -> Any:
    return size_bytes(value) if _is_written(value, info) else value


def _is_written(value: Any, info: ValidationInfo) -> bool:
    return isinstance(value, str) or (info.context == WRITTEN and value is not None)


def _address(text: str) -> str:
    parse_address(text)
    return text


def _bus_url(url: str) -> str:
    brokers = re.fullmatch(r"kafka://([^/@\s]+)", url)
    if re.fullmatch(r"embedded://(/.+)?", url) or (
        brokers and all(_is_broker(broker) for broker in brokers[1].split(","))
    ):
        return url
    raise ValueError(
        "expected embedded://, embedded:///path/to/tocsin.db or "
        "kafka://host:port[,host:port]"
    )


def _is_broker(text: str) -> bool:
    try:
        return parse_address(text)[1] > 0
    except ValueError:
        return False


def _web_url(url: str) -> str:
    if re.fullmatch(r"https?://[^/\s]+\S*", url) is None:
        raise ValueError("expected an address that begins with https://")
    return url


def _secret_url(url: SecretStr) -> SecretStr:
    _web_url(url.get_secret_value())
    return url


def _timezone(name: str) -> str:
    if name != "local":
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError(
                f'expected "local" or a zone such as "Europe/Berlin", got {name!r}'
            ) from None
    return name


Duration = Annotated[
    float,
    BeforeValidator(_duration, json_schema_input_type=str),
    Field(ge=0),
]
Size = Annotated[int, BeforeValidator(_size, json_schema_input_type=str), Field(ge=0)]


def is_duration(field: FieldInfo) -> bool:
    """Whether a field takes a duration, or several."""
    return _is_read_by(_duration, field.metadata, field.annotation)


def is_size(field: FieldInfo) -> bool:
    """Whether a field takes a size, or several."""
    return _is_read_by(_size, field.metadata, field.annotation)


def _is_read_by(read: Callable[..., Any], metadata: Any, annotation: Any) -> bool:
    if any(isinstance(m, BeforeValidator) and m.func is read for m in metadata):
        return True
    inner = get_args(annotation)
    return any(
        _is_read_by(read, getattr(kind, "__metadata__", ()), kind) for kind in inner
    )


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TopicConfig(_Section):
    """How a topic is created."""

    partitions: int = Field(1, ge=1, le=1000)
    retention: Duration = 86400.0
    retention_size: Size | None = None


class BusConfig(_Section):
    """Where the bus is and how its topics are made."""

    url: Annotated[str, AfterValidator(_bus_url)] = "embedded://"
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


class CollectorConfig(_Section):
    """What is read, and how."""

    paths: list[str] = []
    exclude: list[str] = []
    start: Literal["beginning", "end"] = "beginning"
    ignore_older: Duration | None = None
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
    timezone: Annotated[str, AfterValidator(_timezone)] = "local"
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
    resolve_window: Duration = Field(60.0, ge=1, description="errors are counted in it")
    resolve_quiet: Duration = Field(
        120.0, description="how long it must stay calm until an incident is resolved"
    )
    reopen_within: Duration = Field(
        600.0, description="the same incident again, without a new page"
    )


class SlackConfig(_Section):
    """Where in Slack messages go."""

    webhook_url: Annotated[SecretStr, AfterValidator(_secret_url)] | None = None
    bot_token: SecretStr | None = None
    channel: str | None = None
    api_url: Annotated[str, AfterValidator(_web_url)] = "https://slack.com/api/"


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
    http: Annotated[str, AfterValidator(_address)] | None = Field(
        None, description="HOST:PORT for metrics and health"
    )
    bus: BusConfig = BusConfig()
    collector: CollectorConfig = CollectorConfig()
    processor: ProcessorConfig = ProcessorConfig()
    alerting: AlertingConfig = AlertingConfig()
