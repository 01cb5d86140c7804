"""What a gzip file unpacks to, read at positions as if it were a file itself.

Reading goes forwards; what is read may be read again from `low` on. Kept are the bytes
from there, `keep` of them at most (a line longer than that is searched for its end, and
its beginning read once more), and those read last. What lies before is unpacked
again from the start of the file, a bounded part at each call.

A file has members, one after the other; zeros behind them are padding. A member that is
damaged gives all that comes before the wrong byte, and an end of line if that is
missing; then the next member is looked for. So the position of each byte depends on
the file alone, and is the same at every reading.
"""

from __future__ import annotations

import contextlib
import os
import re
import zlib
from enum import Enum
from typing import NamedTuple, Protocol

MAGIC = b"\x1f\x8b\x08"

_GZIP = 31  # zlib's word for: a header and a trailer, whose sum is checked
_BLOCK = 16_384
_PIECE = 65_536
# Unpacked at one call before it returns to other files: some 20 ms.
_MOST_STEPS = 128
_HEADER_BYTES = 10
# Reserved flags are zero, the level one of three, the system one that has a number.
_HEADER = re.compile(
    rb"\x1f\x8b\x08[\x00-\x1f]....[\x00\x02\x04][\x00-\x0d\xff]", re.DOTALL
)


class Broken(Enum):
    """What is wrong with an archive."""

    TRUNCATED = "truncated"
    CORRUPT = "corrupt"


class Trouble(NamedTuple):
    """A place where an archive is damaged: `skipped` bytes of it could not be read."""

    broken: Broken
    position: int
    skipped: int = 0


class _Unpacker(Protocol):
    """A decompressor of `zlib`, which has no name there."""

    @property
    def unconsumed_tail(self) -> bytes: ...
    @property
    def unused_data(self) -> bytes: ...
    @property
    def eof(self) -> bool: ...
    def decompress(self, data: bytes, max_length: int = 0, /) -> bytes: ...
    def copy(self) -> _Unpacker: ...


