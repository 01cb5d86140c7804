"""What is remembered of a stream: the format it is read as, and its file's path.

A stream's format decides only which format is tried first, so it may be wrong, or
forgotten, without changing any answer.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np

from processor.columns import Ints
from processor.recognition import NO_FORMAT
from tocsin.formats.catalogue import FORMATS

_NUMBER = {format_.name: number for number, format_ in enumerate(FORMATS)}
_REMEMBERED = 50_000
_FORGET_S = 30 * 86_400.0
# A stream changes its format when next to nothing is of the old one any more.
_OLD_SHARE, _NEW_SHARE = 0.1, 0.5


class StreamFormat(msgspec.Struct, frozen=True):
    """A row of the table `formats`; its key is the stream's key prefix."""

    format: str
    learned_at: float


@dataclass(frozen=True, slots=True)
class Learned:
    """A stream's format that was learned, or changed from `before`."""

    stream: bytes
    format: str
    before: str | None


class StreamFormats:
    """The formats of the streams, the latest 50,000; learned from batches."""

    def __init__(self) -> None:
        self._formats: OrderedDict[bytes, int] = OrderedDict()

    def load(self, rows: Mapping[bytes, bytes], *, now: float) -> list[bytes]:
        """Take over what the table remembers; the keys of rows to be deleted.

        Those are rows older than 30 days, lest the table grow with every rotated file
        for ever, and rows that name no format: what is forgotten is learned again.
        """
        useless = []
        for stream, row in rows.items():
            known = _read(row)
            if known is None or now - known.learned_at > _FORGET_S:
                useless.append(stream)
            else:
                self._set(stream, _NUMBER[known.format])
        return useless

    def hints(self, streams: Sequence[bytes]) -> Ints:
        """The format numbers of streams, NO_FORMAT where nothing is known."""
        for stream in streams:
            if stream in self._formats:
                self._formats.move_to_end(stream)  # in use: the last to be forgotten
        known = (self._formats.get(stream, NO_FORMAT) for stream in streams)
        return np.fromiter(known, np.int64, len(streams))

    def learn(
        self, streams: Sequence[bytes], stream_of: Ints, formats: Ints
    ) -> list[Learned]:
        """Look at how a batch was read; what was learned by it."""
        # Formats of the configuration are tried first anyway.
        formats = np.where(formats < len(FORMATS), formats, NO_FORMAT)
        width = len(FORMATS) + 1
        seen = np.bincount(
            stream_of * width + formats + 1, minlength=width * len(streams)
        ).reshape(len(streams), width)[:, 1:]
        totals = np.bincount(stream_of, minlength=len(streams))
        best = seen.argmax(axis=1)
        learned = []
        for row in np.flatnonzero(best != self.hints(streams)).tolist():
            stream, number = streams[row], int(best[row])
            before = self._formats.get(stream, NO_FORMAT)
            old = seen[row, before] if before != NO_FORMAT else 0
            if old <= _OLD_SHARE * totals[row] and (
                seen[row, number] > _NEW_SHARE * totals[row]
            ):
                self._set(stream, number)
                name = FORMATS[before].name if before != NO_FORMAT else None
                learned.append(Learned(stream, FORMATS[number].name, name))
        return learned

    def _set(self, stream: bytes, number: int) -> None:
        self._formats[stream] = number
        self._formats.move_to_end(stream)
        while len(self._formats) > _REMEMBERED:
            self._formats.popitem(last=False)


def _read(row: bytes) -> StreamFormat | None:
    try:
        known = msgspec.json.decode(row, type=StreamFormat)
    except msgspec.MsgspecError:
        return None
    return known if known.format in _NUMBER else None


def format_rows(learned: Sequence[Learned], now: float) -> dict[bytes, bytes | None]:
    """The rows of the table `formats` for what was learned."""
    return {
        item.stream: msgspec.json.encode(StreamFormat(item.format, now))
        for item in learned
    }
