"""The table `streams`: which file a file-id is. Key: the file-id."""

from __future__ import annotations

import msgspec

from tocsin.records.rows import decoded
from tocsin.records.text import NEWLINE, Text

# What was written so long before its file was met is no news.
OLD_S = 900.0
# More than any file has, and an exact number also in JavaScript.
ALL_BYTES = 2**53 - 1


class Stream(msgspec.Struct, frozen=True, omit_defaults=True):
    """A file that lines came from; times in Unix seconds.

    `met_bytes`: what was in it when the collector met it; a line there may well state a
    time of long ago. `old_bytes`: the same where it was written over `OLD_S` before; a
    line there that states no time is from then, not from now. `begins_at`:
    its first bytes that are not to be shipped, because it is read from its end on, or
    because they were shipped under another file-id. `encoding`: that of the file, where
    it is not UTF-8; `delimiter`: what ends a record.
    """

    path: str
    service: str
    host: str
    collector: str
    first_seen_at: float
    last_seen_at: float
    labels: dict[str, str] = {}
    met_bytes: int = 0
    old_bytes: int = 0
    begins_at: int = 0
    encoding: str = ""
    delimiter: str = NEWLINE

    @property
    def text(self) -> Text:
        """How its bytes are text."""
        return Text(self.encoding, self.delimiter)


def encode_stream(stream: Stream) -> bytes:
    """The stream as JSON."""
    return msgspec.json.encode(stream)


def decode_stream(value: bytes) -> Stream:
    """Read a stream.

    Raises:
        BadRecord: it is none.
    """
    return decoded(_decoder, value, "a row of streams")


_decoder = msgspec.json.Decoder(Stream)
