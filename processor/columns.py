"""Columns of bytes and what is done with them in one call for a whole batch.

The only module that knows how pyarrow lays a column out. Columns are binary, not text:
log lines need not be UTF-8, and RE2 then works on Latin-1, byte by byte.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Column: TypeAlias = "pa.BinaryArray"
Ints: TypeAlias = npt.NDArray[np.int64]
Floats: TypeAlias = npt.NDArray[np.float64]
Bools: TypeAlias = npt.NDArray[np.bool_]
Bytes: TypeAlias = npt.NDArray[np.uint8]

# pyarrow's stubs know few of the kernels for binary columns.
_kernels: Any = pc


def column(values: Sequence[bytes]) -> Column:
    """Bytes as a column; together they must be below 2 GiB."""
    return pa.array(values, pa.binary())


def take(values: Column, rows: Ints) -> Column:
    """The rows with these numbers, in their order."""
    if len(rows) == len(values) and (len(rows) == 0 or np.all(np.diff(rows) == 1)):
        return values
    chosen: Any = pa.array(rows)
    return values.take(chosen)


def extract(values: Column, pattern: str) -> tuple[Ints, dict[str, Column]]:
    """Match a pattern: the rows that match, and the groups of these rows."""
    found: Any = _kernels.extract_regex(values, pattern)
    matched = rows_where(found.is_valid())
    if len(matched) == 0:
        return matched, {}
    names = [found.type.field(k).name for k in range(found.type.num_fields)]
    groups = {name: take(found.field(name), matched) for name in names}
    return matched, groups


def matches(values: Column, pattern: str) -> Bools:
    """Which rows a pattern matches somewhere."""
    return bools(_kernels.match_substring_regex(values, pattern))


def replace(values: Column, pattern: str, replacement: str) -> Column:
    r"""Replace every match; `\1` stands for a group."""
    replaced: Column = _kernels.replace_substring_regex(values, pattern, replacement)
    return replaced


def head(values: Column, size: int) -> Column:
    """The first bytes of each row."""
    cut: Column = _kernels.binary_slice(values, 0, size)
    return cut


def contains(values: Column, needle: bytes) -> bool:
    """Whether the bytes occur in any row (or across two: a hint, not a proof)."""
    data = values.buffers()[2]
    return data is not None and needle in data.to_pybytes()


def to_list(values: Column) -> list[bytes]:
    """The rows one by one; a column of lines has no nulls."""
    rows: Any = values.to_pylist()
    return list(rows)


def first_byte_is(values: Column, byte: int) -> Bools:
    """Which rows begin with a byte."""
    text = Text(values)
    return np.asarray((text.lengths > 0) & (text.at(text.starts) == byte))


def codes(values: Column) -> tuple[Ints, list[bytes]]:
    """Each row as the number of its distinct value, and the distinct values."""
    encoded: Any = values.dictionary_encode()
    indices = encoded.indices.to_numpy(zero_copy_only=False)
    return indices.astype(np.int64), to_list(encoded.dictionary)


def split_once(values: Column, separator: str) -> tuple[Bools, Column, Column]:
    """Rows that contain the separator exactly once, and what is before and after it.

    The last two columns have rows for these rows only.
    """
    parts: Any = _kernels.split_pattern(values, separator)
    whole = np.asarray(_kernels.list_value_length(parts)) == 2
    if not whole.all():
        parts = parts.filter(pa.array(whole))
    before, after = (_kernels.list_element(parts, k) for k in (0, 1))
    return whole, before, after


def bools(values: Any) -> Bools:
    """A boolean column; null is false."""
    flags: Bools = values.fill_null(False).to_numpy(zero_copy_only=False)
    return flags


def rows_where(values: Any) -> Ints:
    """The numbers of the rows that are true."""
    return np.flatnonzero(bools(values))


class Text:
    """A column's characters, to be looked at by position in all rows at once."""

    def __init__(self, values: Column) -> None:
        buffers: list[Any] = values.buffers()
        _, offsets, data = buffers
        every = np.frombuffer(offsets, np.int32) if offsets else np.zeros(1, np.int32)
        own = slice(values.offset, values.offset + len(values) + 1)
        edges: Ints = every[own].astype(np.int64)
        # A byte more, so that looking behind the last row is defined.
        content = np.frombuffer(data, np.uint8) if data else np.zeros(0, np.uint8)
        self._data = np.append(content, np.uint8(0))
        self.starts: Ints = edges[:-1]
        self.ends: Ints = edges[1:]
        self.lengths: Ints = np.asarray(self.ends - self.starts)

    def at(self, positions: Ints) -> Bytes:
        """The bytes at absolute positions; any byte where there is none."""
        bounded: Bytes = self._data[np.minimum(positions, len(self._data) - 1)]
        return bounded

    def inside(self, positions: Ints) -> Bools:
        """Whether each row has a byte at its position."""
        return positions < self.ends

    def slice(self, start: int, end: int) -> bytes:
        """The bytes between two absolute positions."""
        return self._data[start:end].tobytes()