class Gunzip:
    """Unpacks one file; `position` is how far, `consumed` how much of the file that is.

    `is_at_end`: everything that is there was unpacked. `is_active`: it holds memory.
    """

    def __init__(self, *, keep: int, told_to: int = 0) -> None:
        """`told_to`: troubles before this position were told before."""
        self._keep = keep
        self._told_to = told_to
        self.troubles: list[Trouble] = []
        self.rest()

    def rest(self) -> None:
        """Hold nothing; what is read next is unpacked from the file's start again."""
        self.position = self.consumed = 0
        self.is_at_end = False
        self._unpacker: _Unpacker | None = None
        self._input = b""
        self._last = b"\n"
        self._skipped: int | None = None
        self._start = 0
        self._kept = bytearray()
        self._ahead = bytearray()

    @property
    def is_active(self) -> bool:
        """Whether it holds memory."""
        return self.consumed > 0

    @property
    def is_whole(self) -> bool:
        """Whether the file ends where a member ends."""
        is_between = self._unpacker is None and self._skipped is None
        return self.is_at_end and is_between and not self._input

    def read(self, descriptor: int, at: int, size: int, *, low: int) -> bytes:
        """Bytes from `at`; fewer at the end, or where more is to be asked for.

        `low`: nothing before it is asked for any more.

        Raises:
            OSError: the file cannot be read.
        """
        end = at + size
        self._release(low, at)
        if low < self._start or self._is_in_gap(at, end):
            self.rest()
        for _ in range(_MOST_STEPS):
            if self.position >= end or not self._advance(descriptor):
                break
            self._release(low, at)
        found = bytes(self._kept[at - self._start :][:size])
        begin = at + len(found) - self._ahead_start
        if len(found) < size and begin >= 0:
            found += self._ahead[begin : begin + size - len(found)]
        return found

    @property
    def _kept_end(self) -> int:
        return self._start + len(self._kept)

    @property
    def _ahead_start(self) -> int:
        return self.position - len(self._ahead)

    def _is_in_gap(self, at: int, end: int) -> bool:
        gap_start, gap_end = self._kept_end, self._ahead_start
        return gap_start < gap_end and at < gap_end and end > gap_start

    def _release(self, low: int, at: int) -> None:
        """Let go of what is not asked for any more."""
        if self._ahead and low >= self._ahead_start:
            self._start = self._ahead_start
            self._kept, self._ahead = self._ahead, bytearray()
        if low > self._start:
            del self._kept[: low - self._start]
            self._start = min(low, self.position)
        room = self._keep - len(self._kept)
        if room > 0 and self._ahead and self._kept_end == self._ahead_start:
            self._kept += self._ahead[:room]
            del self._ahead[:room]
        if at > self._ahead_start:
            del self._ahead[: at - self._ahead_start]

    def _append(self, data: bytes) -> None:
        follows = self._kept_end == self.position
        if follows and len(self._kept) < self._keep:
            self._kept += data
        else:
            self._ahead += data
        self.position += len(data)
        self._last = data[-1:]

    def _advance(self, descriptor: int) -> bool:
        """Unpack a piece, or read a block; False at the end of the file."""
        if self._unpacker is not None and self._inflate(self._unpacker):
            return True
        if self._unpacker is None and self._begin_member():
            return True
        block = os.pread(descriptor, _BLOCK, self.consumed)
        self.is_at_end = not block
        self._input += block
        self.consumed += len(block)
        return bool(block)

    def _inflate(self, unpacker: _Unpacker) -> bool:
        """Unpack some of the input; whether anything came of it."""
        before = unpacker.copy()
        try:
            data = unpacker.decompress(self._input, _PIECE)
        except zlib.error:
            self._salvage(before)
            return True
        had, self._input = self._input, unpacker.unconsumed_tail
        if unpacker.eof:
            self._input, self._unpacker = unpacker.unused_data, None
        if data:
            self._append(data)
        return bool(data) or self._input != had

    def _salvage(self, unpacker: _Unpacker) -> None:
        """Take what comes before the byte that is wrong."""
        found, at = bytearray(), 0
        with contextlib.suppress(zlib.error):
            while at < len(self._input):
                at += 1
                found += unpacker.decompress(self._input[at - 1 : at])
        self._input, self._unpacker = self._input[at:], None
        self._skipped = 1
        if (bytes(found[-1:]) or self._last) != b"\n":
            found += b"\n"
        if found:
            self._append(bytes(found))

    def _begin_member(self) -> bool:
        """Begin the next member if there is one in the input; whether it went on."""
        if self._skipped is None:
            self._input = self._input.lstrip(b"\0")
        if len(self._input) < _HEADER_BYTES:
            return False
        if self._skipped is not None or not is_gzip(self._input):
            match = _HEADER.search(self._input)
            at = match.start() if match else len(self._input) - _HEADER_BYTES + 1
            self._skipped = (self._skipped or 0) + at
            self._input = self._input[at:]
            if match is None:
                return False
        self._tell()
        self._unpacker = zlib.decompressobj(_GZIP)
        return True

    def _tell(self) -> None:
        skipped, self._skipped = self._skipped, None
        if skipped:
            self._note(Trouble(Broken.CORRUPT, self.position, skipped))

    def _note(self, trouble: Trouble) -> None:
        if trouble.position >= self._told_to:
            self.troubles.append(trouble)
            self._told_to = trouble.position + 1

    def end(self) -> None:
        """Note that nothing more is to come: what is left over is damage, too."""
        if self._unpacker is not None:
            self._note(Trouble(Broken.TRUNCATED, self.position))
        elif self._input:
            self._skipped = (self._skipped or 0) + len(self._input)
            self._input = b""
        self._tell()


def is_gzip(data: bytes) -> bool:
    """Whether the first bytes are those of a gzip file."""
    return data.startswith(MAGIC)
