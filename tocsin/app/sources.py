"""The files that are read and how far, from what the collectors have committed.

It asks no collector: a row of `checkpoints` says how far a file is shipped, the file
itself how far it goes, `streams` which it is, and `formats` what the processor takes
it for.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from enum import Enum

import msgspec

from collector.checkpoint import ROOT_MARK, Checkpoint, decode_path, decode_row
from tocsin.errors import BadRecord
from tocsin.ports.bus import Bus
from tocsin.records.keys import decode_name, stream_prefix
from tocsin.records.streams import Stream, decode_stream
from tocsin.records.topics import CHECKPOINTS, FORMATS, STREAMS


class State(Enum):
    """Where a file is; the value is what a person reads."""

    CAUGHT_UP = "caught up"
    BEHIND = "behind"
    ROTATED = "rotated"
    FINISHED = "finished"
    REWRITTEN = "rewritten"
    GONE = "gone"
    REMOTE = "on another host"


@dataclass(frozen=True, slots=True)
class SourceRow:
    """One file; positions in bytes, times in Unix seconds.

    `format`: as the processor reads it, or empty. `behind_s`: since the last commit of
    this file, where something of it is not shipped.
    """

    path: str
    service: str
    host: str
    collector: str
    file_id: str
    format: str
    state: State
    position: int
    size: int | None
    behind_bytes: int
    behind_s: float
    committed_at: float


class _Format(msgspec.Struct, frozen=True):
    format: str = ""


def sources(bus: Bus, *, host: str, now: float) -> list[SourceRow]:
    """All files of all collectors, by path; `host`: what this machine is called."""
    streams = {
        key.decode("utf-8", "replace"): row for key, row in _rows(bus, STREAMS).items()
    }
    formats = _rows(bus, FORMATS)
    found = []
    for key, value in _rows(bus, CHECKPOINTS).items():
        name = key.decode("utf-8", "replace").partition("/")[2]
        if name.startswith(ROOT_MARK):
            continue
        try:
            row = decode_row(value)
            stream = decode_stream(streams[row.file_id])
        except (BadRecord, KeyError):
            continue  # the collector tells of a damaged row, and replaces it
        found.append(_source(row, stream, formats, host=host, now=now))
    return sorted(found, key=lambda each: (each.path, each.file_id))


def _rows(bus: Bus, table: str) -> dict[bytes, bytes]:
    with closing(bus.table(table)) as view:
        return dict(view.rows)


def _source(
    row: Checkpoint,
    stream: Stream,
    formats: Mapping[bytes, bytes],
    *,
    host: str,
    now: float,
) -> SourceRow:
    path, service = decode_path(row.path), decode_path(row.service)
    state, size = _look(row, path) if stream.host == host else (State.REMOTE, None)
    behind = max(0, size - row.in_file) if size is not None else 0
    if state is State.CAUGHT_UP and behind:
        state = State.BEHIND
    prefix = stream_prefix(service, stream.host, row.file_id)
    return SourceRow(
        path=path,
        service=service,
        host=decode_name(stream.host),
        collector=stream.collector,
        file_id=row.file_id,
        format=_format(formats.get(prefix.encode())),
        state=state,
        position=row.offset,
        size=size,
        behind_bytes=behind,
        behind_s=max(0.0, now - row.at) if behind else 0.0,
        committed_at=row.at,
    )


def _look(row: Checkpoint, path: str) -> tuple[State, int | None]:
    """What is at a file's path now, and its size if it is that file."""
    try:
        at = os.stat(path)  # noqa: PTH116 - a Path for each of 20,000 files costs more
    except OSError:
        return State.GONE, None
    if (at.st_dev, at.st_ino) != row.file_key:
        return State.GONE, None
    if at.st_size < row.in_file:
        return State.REWRITTEN, at.st_size
    if row.finished:
        return State.FINISHED, at.st_size
    return (State.ROTATED if row.rotated else State.CAUGHT_UP), at.st_size


def _format(row: bytes | None) -> str:
    if row is None:
        return ""
    try:
        return msgspec.json.decode(row, type=_Format).format
    except msgspec.MsgspecError:
        return ""
