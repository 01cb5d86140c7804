"""How the bytes of a file are text: its encoding, and what ends a record. Pure.

Records travel in UTF-8; positions are those of the file. An encoding is one in which
the same bytes always end a line, and stand for nothing else where they begin at a whole
code unit (`unit` bytes: 2 in UTF-16). So a file can be cut into lines before it is
decoded, and read from any line on.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

NEWLINE = "\n"

_BOMS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
LONGEST_BOM = 4
_UNITS = {"utf-16-le": 2, "utf-16-be": 2, "utf-32-le": 4, "utf-32-be": 4}
# Without a byte order mark it is the order of nearly all machines.
_SAME = {"utf-16": "utf-16-le", "utf-32": "utf-32-le", "utf-8-sig": "utf-8"}
# What a letter is depends on what stands lines before, or one may be written in many
# ways.
_UNFIT = {"utf-7", "punycode", "idna", "unicode-escape", "raw-unicode-escape", "hz"}


class Decoded(NamedTuple):
    """Pieces of a file in UTF-8.

    `inexact`: numbers of those that do not encode to as many bytes as they had.
    `replaced`: characters that stand for bytes that are none in the encoding.
    """

    values: list[bytes]
    inexact: Sequence[int] = ()
    replaced: int = 0


class Text(NamedTuple):
    """An encoding (empty: bytes are taken as they are) and what ends a record."""

    encoding: str = ""
    ending: str = NEWLINE

    @property
    def is_plain(self) -> bool:
        """Whether records are lines, as they are."""
        return self == PLAIN

    @property
    def delimiter(self) -> bytes:
        """What ends a record, as bytes of the file."""
        return _delimiter(self)

    @property
    def unit(self) -> int:
        """Bytes of a code unit: where a delimiter may begin."""
        return _UNITS.get(self.encoding, 1)

    def cut(self, data: bytes) -> tuple[list[bytes], int]:
        """The records in `data`, and how many bytes follow the last delimiter.

        `data` begins with a record.
        """
        pieces = data.split(self.delimiter)
        if self.unit > 1 and any(len(piece) % self.unit for piece in pieces[:-1]):
            # Some bytes only look like a delimiter: a half of one character and a half
            # of the next.
            pieces = self._cut_with_care(data)
        return pieces, len(pieces.pop())

    def _cut_with_care(self, data: bytes) -> list[bytes]:
        pieces, begin = [], 0
        while (end := self.find(data, begin)) >= 0:
            pieces.append(data[begin:end])
            begin = end + len(self.delimiter)
        return [*pieces, data[begin:]]

    def find(self, data: bytes, begin: int = 0) -> int:
        """Where the first delimiter is from `begin` on; there a code unit begins."""
        at = data.find(self.delimiter, begin)
        while at >= 0 and (at - begin) % self.unit:
            at = data.find(self.delimiter, at + 1)
        return at

    def rfind(self, data: bytes, *, at: int = 0) -> int:
        """Where the last delimiter is in `data`, which stands in the file at `at`."""
        found = data.rfind(self.delimiter)
        while found >= 0 and (at + found) % self.unit:
            found = data.rfind(self.delimiter, 0, found + len(self.delimiter) - 1)
        return found

    def decode(self, pieces: list[bytes]) -> Decoded:
        """Pieces of the file in UTF-8."""
        if not self.encoding:
            return Decoded(pieces)
        try:
            texts = [str(piece, self.encoding) for piece in pieces]
            lengths = [len(text.encode(self.encoding)) for text in texts]
        except UnicodeError:
            return self._decode_damaged(pieces)
        values = [text.encode() for text in texts]
        if lengths == list(map(len, pieces)):
            return Decoded(values)
        inexact = [i for i, n in enumerate(lengths) if n != len(pieces[i])]
        return Decoded(values, inexact)

    def _decode_damaged(self, pieces: list[bytes]) -> Decoded:
        values, inexact, replaced = [], [], 0
        for number, piece in enumerate(pieces):
            text = str(piece, self.encoding, "replace")
            values.append(text.encode("utf-8", "replace"))
            if self.encode(text) != piece:
                inexact.append(number)
                replaced += max(1, text.count("\ufffd"))
        return Decoded(values, inexact, replaced)

    def decode_beginning(self, piece: bytes) -> tuple[bytes, int]:
        """A piece that may end within a character, and the bytes before that one."""
        if not self.encoding:
            return piece, len(piece)
        decoder = codecs.getincrementaldecoder(self.encoding)("replace")
        text = decoder.decode(piece)
        return text.encode("utf-8", "replace"), len(piece) - len(decoder.getstate()[0])

    def encode(self, text: str) -> bytes | None:
        """The bytes that stand for a text in the file; None if there are none."""
        try:
            return text.encode(self.encoding or "utf-8", "surrogateescape")
        except UnicodeError:
            return None


PLAIN = Text()


@lru_cache(maxsize=64)
def _delimiter(text: Text) -> bytes:
    return text.ending.encode(text.encoding or "utf-8")


_ESCAPE = re.compile(r"\\(?:x([0-7][0-9a-fA-F])|u([0-9a-fA-F]{4})|(.?))", re.DOTALL)
_ESCAPES = {
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "0": "\0",
    "f": "\f",
    "v": "\v",
    "\\": "\\",
}
_LONGEST = 64


def ending_of(written: str) -> str:
    r"""What ends a record, from how it is written: `\n`, `\0`, `\x1e`, `<EOE>\n`.

    Raises:
        ValueError: it is empty or too long, or has an escape that is none.
    """

    def meant(match: re.Match[str]) -> str:
        if code := match[1] or match[2]:
            return chr(int(code, 16))
        if match[3] not in _ESCAPES:
            known = r"\n \r \t \f \v \0 \\ \xHH (below 80) \uHHHH"
            raise ValueError(f"{match[0]} is no escape; there are {known}")
        return _ESCAPES[match[3]]

    text = _ESCAPE.sub(meant, written)
    if not 0 < len(text) <= _LONGEST:
        raise ValueError(f"expected 1 to {_LONGEST} characters, got {len(text)}")
    try:
        text.encode()
    except UnicodeError:
        raise ValueError("half of a surrogate pair is no character") from None
    return text


def chosen_text(encoding: str, delimiter: str) -> Text:
    """What was configured: the name of an encoding, if any, and a written ending.

    Raises:
        ValueError: one of them is none, or both do not go together.
    """
    text = Text(encoding_of(encoding) if encoding else "", ending_of(delimiter))
    if not text.encoding:
        return text
    try:
        first = text.delimiter[0]
    except UnicodeError:
        raise ValueError(f"{delimiter!r} does not exist in {encoding}") from None
    is_single = (
        text.unit > 1 or len(str(bytes(range(256)), text.encoding, "replace")) == 256
    )
    if not (is_single or first < ord(" ")):
        raise ValueError(
            f"in {encoding} a character may have the bytes of {delimiter!r} in it; "
            "begin the delimiter with a control character"
        )
    return text


def encoding_of(name: str) -> str:
    """The name under which an encoding is known here; empty for UTF-8.

    Raises:
        ValueError: there is none, or log files cannot be read in it.
    """
    try:
        known = codecs.lookup(name).name
        known = _SAME.get(known, known)
        one, two = NEWLINE.encode(known), (NEWLINE * 2).encode(known)
    except (LookupError, ValueError) as error:
        raise ValueError(f"no encoding is called {name!r}") from error
    fits = known in _UNITS or (len(one) == 1 and two == one * 2)
    if known in _UNFIT or not fits:
        raise ValueError(f"files in {name!r} cannot be read line by line")
    return "" if known in {"utf-8", "ascii"} else known


def text_of(beginning: bytes, chosen: Text) -> Text | None:
    """How a file is text that begins so; None if that is too short to tell.

    A byte order mark decides; without one, what was `chosen`.
    """
    if len(beginning) < LONGEST_BOM and any(
        mark.startswith(beginning) for mark, _ in _BOMS
    ):
        return None
    for mark, encoding in _BOMS:
        if beginning.startswith(mark):
            return Text(encoding, chosen.ending)
    if beginning.startswith(codecs.BOM_UTF8):
        return Text("", chosen.ending)
    return chosen


def bom_bytes(beginning: bytes) -> int:
    """How many bytes of a file's beginning are a mark that is in no record."""
    found = (len(mark) for mark, _ in _BOMS if beginning.startswith(mark))
    return next(found, 0)
