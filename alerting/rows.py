"""Rows of tables as values; what cannot be read is told and left out."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from alerting.telemetry import AlertingTelemetry
from tocsin.errors import BadRecord

_T = TypeVar("_T")


def readable(
    table: str,
    decode: Callable[[bytes], _T],
    values: Iterable[bytes],
    telemetry: AlertingTelemetry,
) -> list[_T]:
    """The rows of a table that can be decoded."""
    rows = []
    for value in values:
        try:
            rows.append(decode(value))
        except BadRecord as error:
            telemetry.bad_record(table, error)
    return rows
