"""The records that other programs read: flat JSON objects that only grow.

A field is never renamed and never removed; `tocsin schema TOPIC` prints the JSON
Schema of each. Times are Unix seconds.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from tocsin.records import topics


class ValueSums(msgspec.Struct, frozen=True):
    """Lines with a value of a field, and how many of them are ERROR or FATAL."""

    lines: int
    errors: int


class WindowRecord(msgspec.Struct, frozen=True, kw_only=True):
    """log-metrics-1m: one service in one minute. Key: `service/window_start`.

    Windows of other sizes, where they are configured, have the key
    `service/window_start/window_s`. `by_field`: lines by value of the fields of
    `processor.count_by`; `other_values`: by field, lines with values beyond the bound.
    The highest `revision` of a key holds; later ones correct earlier ones when late
    lines arrive. Rates are lines per second over the seconds of the window.
    """

    service: str
    window_start: int
    window_s: int
    revision: int
    closed_at: float
    lines: int
    bytes: int
    trace: int
    debug: int
    info: int
    warn: int
    error: int
    fatal: int
    unknown: int
    rate: float
    error_share: float
    error_templates: int
    peak_second: int
    peak_lines: int
    rate_p95: float
    by_field: dict[str, dict[str, ValueSums]] = {}
    other_values: dict[str, int] = {}


class AlertRecord(msgspec.Struct, frozen=True, kw_only=True):
    """alerts: one step in the life of an incident. Key: the incident's id."""

    incident: str
    sequence: int
    event: Literal["opened", "escalated", "updated", "resolved", "reopened"]
    at: float
    rule: str
    service: str
    severity: Literal["warning", "critical"]
    reason: str
    opened_at: float
    detected_at: float
    resolved_at: float | None
    count: int
    expected: float
    window_s: int
    templates: list[str]
    samples: list[str]


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """dead-letters: what could not be handled. Key: that of the record it came from.

    `beginning`: of its text, redacted; empty where the collector set a line aside: that
    stands in its file at the offset that the key says.
    """

    reason: str
    stage: Literal["collector", "processor", "alerting"]
    origin: str
    at: float
    bytes: int
    beginning: str


RECORDS: dict[str, type[msgspec.Struct]] = {
    topics.LOG_METRICS_1M: WindowRecord,
    topics.ALERTS: AlertRecord,
    topics.DEAD_LETTERS: DeadLetter,
}


def schema(topic: str) -> dict[str, Any]:
    """The JSON Schema of a topic's records.

    Raises:
        KeyError: the topic's records are not public.
    """
    described: dict[str, Any] = msgspec.json.schema(RECORDS[topic])
    inner: dict[str, Any] = described["$defs"]
    flat: dict[str, Any] = inner.pop(RECORDS[topic].__name__)
    found = {"$schema": "https://json-schema.org/draft/2020-12/schema", **flat}
    return found | {"$defs": inner} if inner else found
