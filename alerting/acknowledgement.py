"""Acknowledgements: somebody looks after an incident, so nobody is reminded of it.

Rows of the table `acknowledgements` are `Acknowledgement`s as JSON; the key is the
incident's id.
"""

from __future__ import annotations

import msgspec

from tocsin.records.rows import decoded


class Acknowledgement(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who looks after an incident since when (Unix seconds)."""

    version: int = 1
    incident: str
    by: str
    at: float
    comment: str = ""


def encode_acknowledgement(row: Acknowledgement) -> bytes:
    """The row as JSON."""
    return msgspec.json.encode(row)


def decode_acknowledgement(value: bytes) -> Acknowledgement:
    """Read a row.

    Raises:
        BadRecord: it is none.
    """
    return decoded(_decoder, value, "a row of acknowledgements")


_decoder = msgspec.json.Decoder(Acknowledgement)
