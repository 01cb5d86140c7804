"""What a file's name, and its first bytes, say of it: a log, or why not.

Only names and bytes: no I/O. The rules matter where Tocsin itself chooses, in a
directory; a file that a person names is read unless it is compressed.
"""

from __future__ import annotations

import re
from enum import Enum

SNIFF_BYTES = 1024


class LeftOut(Enum):
    """Why a file is not read; the value is what the log and the metric say."""

    EXCLUDED = "excluded"
    COMPRESSED = "compressed"
    BINARY = "binary"
    ROTATED = "rotated"
    COPY = "copy"
    HIDDEN = "hidden"
    NOT_A_LOG = "not_a_log"
    NOT_A_FILE = "not_a_file"
    DANGLING = "dangling_link"
    UNREADABLE = "unreadable"
    OLD = "old"


_COMPRESSED = re.compile(
    r"\.(gz|tgz|bz2|tbz|xz|txz|zst|lz4|lzma|lz|zip|7z|rar|z|br|sz|snappy)$",
    re.IGNORECASE,
)
_BINARY = re.compile(
    r"\.(journal~?|db|sqlite3?(-wal|-shm|-journal)?|evtx?|tar|jar|war|class|so|o|a"
    r"|pyc|exe|dll|bin|dat|pcap|core|hprof|parquet|png|jpe?g|gif|ico|pdf|mo|rpm|deb)$"
    r"|^(wtmp|btmp|lastlog|utmp|faillog)([.-]\d+)?$",
    re.IGNORECASE,
)
# What lies beside logs, and is text.
_NOT_A_LOG = re.compile(
    r"\.(ya?ml|toml|ini|conf|cfg|properties|xml|html?|css|js|ts|py|rb|go|rs|java|sh"
    r"|md|rst|pid|lock|swp|swx|tmp|part|pem|key|crt|sql|csv|tsv)$|~$",
    re.IGNORECASE,
)
_ABOUT = frozenset({"README", "LICENSE", "COPYING", "CHANGELOG", "NEWS", "Makefile"})
# app.log.1, app.log.2025-11-25, app.log-20251125, app.log.1.old, app.log.bak
_ROTATED_END = re.compile(
    r"^(.+?)(?:[._-](?:\d{1,3}|\d{8}(?:[-_.T]?\d{2,6})?|\d{9,10}"
    r"|\d{4}-\d\d-\d\d(?:[-_.T]?\d\d(?:[-:.]?\d\d)*)?|old|bak|backup|prev|previous))+$",
    re.IGNORECASE,
)
# app.1.log, app-2025-11-25.log, app-20251125-1.log
_ROTATED_MIDDLE = re.compile(
    r"^(.+?)(?:[._-](?:\d{1,3}|\d{8}(?:[-_T]?\d{2,6})?"
    r"|\d{4}-\d\d-\d\d(?:[-_T]?\d\d(?:[-:]?\d\d)*)?))+(\.[a-z]+)$",
    re.IGNORECASE,
)
_MAGIC = (
    b"\x1f\x8b",  # gzip
    b"BZh",
    b"\xfd7zXZ\x00",
    b"\x28\xb5\x2f\xfd",  # zstd
    b"\x04\x22\x4d\x18",  # lz4
    b"PK\x03\x04",
    b"7z\xbc\xaf\x27\x1c",
)
_BINARY_MAGIC = (b"\x7fELF", b"LPKSHHRH", b"SQLite format 3\x00", b"\x89PNG", b"%PDF-")
_CONTROL = bytes(set(range(32)) - set(b"\t\n\v\f\r\b\x1b"))


def judge_name(name: str) -> LeftOut | None:
    """Why a file of this name in a directory is left out, or None."""
    if name.startswith("."):
        return LeftOut.HIDDEN
    if _COMPRESSED.search(name):
        return LeftOut.COMPRESSED
    if _BINARY.search(name):
        return LeftOut.BINARY
    if name in _ABOUT or _NOT_A_LOG.search(name):
        return LeftOut.NOT_A_LOG
    return None


def is_compressed_name(name: str) -> bool:
    """Whether the name is that of a compressed file."""
    return _COMPRESSED.search(name) is not None


def unpacked_name(name: str) -> str | None:
    """The name of what a gzip file unpacks to; None if that is no log by its name."""
    stem, dot, end = name.rpartition(".")
    if not dot or end.lower() != "gz" or judge_name(stem) is not None:
        return None
    return stem


def judge_beginning(data: bytes) -> LeftOut | None:
    """Why a file that begins with `data` is left out, or None.

    Binary is what has a twentieth of control characters (bytes by chance have twice
    that): one NUL does not make a log binary, and no byte above 127 does.
    """
    if data.startswith(_MAGIC):
        return LeftOut.COMPRESSED
    if data.startswith(_BINARY_MAGIC):
        return LeftOut.BINARY
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):  # UTF-16: every other byte is NUL
        return None
    controls = len(data) - len(data.translate(None, _CONTROL))
    return LeftOut.BINARY if controls > max(1, len(data) // 20) else None


def is_compressed(data: bytes) -> bool:
    """Whether the first bytes are those of a compressed file."""
    return data.startswith(_MAGIC)


def is_rotated_name(name: str) -> bool:
    """Whether the end of a name says so: `app.log.1`; an `app-1.log` may be alive."""
    return _ROTATED_END.match(name) is not None


def base_names(name: str) -> tuple[str, ...]:
    """The names of which a file of this name may be the rotated twin."""
    found = []
    if match := _ROTATED_END.match(name):
        found.append(match[1])
    if match := _ROTATED_MIDDLE.match(name):
        found.append(match[1] + match[2])
    return tuple(found)


def family(name: str) -> tuple[str, ...]:
    """A name, and those of which it may be the rotated or the packed twin."""
    name = unpacked_name(name) or name
    return (name, *base_names(name))


def base_name(name: str) -> str:
    """The name without what rotation added to it."""
    return next(iter(base_names(name)), name)
