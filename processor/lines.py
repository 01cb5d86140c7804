"""Records of raw-logs as columns: keys taken apart, poison set aside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from processor import columns
from processor.columns import Floats, Ints
from processor.redaction import Redaction
from tocsin.errors import BadRecord
from tocsin.ports.bus import Batch
from tocsin.records.keys import RawKey, parse_key
from tocsin.records.public import DeadLetter

_BEGINNING_CHARS, _LOOK_AT_BYTES = 200, 2000


@dataclass(frozen=True, slots=True)
class Lines:
    """Lines of several partitions, one row a line.

    `batch_of`: each row's batch. `streams` are the distinct key prefixes, `names`
    what they mean, `stream_of` each row's number in them. `arrival` in Unix seconds.
    """

    batches: Sequence[Batch]
    keys: Sequence[bytes]
    texts: Sequence[bytes]
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
    keys = [key for batch in batches for key in batch.records.keys]
    values = [value for batch in batches for value in batch.records.values]
    sizes = [len(batch.records) for batch in batches]
    batch_of = np.repeat(np.arange(len(batches)), sizes)
    stamps = [np.asarray(b.records.timestamps_ms, np.float64) for b in batches]
    arrival = np.concatenate([np.zeros(0), *stamps])
    good, prefixes, _ = columns.split_once(columns.column(keys), ":")
    which, streams = columns.codes(prefixes)
    names, poison = _read_names(streams)
    if poison:
        good[np.flatnonzero(good)[np.isin(which, poison)]] = False
        which = which[~np.isin(which, poison)]
    dead = [
        _dead_letter(batches[batch_of[row]], keys[row], values[row], now, redact)
        for row in np.flatnonzero(~good).tolist()
    ]
    rows = np.flatnonzero(good)
    if dead:
        keys, values = [keys[row] for row in rows], [values[row] for row in rows]
    return Lines(
        batches=batches,
        keys=keys,
        texts=values,
        arrival=arrival[rows] / 1000.0,
        batch_of=batch_of[rows],
        streams=streams,
        names=names,
        stream_of=which,
        dead=dead,
    )


def offset_of(key: bytes) -> int:
    """The offset in a key that was taken apart already: cheaper than parsing it."""
    return int(key.rpartition(b":")[2].partition(b"!")[0])


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
