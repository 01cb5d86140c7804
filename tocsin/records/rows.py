"""Rows of tables and records that are JSON, back to values."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from tocsin.errors import BadRecord

_T = TypeVar("_T")


def decoded(decoder: msgspec.json.Decoder[_T], value: bytes, what: str) -> _T:
    """What a value holds; `what` it should be, as the error says it.

    Raises:
        BadRecord: it is something else.
    """
    try:
        return decoder.decode(value)
    except msgspec.MsgspecError as error:
        raise BadRecord(f"not {what}: {error}") from error
