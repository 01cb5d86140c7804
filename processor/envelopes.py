"""Takes lines out of what wraps them, in columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
import numpy as np

from processor import columns
from processor.alike import SHORT
from processor.columns import Column, Floats
from processor.times import of_any_form, to_seconds
from processor.zones import Zone
from tocsin.formats import times, wrapping
from tocsin.formats.wrapping import Envelope

_HINT_BYTES = SHORT
_FIRST_LETTERS = np.isin(
    np.arange(256),
    list(b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"),
)


class _DockerLine(msgspec.Struct, gc=False):
    log: str
    time: str = ""


@dataclass(frozen=True, slots=True)
class Unwrapped:
    """Lines as they were written, and the times of their wrappers or NaN."""

    lines: Column
    seconds: Floats


def unwrap(
    lines: Column, shapes: Sequence[bytes], arrival: Floats, zone: Zone
) -> Unwrapped:
    """Take lines out of their wrappers; most have none.

    `shapes`: how lines begin, each distinct beginning once, without their digits.
    """
    seconds = np.full(len(lines), np.nan)
    every = b"\n".join(shapes)  # one look at all: there may be thousands
    for envelope in wrapping.TEXT_ENVELOPES:
        if envelope.hint.encode() in every:
            lines = _unwrap_text(envelope, lines, seconds, arrival, zone)
    if wrapping.DOCKER_JSON in every:
        lines = _unwrap_docker(lines, seconds, arrival, zone)
    return Unwrapped(lines, seconds)


def _unwrap_text(
    envelope: Envelope, lines: Column, seconds: Floats, arrival: Floats, zone: Zone
) -> Column:
    heads = columns.head(lines, _HINT_BYTES)
    likely = np.flatnonzero(
        columns.contains(heads, envelope.hint)
        & _FIRST_LETTERS[columns.first_bytes(lines)]
    )
    if len(likely) == 0:
        return lines
    matched, groups = columns.extract(columns.take(lines, likely), envelope.pattern)
    rows = likely[matched]
    if len(rows) == 0:
        return lines
    inner = groups["inner"]
    if "time" in groups:
        seconds[rows] = to_seconds(
            groups["time"], times.BY_NAME["iso"], arrival[rows], zone
        )
    else:
        named = ~columns.matches(columns.take(lines, rows), wrapping.NO_NAMES)
        rows, inner = rows[named], columns.select(inner, np.flatnonzero(named))
    if columns.contains_byte(inner, 0x0A):
        inner = columns.replace(inner, envelope.again, "\n")
    return columns.put(lines, rows, columns.to_list(inner))


def _unwrap_docker(
    lines: Column, seconds: Floats, arrival: Floats, zone: Zone
) -> Column:
    rows = np.flatnonzero(columns.starts_with(lines, wrapping.DOCKER_JSON))
    if len(rows) == 0:
        return lines
    decoded = [_decode(text) for text in columns.to_list(columns.take(lines, rows))]
    good = [k for k, line in enumerate(decoded) if line is not None]
    texts, stamps = zip(*(decoded[k] for k in good), strict=True) if good else ((), ())
    rows = rows[good]
    seconds[rows] = of_any_form(columns.texts(stamps), arrival[rows], zone)
    return columns.put(lines, rows, [text.rstrip(b"\n") for text in texts])


_decoder = msgspec.json.Decoder(_DockerLine)


def _decode(text: bytes) -> tuple[bytes, str] | None:
    """What a line says and when; of an event of several lines what all of them say."""
    try:
        lines: Sequence[_DockerLine] = [
            _decoder.decode(part) for part in text.split(b"\n")
        ]
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    inner = "".join(line.log for line in lines)
    return inner.encode("utf-8", "surrogatepass"), lines[0].time
