"""How a batch of records becomes one blob, and back.

A blob is a zstandard frame (level 1) around a msgpack array `[keys, values, times]`;
`times` is one number where all records share it, which saves a third of the reading.
Measured on 5,000 lines of 200 bytes, per line: msgpack packs in 31 ns and unpacks in
49 ns; joined bytes with an array of lengths took 107 ns and 242 ns. Compressed they are
equally large.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import zstandard

from tocsin.bus.embedded.failures import MOVE_AWAY
from tocsin.errors import BusError
from tocsin.ports.bus import Records

_LEVEL = 1
_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(tuple[list[bytes], list[bytes], list[int] | int])


class Packer:
    """Packs and unpacks for one thread: zstandard's contexts must not be shared."""

    def __init__(self) -> None:
        # SQLite has no checksums of its own: a flipped bit on the disk shows here.
        self._compressor = zstandard.ZstdCompressor(level=_LEVEL, write_checksum=True)
        self._decompressor = zstandard.ZstdDecompressor()

    def pack(self, records: Records) -> bytes:
        """The records as a blob."""
        keys, values = _as_list(records.keys), _as_list(records.values)
        plain = _encoder.encode((keys, values, _folded(records.timestamps_ms)))
        return self._compressor.compress(plain)

    def unpack(self, blob: bytes) -> Records:
        """The records of a blob.

        Raises:
            BusError: it is damaged.
        """
        try:
            keys, values, times = _decoder.decode(self._decompressor.decompress(blob))
        except (zstandard.ZstdError, msgspec.MsgspecError) as error:
            raise BusError(f"a batch is damaged ({error})", hint=MOVE_AWAY) from error
        if isinstance(times, int):
            times = [times] * len(values)
        return Records(keys, values, times)


def _as_list(column: Sequence[bytes]) -> Sequence[bytes]:
    return column if isinstance(column, (list, tuple)) else list(column)


def _folded(times: Sequence[int]) -> Sequence[int] | int:
    # Counting equal numbers is four times as quick as min and max.
    first = times[0]
    return first if times.count(first) == len(times) else list(times)
