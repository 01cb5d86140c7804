"""Records of raw-logs as columns: keys taken apart, poison set aside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np

from processor import columns
from processor.columns import Column, Floats, Ints
from processor.recognition import MAX_LINE_BYTES
from processor.redaction import Redaction
from tocsin.errors import BadRecord
from tocsin.ports.bus import Batch
from tocsin.records.keys import RawKey, parse_key
from tocsin.records.public import DeadLetter

_BEGINNING_CHARS, _LOOK_AT_BYTES = 200, 2000


@dataclass(frozen=True, slots=True)
class Lines:
    """Lines of several partitions, one row a line.

    `texts`: of bounded length; `sizes` are their bytes as they came. `batch_of`: each
    row's batch. `streams` are the distinct key prefixes, `names` what they mean,
    `stream_of` each row's number in them. `arrival` in Unix seconds.
    """

    batches: Sequence[Batch]
    keys: Sequence[bytes]
    texts: Column
    sizes: Ints
    arrival: Floats
    batch_of: Ints
    streams: list[bytes]
    names: list[RawKey]
    stream_of: Ints
    dead: list[tuple[bytes, DeadLetter]]


def take_apart(batches: Sequence[Batch], *, now: float, redact: Redaction) -> Lines:
    """Batches as columns; records without a proper key become dead letters.

    What is shown of those is redacted by `redact`.
    """
    keys = list(chain.from_iterable(batch.records.keys for batch in batches))
    values = list(chain.from_iterable(batch.records.values for batch in batches))
    counts = [len(batch.records) for batch in batches]
    batch_of = np.repeat(np.arange(len(batches)), counts)
    stamps = chain.from_iterable(batch.records.timestamps_ms for batch in batches)
    arrival = np.fromiter(stamps, np.int64, len(keys)) / 1000.0
    good, which, streams = columns.codes_before(columns.column(keys), b":")
    names, poison = _read_names(streams)
    if poison:
        good[np.flatnonzero(good)[np.isin(which, poison)]] = False
        which = which[~np.isin(which, poison)]
    dead = []
    if not good.all():
        dead = [
            _dead_letter(batches[batch_of[row]], keys[row], values[row], now, redact)
            for row in np.flatnonzero(~good).tolist()
        ]
        rows = np.flatnonzero(good)
        keys, values = [keys[row] for row in rows], [values[row] for row in rows]
        arrival, batch_of = arrival[rows], batch_of[rows]
    texts, sizes = columns.bounded(values, MAX_LINE_BYTES)
    return Lines(
        batches=batches,
        keys=keys,
        texts=texts,
        sizes=sizes,
        arrival=arrival,
        batch_of=batch_of,
        streams=streams,
        names=names,
        stream_of=which,
        dead=dead,
    )


def offset_of(key: bytes) -> int:
    """The offset in a key that was taken apart already: cheaper than parsing it."""
    offset = key.rpartition(b":")[2]
    return int(offset if offset.isdigit() else offset.partition(b"!")[0])


def _read_names(streams: list[bytes]) -> tuple[list[RawKey], list[int]]:
    names, poison = [], []
    for number, stream in enumerate(streams):
        try:
            key = parse_key(stream + b":0")
            names.append(key._replace(service=_text(key.service), host=_text(key.host)))
        except BadRecord:
            poison.append(number)
            names.append(parse_key(b"-/-/-:0"))
    return names, poison


def _text(name: str) -> str:
    """A name as JSON can hold it: bytes that are no UTF-8 are replaced."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _dead_letter(
    batch: Batch, key: bytes, value: bytes, now: float, redact: Redaction
) -> tuple[bytes, DeadLetter]:
    (clean,) = columns.to_list(redact(columns.column([value[:_LOOK_AT_BYTES]])))
    letter = DeadLetter(
        reason="not a key of raw-logs",
        stage="processor",
        origin=f"{batch.topic}/{batch.partition} [{batch.lo},{batch.hi})",
        at=now,
        bytes=len(value),
        beginning=clean.decode("utf-8", "replace")[:_BEGINNING_CHARS],
    )
    return key, letter
