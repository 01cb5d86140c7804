"""Keys of raw-logs: which bytes of which file a record is, readable in kcat.

`service/host/file-id:offset`, where offset is the position of the record's first byte
in the file. Consecutive records of one file-id satisfy `next offset = offset +
len(value) + 1`, so a hole is visible. What breaks that sum is marked by a suffix:

    !cut      the line was longer than the limit; the value is its beginning
    !partial  the file ended without a newline and was given up; no `+ 1`
    !nul      a run of NUL bytes before this record was skipped
    !inexact  its bytes in the file were no text in the encoding, or would be written
              otherwise; the value stands for them, and tells not how many they were

Where the table `streams` names an encoding or a delimiter, the sum is of bytes in the
file: `next offset = offset + len(value in the encoding) + len(delimiter in it)`.

Two more say what a multi-line event is; the sum holds:

    !open     it was ended by a limit, by waiting or by the end of its file, not by the
              event after it, and may go on in the next record
    !rest     it begins inside of an event whose beginning is in an earlier record, or
              in the file before

`/`, `:`, `!`, `%` and control characters in names are percent-encoded.
"""

from __future__ import annotations

import re
import zlib
from enum import Enum
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from tocsin.errors import BadRecord

_UNSAFE = re.compile(rb"[\x00-\x20\x7f/:!%]")


class Mark(Enum):
    """What is special about a record, such as why the sum gives no next offset."""

    NONE = ""
    CUT = "!cut"
    PARTIAL = "!partial"
    NUL = "!nul"
    INEXACT = "!inexact"
    OPEN = "!open"
    REST = "!rest"


class RawKey(NamedTuple):
    """A key of raw-logs, decoded."""

    service: str
    host: str
    file_id: str
    offset: int
    mark: Mark


def encode_name(name: str) -> str:
    """A name as part of a key; bytes that are no UTF-8 travel as surrogates."""
    raw = name.encode("utf-8", "surrogateescape")
    safe = _UNSAFE.sub(lambda m: b"%%%02X" % m[0][0], raw)
    try:
        return safe.decode("utf-8")
    except UnicodeDecodeError:
        return "".join(chr(b) if b < 0x80 else f"%{b:02X}" for b in safe)


def decode_name(text: str) -> str:
    """The name that `encode_name` encoded."""
    return unquote_to_bytes(text).decode("utf-8", "surrogateescape")


def stream_prefix(service: str, host: str, file_id: str) -> str:
    """The part of the key that all records of one file share, without the colon."""
    return f"{encode_name(service)}/{encode_name(host)}/{encode_name(file_id)}"


def partition_of(prefix: str, partitions: int) -> int:
    """The partition of a stream: CRC-32 of its identity, so its lines stay in order."""
    return zlib.crc32(prefix.encode()) % partitions


def parse_key(key: bytes) -> RawKey:
    """Decode a key of raw-logs.

    Raises:
        BadRecord: it is not of the form above.
    """
    try:
        names, _, position = key.decode().rpartition(":")
        offset, bang, mark = position.partition("!")
        service, host, file_id = map(decode_name, names.split("/"))
        return RawKey(service, host, file_id, int(offset), Mark(bang + mark))
    except ValueError as error:
        raise BadRecord(f"not a key of raw-logs: {key[:120]!r}") from error
