"""The kinds of values of a configuration: durations, addresses, secrets and more."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

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

from tocsin.records.text import encoding_of, ending_of
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


def _link_url(url: str) -> str:
    _web_url(url)
    known = ("{service}", "{incident}", "{rule}", "{from_ms}", "{to_ms}")
    for name in re.findall(r"\{\w*\}", url):
        if name not in known:
            raise ValueError(f"{name} has no meaning here; {', '.join(known)} have")
    return url


def _secret_url(url: SecretStr) -> SecretStr:
    _web_url(url.get_secret_value())
    return url


def _secret(value: Any) -> Any:
    """A secret, or where it stands: `env:NAME` or `file:/path`."""
    if not isinstance(value, str):
        return value
    where, colon, name = value.partition(":")
    if not colon or where not in {"env", "file"}:
        return value
    if where == "env":
        if not os.environ.get(name):
            raise ValueError(f"the variable {name} is not set")
        return os.environ[name]
    try:
        text = Path(name).read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise ValueError(f"cannot read {name}: {reason}") from error
    if not text:
        raise ValueError(f"{name} is empty")
    return text


def _pattern_map(value: Any) -> Any:
    """Patterns by label; one pattern stands for a list of one."""
    if not isinstance(value, dict):
        return value
    return {x: [y] if isinstance(y, str) else y for x, y in value.items()}


def _pattern(text: str) -> str:
    try:
        re.compile(text)
    except (re.error, RecursionError, OverflowError) as error:
        raise ValueError(f"expected a regular expression: {error}") from None
    if re.search(r"\(\?(?:[=!]|<[=!]|P=|\()|\\[1-9]", text):
        raise ValueError("expected a pattern without look-around and back-references")
    return text


def _group_name(name: str) -> str:
    if re.fullmatch(r"service|host|level|template|(labels|fields)\.[^\s.][^\s]*", name):
        return name
    raise ValueError(
        f'expected service, host, level, template, "labels.NAME" or "fields.NAME", '
        f'got "{name[:60]}"'
    )


def _timezone(name: str) -> str:
    if name != "local":
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError(
                f'expected "local" or a zone such as "Europe/Berlin", got {name!r}'
            ) from None
    return name


def _encoding(name: str) -> str:
    encoding_of(name)
    return name


def _delimiter(written: str) -> str:
    ending_of(written)
    return written


def _times(text: str) -> str:
    ends = re.fullmatch(
        r"([01]\d|2[0-3]):([0-5]\d)-(?:([01]\d|2[0-3]):([0-5]\d)|24:00)", text
    )
    if ends is None or text[:5] == text[6:]:
        raise ValueError(f'expected times such as "22:00-06:00", got {text!r}')
    return text


def _instant(text: str) -> str:
    try:
        zoned = datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        zoned = False
    if not zoned:
        raise ValueError(
            f'expected an instant such as "2026-03-14T22:00:00+01:00", got {text!r}'
        )
    return text


Duration = Annotated[
    float,
    BeforeValidator(_duration, json_schema_input_type=str),
    Field(ge=0),
]
Size = Annotated[int, BeforeValidator(_size, json_schema_input_type=str), Field(ge=0)]
Address = Annotated[str, AfterValidator(_address)]
BusUrl = Annotated[str, AfterValidator(_bus_url)]
LinkUrl = Annotated[str, AfterValidator(_link_url)]
WebUrl = Annotated[str, AfterValidator(_web_url)]
Timezone = Annotated[str, AfterValidator(_timezone)]
Secret = Annotated[SecretStr, BeforeValidator(_secret)]
SecretUrl = Annotated[Secret, AfterValidator(_secret_url)]
Patterns = Annotated[
    dict[str, Annotated[list[str], Field(min_length=1)]], BeforeValidator(_pattern_map)
]
# What takes linear time; RE2 looks at it again at the start, and in `tocsin check`.
Pattern = Annotated[str, AfterValidator(_pattern)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]+$", max_length=40)]
GroupName = Annotated[str, AfterValidator(_group_name)]
Encoding = Annotated[str, AfterValidator(_encoding)]
Delimiter = Annotated[str, AfterValidator(_delimiter)]
Times = Annotated[str, AfterValidator(_times)]
Instant = Annotated[str, AfterValidator(_instant)]
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


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


class Section(BaseModel):
    """A section; an unknown key in it is a mistake."""

    model_config = ConfigDict(extra="forbid", frozen=True)
