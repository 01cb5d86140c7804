"""A picture of pixels, with lines of text, written as PNG.

Boxes and short labels are all that a plot of rates needs. A plotting library is thirty
packages' worth of download for that, in a program that is installed on servers.
"""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import NamedTuple

import numpy as np

GLYPH_WIDTH, GLYPH_HEIGHT = 6, 8

# The characters from space to tilde, 5 × 7 dots: five columns, the lowest bit on top.
_FONT = bytes.fromhex(
    "0000000000 00005f0000 0007000700 147f147f14 242a7f2a12 2313086462 3649562050"
    "0008070300 001c224100 0041221c00 2a1c7f1c2a 08083e0808 0080703000 0808080808"
    "0000606000 2010080402 3e5149453e 00427f4000 7249494946 2141494d33 1814127f10"
    "2745454539 3c4a494931 4121110907 3649494936 464949291e 0000140000 0040340000"
    "0008142241 1414141414 0041221408 0201590906 3e415d594e 7c1211127c 7f49494936"
    "3e41414122 7f4141413e 7f49494941 7f09090901 3e41415173 7f0808087f 00417f4100"
    "2040413f01 7f08142241 7f40404040 7f021c027f 7f0408107f 3e4141413e 7f09090906"
    "3e4151215e 7f09192946 2649494932 03017f0103 3f4040403f 1f2040201f 3f4038403f"
    "6314081463 0304780403 6159494d43 007f414141 0204081020 004141417f 0402010204"
    "4040404040 0003070800 2054547840 7f28444438 3844444428 384444287f 3854545418"
    "00087e0902 18a4a49c78 7f08040478 00447d4000 2040403d00 7f10284400 00417f4000"
    "7c04780478 7c08040478 3844444438 fc18242418 18242418fc 7c08040408 4854545424"
    "04043f4424 3c4040207c 1c2040201c 3c4030403c 4428102844 4c9090907c 4464544c44"
    "0008364100 0000770000 0041360800 0201020402"
)


class Colour(NamedTuple):
    """Red, green, blue: 0 to 255."""

    red: int
    green: int
    blue: int


class Canvas:
    """Pixels; x goes right and y down, and what lies outside is not drawn."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self._pixels = np.full((height, width, 3), 255, np.uint8)

    def box(  # noqa: PLR0913 - four edges, and how it is filled
        self,
        left: float,
        top: float,
        right: float,
        bottom: float,
        colour: Colour,
        *,
        opacity: float = 1.0,
    ) -> None:
        """Fill a box; at least one pixel each way."""
        x, y = max(0, round(left)), max(0, round(top))
        end_x = max(x + 1, round(right))
        end_y = max(y + 1, round(bottom))
        part = self._pixels[y:end_y, x:end_x]
        mixed = part * (1.0 - opacity) + np.array(colour, np.float64) * opacity
        part[:] = mixed.astype(np.uint8)

    def text(self, left: float, top: float, text: str, colour: Colour) -> None:
        """Write a line; what is not ASCII becomes a question mark."""
        x, y = round(left), round(top)
        for character in text.encode("ascii", "replace"):
            number = character - 32 if 32 <= character < 127 else 31
            columns = _FONT[5 * number : 5 * number + 5]
            for column, bits in enumerate(columns):
                for row in range(GLYPH_HEIGHT):
                    if bits >> row & 1:
                        self._dot(x + column, y + row, colour)
            x += GLYPH_WIDTH

    def png(self) -> bytes:
        """The picture as PNG."""
        rows = np.zeros((self.height, self.width * 3 + 1), np.uint8)  # filter 0
        rows[:, 1:] = self._pixels.reshape(self.height, -1)
        head = struct.pack(">IIBBBBB", self.width, self.height, 8, 2, 0, 0, 0)
        body = zlib.compress(rows.tobytes(), 6)
        parts = (_chunk(b"IHDR", head), _chunk(b"IDAT", body), _chunk(b"IEND", b""))
        return b"\x89PNG\r\n\x1a\n" + b"".join(parts)

    def save(self, path: Path) -> None:
        """Write the picture.

        Raises:
            OSError: it cannot be written.
        """
        path.write_bytes(self.png())

    def _dot(self, x: int, y: int, colour: Colour) -> None:
        if 0 <= x < self.width and 0 <= y < self.height:
            self._pixels[y, x] = colour


def _chunk(kind: bytes, data: bytes) -> bytes:
    check = struct.pack(">I", zlib.crc32(kind + data))
    return struct.pack(">I", len(data)) + kind + data + check
