"""What a file is: its device and inode, and the bytes around what was taken of it.

A name says nothing (files rotate) and an inode little (it is used again). So a
checkpoint also holds a hash of the file's first bytes, as many as were taken and
`HEAD_BYTES` at most, and one of the `TAIL_BYTES` before its position. Both must hold
before a byte is read on: that tells a rewritten file from a grown one, also where the
new content is longer or begins with the same line.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from hashlib import blake2b
from typing import NamedTuple

HEAD_BYTES = 512
TAIL_BYTES = 256

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


class FileKey(NamedTuple):
    """What the file system calls a file, for as long as it exists."""

    device: int
    inode: int


class Verdict(Enum):
    """Whether a file goes on where its checkpoint says; the value says why."""

    SAME = "the bytes before the position are those that were taken"
    SHRUNK = "the file is smaller than the position"
    REWRITTEN = "other bytes stand before the position"


@dataclass(frozen=True, slots=True)
class Trail:
    """The first and the last of the bytes that were taken from a file."""

    head: bytes = b""
    tail: bytes = b""

    def after(self, data: bytes, end: int) -> Trail:
        """The trail once `data[:end]`, which follows, is taken as well."""
        head = self.head
        if len(head) < HEAD_BYTES:
            head += data[: min(end, HEAD_BYTES - len(head))]
        if end >= TAIL_BYTES:
            return Trail(head, data[end - TAIL_BYTES : end])
        return Trail(head, (self.tail + data[:end])[-TAIL_BYTES:])


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """A trail as it is kept: lengths and hashes."""

    head_length: int
    head: str
    tail_length: int
    tail: str

    @classmethod
    def of(cls, trail: Trail) -> Fingerprint:
        """The fingerprint of a trail."""
        return cls(
            len(trail.head), digest(trail.head), len(trail.tail), digest(trail.tail)
        )

    def judge(self, trail: Trail) -> Verdict:
        """Compare with what stands in a file at the same places now."""
        if len(trail.head) < self.head_length or len(trail.tail) < self.tail_length:
            return Verdict.SHRUNK
        if digest(trail.head) == self.head and digest(trail.tail) == self.tail:
            return Verdict.SAME
        return Verdict.REWRITTEN


def digest(data: bytes) -> str:
    """Sixteen hex digits: an accident in a million files is one in 10^7."""
    return blake2b(data, digest_size=8).hexdigest()


def new_file_id(key: FileKey, *, now: float, after: str = "") -> str:
    """A name for the content of a file: `device-inode-birth`.

    The birth is the time of its first sight, in milliseconds. `after`: the id of
    older content of the same file, so that two births in one millisecond differ.
    """
    born = int(now * 1000)
    if after:
        born = max(born, int(after.rpartition("-")[2], 36) + 1)
    return f"{key.device:x}-{key.inode:x}-{_base36(born)}"


def file_key_of(file_id: str) -> FileKey:
    """The device and inode that a file-id names.

    Raises:
        ValueError: it is no file-id.
    """
    device, inode, _ = file_id.split("-")
    return FileKey(int(device, 16), int(inode, 16))


def _base36(number: int) -> str:
    digits = ""
    while number:
        number, digit = divmod(number, 36)
        digits = _DIGITS[digit] + digits
    return digits or "0"
