"""The rows of the table `checkpoints`: how far each file is shipped.

Key: `identity/file-id`, and `identity/@root` for each PATH, with the time at which it
was first watched. Value: one JSON object with the version of its format, `v`:

- 1: position and hashes,
- 2: besides how large the file was, where it really is behind a link, and device and
  inode where the file-id does not name them. An older program would read on without
  them and count nothing as lost,
- 3: of a gzip file, how much of it is unpacked: `offset` is in what it unpacks to; of
  a file in another encoding, or with another delimiter than a newline, both. Other rows
  are still written as of version 2.

A row of an older version is read, and written anew with the file's next line. A row
that cannot be read, or is of a later version, is reported and deleted, and its file is
read from its beginning: lines may come twice, none is lost.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from typing import TypeVar
from urllib.parse import unquote_to_bytes

import msgspec

from collector.identity import FileKey, Fingerprint, file_key_of
from tocsin.errors import BadRecord
from tocsin.formats.multiline import Habit
from tocsin.records.text import NEWLINE, Text

VERSION = 3
PLAIN_VERSION = 2
_READABLE = range(1, VERSION + 1)
ROOT_MARK = "@"

_UNPRINTABLE = re.compile(rb"[\x00-\x1f\x7f%]")


class Checkpoint(msgspec.Struct, frozen=True, omit_defaults=True):
    """How far a file is shipped: `offset` is the first byte of the next line.

    `path`, `home` (the directory that the file is in, where `path` is a link) are
    percent-encoded where they are not printable UTF-8. `rotated`: it was given the name
    of a rotated file. `begins_at`: the bytes before
    were not to be read. `size`: the file's, at least.
    `habit`: what is remembered of the events before `offset`.
    `key`: device and inode, where the file-id does not name them any more. `finished`:
    the file was given up (rotated or deleted, and read to its end). `packed`: how many
    bytes of a gzip file were unpacked for `offset`. `encoding`, `delimiter`: see
    `Stream`.
    """

    v: int
    file_id: str
    path: str
    root: str
    service: str
    offset: int
    head_length: int
    head: str
    tail_length: int
    tail: str
    first_seen_at: float
    at: float
    habit: Habit = Habit()
    finished: bool = False
    rotated: bool = False
    begins_at: int = 0
    size: int = 0
    home: str = ""
    key: tuple[int, int] | None = None
    packed: int | None = None
    encoding: str = ""
    delimiter: str = NEWLINE

    @property
    def text(self) -> Text:
        """What was in the file when it was read."""
        return Text(self.encoding, self.delimiter)

    @property
    def file_key(self) -> FileKey:
        """The device and inode."""
        return FileKey(*self.key) if self.key else file_key_of(self.file_id)

    @property
    def directory(self) -> str:
        """The directory that the file was in."""
        return decode_path(self.home or self.path.rpartition("/")[0] or "/")

    def is_at(self, path: str) -> bool:
        """Whether this is where the file was."""
        return decode_path(self.path) == path

    @property
    def unread(self) -> int:
        """How much of the file was not shipped, at least."""
        return max(0, self.size - self.in_file)

    @property
    def in_file(self) -> int:
        """How many bytes of the file itself were taken."""
        return self.offset if self.packed is None else self.packed

    @property
    def fingerprint(self) -> Fingerprint:
        """The hashes around the position."""
        return Fingerprint(self.head_length, self.head, self.tail_length, self.tail)


class RootRow(msgspec.Struct, frozen=True):
    """When a PATH was first watched, in Unix seconds."""

    v: int
    since: float


_Row = TypeVar("_Row", Checkpoint, RootRow)


def row_prefix(identity: str) -> bytes:
    """What the keys of a collector's rows begin with."""
    return f"{identity}/".encode()


def row_key(identity: str, file_id: str) -> bytes:
    """The key of a file's row."""
    return f"{identity}/{file_id}".encode()


def file_ids(identity: str, rows: Iterable[bytes]) -> set[str]:
    """The file-ids that the keys of rows name."""
    prefix = row_prefix(identity)
    return {key.removeprefix(prefix).decode("utf-8", "replace") for key in rows}


def root_key(identity: str, root: str) -> bytes:
    """The key of a PATH's row."""
    return f"{identity}/{ROOT_MARK}{encode_path(root)}".encode()


def encode_row(row: Checkpoint | RootRow) -> bytes:
    """A row as JSON."""
    return msgspec.json.encode(row)


def decode_row(value: bytes) -> Checkpoint:
    """Read a file's row.

    Raises:
        BadRecord: it is damaged, or of a version that is not known here.
    """
    row = _decode(value, Checkpoint)
    try:
        file_key_of(row.file_id)
    except ValueError as error:
        raise BadRecord(f"no file-id: {row.file_id[:80]!r}") from error
    if row.offset < 0:
        raise BadRecord(f"offset {row.offset} is negative")
    return row


def decode_root(value: bytes) -> RootRow:
    """Read a PATH's row.

    Raises:
        BadRecord: it is damaged, or of a version that is not known here.
    """
    return _decode(value, RootRow)


def _decode(value: bytes, kind: type[_Row]) -> _Row:
    try:
        row = msgspec.json.decode(value, type=kind)
    except msgspec.MsgspecError as error:
        raise BadRecord(f"not a checkpoint: {error}") from error
    if row.v not in _READABLE:
        raise BadRecord(f"format version {row.v}, expected {VERSION} at most")
    return row


def encode_path(path: str) -> str:
    """A path as text that any reader can take; `decode_path` gives it back."""
    raw = os.fsencode(path)
    safe = _UNPRINTABLE.sub(lambda m: b"%%%02X" % m[0][0], raw)
    try:
        return safe.decode("utf-8")
    except UnicodeDecodeError:
        return "".join(chr(b) if b < 0x80 else f"%{b:02X}" for b in safe)


def decode_path(text: str) -> str:
    """The path that `encode_path` encoded."""
    return os.fsdecode(unquote_to_bytes(text))
