"""Columns of bytes and what is done with them in one call for a whole batch.

The only module that knows how pyarrow lays a column out. Columns are binary, not text:
log lines need not be UTF-8, and RE2 then works on Latin-1, byte by byte.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from typing import Any, TypeAlias, cast

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


def texts(values: Sequence[str]) -> Column:
    """Texts as a column of their UTF-8."""
    written: Any = pa.array(values, pa.string())
    encoded: Column = written.cast(pa.binary())
    return encoded


def translate(values: Column, table: bytes) -> Column:
    """Replace each byte by the one that a table of 256 has for it."""
    starts, ends, data = layout(values)
    if len(starts) == 0 or len(data) == 0:
        return values
    first, last = int(starts[0]), int(ends[-1])
    edges = (np.append(starts, last) - first).astype(np.int32)
    return _from_layout(edges, data[first:last].tobytes().translate(table))


def zeroed(values: Column) -> Column:
    """Zeros for all digits; much faster than a table."""
    starts, ends, data = layout(values)
    if len(starts) == 0 or len(data) == 0:
        return values
    first, last = int(starts[0]), int(ends[-1])
    content = data[first:last]
    above = content - np.uint8(48)
    above *= above < np.uint8(10)
    edges = (np.append(starts, last) - first).astype(np.int32)
    return _from_layout(edges, content - above)


def pieces(values: Column, rows: Ints, starts: Ints, ends: Ints) -> Column:
    """Of some rows the bytes between two positions, which lie within them."""
    base, _, data = layout(values)
    sizes = ends - starts
    edges = np.concatenate([[0], np.cumsum(sizes)])
    shifts = base[rows] + starts - edges[:-1]
    at = np.repeat(shifts, sizes) + np.arange(edges[-1])
    return _from_layout(edges.astype(np.int32), data[at])


def squeeze(values: Column, byte: int) -> Column:
    """Leave one of each run of a byte."""
    starts, ends, data = layout(values)
    if len(starts) == 0 or len(data) == 0:
        return values
    first, last = int(starts[0]), int(ends[-1])
    content = data[first:last]
    same = content == byte
    dropped = np.zeros(len(content), np.bool_)
    np.logical_and(same[1:], same[:-1], out=dropped[1:])
    # A run does not go on in the next row.
    dropped[(starts - first)[ends > starts]] = False
    edges = np.append(starts, last) - first
    before = np.searchsorted(np.flatnonzero(dropped), edges)
    return _from_layout((edges - before).astype(np.int32), content[~dropped].tobytes())


def take(values: Column, rows: Ints) -> Column:
    """The rows with these numbers, in this order; a number may come again."""
    chosen: Any = pa.array(rows)
    return values.take(chosen)


def select(values: Column, rows: Ints) -> Column:
    """The rows with these numbers, which ascend: nothing is copied where it is all."""
    return values if len(rows) == len(values) else take(values, rows)


def extract(values: Column, pattern: str) -> tuple[Ints, dict[str, Column]]:
    """Match a pattern: the rows that match, and the groups of these rows."""
    found: Any = _kernels.extract_regex(values, pattern)
    matched = rows_where(found.is_valid())
    if len(matched) == 0:
        return matched, {}
    names = [found.type.field(k).name for k in range(found.type.num_fields)]
    groups = {name: select(found.field(name), matched) for name in names}
    return matched, groups


def contains(values: Column, text: str) -> Bools:
    """Which rows contain a text."""
    return bools(_kernels.match_substring(values, text))


def extract_few(values: Column, pattern: str) -> tuple[Ints, dict[str, Column]]:
    """As `extract`, for patterns that few rows match.

    Asking first whether a row matches is cheap: RE2 has no groups to find then, and
    looks for them in short texts before it knows whether they match.
    """
    likely = np.flatnonzero(matches(values, pattern))
    if len(likely) == 0:
        return likely, {}
    matched, groups = extract(select(values, likely), pattern)
    return likely[matched], groups


def extract_few_spans(
    values: Column, pattern: str
) -> tuple[Ints, list[tuple[Ints, Ints]]]:
    """As `extract_spans`, for patterns that few rows match."""
    likely = np.flatnonzero(matches(values, pattern))
    if len(likely) == 0:
        return likely, []
    matched, spans = extract_spans(select(values, likely), pattern)
    return likely[matched], spans


def find(values: Column, text: str) -> Ints:
    """Where each row contains a text first, -1 for nowhere."""
    at: Any = _kernels.find_substring(values, text)
    return np.asarray(at.to_numpy(zero_copy_only=False), np.int64)


def any_contains(values: Column, part: bytes) -> bool:
    """Whether a part occurs in the rows' bytes, one after another: one quick look."""
    buffers: list[Any] = values.buffers()
    data = buffers[2]
    return data is not None and part in data.to_pybytes()


def starts_with(values: Column, text: bytes) -> Bools:
    """Which rows begin with a text."""
    return bools(_kernels.starts_with(values, text))


def put(values: Column, rows: Ints, texts: Sequence[bytes]) -> Column:
    """The column with other texts in some rows."""
    changed = to_list(values)
    for row, text in zip(rows.tolist(), texts, strict=True):
        changed[row] = text
    return column(changed)


def extract_spans(values: Column, pattern: str) -> tuple[Ints, list[tuple[Ints, Ints]]]:
    """Match a pattern: the rows that match, and each group's start and length there.

    A group that takes no part has length 0.
    """
    found: Any = _kernels.extract_regex_span(values, pattern)
    matched = rows_where(found.is_valid())
    spans = []
    if len(matched):
        for k in range(found.type.num_fields):
            pairs = found.field(k)
            filled = pairs.values.fill_null(0).to_numpy(zero_copy_only=False)
            flat = filled.reshape(-1, 2)
            flat = flat[pairs.offset : pairs.offset + len(values)][matched]
            spans.append((flat[:, 0].astype(np.int64), flat[:, 1].astype(np.int64)))
    return matched, spans


def slices(values: Column, rows: Ints, starts: Ints, ends: Ints) -> list[bytes]:
    """Of some rows the bytes between two positions."""
    at, ends_at, data = layout(values)
    whole = data.tobytes()
    base, most = at[rows], ends_at[rows]
    until = np.minimum(base + ends, most)
    pairs = zip((base + starts).tolist(), until.tolist(), strict=True)
    return [whole[start:end] for start, end in pairs]


def matches(values: Column, pattern: str) -> Bools:
    """Which rows a pattern matches somewhere."""
    return bools(_kernels.match_substring_regex(values, pattern))


def as_text(values: Column) -> Column:
    """Rows as characters, not bytes, to `matches`; what is no UTF-8 is replaced."""
    made: Any = values
    try:
        text: Any = made.cast(pa.string())
    except pa.ArrowInvalid:
        text = pa.array([x.decode("utf-8", "replace") for x in to_list(values)])
    return cast("Column", text)


def replace(values: Column, pattern: str, replacement: str) -> Column:
    r"""Replace every match; `\1` stands for a group."""
    replaced: Column = _kernels.replace_substring_regex(values, pattern, replacement)
    return replaced


def replace_where(
    values: Column, part: str, replacements: Sequence[tuple[str, str]]
) -> Column:
    """Make replacements, one after another, in the rows that contain a part."""
    # Where no row has it, as often, one look at all is a fiftieth of one at each.
    if not any_contains(values, part.encode()):
        return values
    found: Any = _kernels.match_substring(values, part)
    rows = rows_where(found)
    if len(rows) == 0:
        return values
    changed = select(values, rows)
    for pattern, replacement in replacements:
        changed = replace(changed, pattern, replacement)
    return merge(values, rows, changed)


def merge(values: Column, rows: Ints, changed: Column) -> Column:
    """The column with other values in these rows, which ascend."""
    if len(rows) == len(values):
        return changed
    flags = np.zeros(len(values), np.bool_)
    flags[rows] = True
    merged: Column = _kernels.replace_with_mask(values, pa.array(flags), changed)
    return merged


def cut(values: Column, size: int) -> Column:
    """Rows of at most so many bytes, without the word that the cut went through."""
    starts, ends, _ = layout(values)
    long: Any = ends - starts > size
    if not long.any():
        return values
    heads: Any = head(values, size)
    words = replace(heads, " [^ ]*$", "")
    shortened: Column = _kernels.if_else(pa.array(long), words, heads)
    return shortened


def head(values: Column, size: int) -> Column:
    """The first bytes of each row."""
    cut: Column = _kernels.binary_slice(values, 0, size)
    return cut


def between(values: Column, start: int, stop: int) -> Column:
    """Of each row the bytes between two positions."""
    part: Column = _kernels.binary_slice(values, start, stop)
    return part


def contains_byte(values: Column, byte: int) -> bool:
    """Whether a byte occurs in any row."""
    buffers: list[Any] = values.buffers()
    data = buffers[2]
    return data is not None and bool((np.frombuffer(data, np.uint8) == byte).any())


def to_list(values: Column) -> list[bytes]:
    """The rows one by one; a column of lines has no nulls."""
    rows: Any = values.to_pylist()
    return list(rows)


def first_bytes(values: Column) -> Bytes:
    """The first byte of each row, 0 where it is empty."""
    starts, ends, data = layout(values)
    if len(data) == 0:
        return np.zeros(len(values), np.uint8)
    first = data[np.minimum(starts, len(data) - 1)]
    return np.asarray(np.where(ends > starts, first, 0), np.uint8)


def codes(values: Column) -> tuple[Ints, list[bytes]]:
    """Each row as the number of its distinct value, and the distinct values."""
    which, distinct = numbered(values)
    return which, to_list(distinct)


def numbered(values: Column) -> tuple[Ints, Column]:
    """As `codes`, with the distinct values as a column."""
    encoded: Any = values.dictionary_encode()
    indices = encoded.indices.to_numpy(zero_copy_only=False)
    return indices.astype(np.int64), encoded.dictionary


def bounded(values: Sequence[bytes] | Column, size: int) -> tuple[Column, Ints]:
    """Values as a column of at most `size` bytes a row, and how long they are."""
    made: Any = values
    if not isinstance(values, pa.Array):
        made = pa.array(values, pa.binary())
        if isinstance(made, pa.ChunkedArray):  # together above 2 GiB
            lengths = np.fromiter(map(len, values), np.int64, len(values))
            return column([value[:size] for value in values]), lengths
    starts, ends, _ = layout(made)
    lengths = ends - starts
    return (head(made, size) if (lengths > size).any() else made), lengths


def codes_before(values: Column, separator: bytes) -> tuple[Bools, Ints, list[bytes]]:
    """What stands before a separator, of the rows that contain it exactly once.

    Which rows these are; for each of them the number of its value, and the distinct
    values.
    """
    starts, ends, data = layout(values)
    found = np.flatnonzero(data == separator[0])
    # Nearly always each row has one: sixty times as fast as looking for each row's.
    if len(found) == len(starts) and bool(((starts <= found) & (found < ends)).all()):
        whole = np.ones(len(starts), np.bool_)
        rows, at = np.arange(len(starts)), found
    else:
        first = np.searchsorted(found, starts)
        whole = np.searchsorted(found, ends) - first == 1
        rows = np.flatnonzero(whole)
        at = found[first[rows]]
    lengths = at - starts[rows]
    numbers = np.empty(len(rows), np.int64)
    distinct: list[bytes] = []
    # Values of one length at once: a quarter of the time that splitting all takes.
    for length in np.flatnonzero(np.bincount(lengths)).tolist():
        same = np.flatnonzero(lengths == length)
        which, new = codes(head(select(values, rows[same]), length))
        numbers[same] = which + len(distinct)
        distinct += new
    return whole, numbers, distinct


def bools(values: Any) -> Bools:
    """A boolean column; null is false."""
    flags: Bools = values.fill_null(False).to_numpy(zero_copy_only=False)
    return flags


def rows_where(values: Any) -> Ints:
    """The numbers of the rows that are true."""
    return np.flatnonzero(bools(values))


def _from_layout(edges: npt.NDArray[np.int32], content: bytes | Bytes) -> Column:
    """Rows one after another in `content`, with their edges."""
    kind: Any = pa.binary()
    parts: list[Any] = [edges, content]
    buffers: list[Any] = [None, *map(pa.py_buffer, parts)]
    made: Any = pa.Array.from_buffers(kind, len(edges) - 1, buffers)
    return cast("Column", made)


def layout(values: Column) -> tuple[Ints, Ints, Bytes]:
    """Where each row starts and ends in the bytes of all."""
    buffers: list[Any] = values.buffers()
    _, offsets, data = buffers
    every = np.frombuffer(offsets, np.int32) if offsets else np.zeros(1, np.int32)
    own = slice(values.offset, values.offset + len(values) + 1)
    edges: Ints = every[own].astype(np.int64)
    content = np.frombuffer(data, np.uint8) if data else np.zeros(0, np.uint8)
    return edges[:-1], edges[1:], content


class Text:
    """A column's characters, to be looked at by position in all rows at once.

    For columns of short texts, such as times: it copies them.
    """

    # Looking a little behind a row's end is defined, also for the last row.
    _MARGIN = 64

    def __init__(self, values: Column) -> None:
        self.starts, self.ends, data = layout(values)
        self._data: Bytes = np.concatenate([data, np.zeros(self._MARGIN, np.uint8)])

    def part(self, rows: Ints) -> Text:
        """Some rows; their bytes are not copied."""
        part = copy(self)
        part.starts, part.ends = self.starts[rows], self.ends[rows]
        return part

    def narrow(self, begins: Ints, ends: Ints) -> Text:
        """The bytes between two positions in each row."""
        part = copy(self)
        part.starts = self.starts + begins
        part.ends = np.minimum(self.starts + ends, self.ends)
        return part

    @property
    def lengths(self) -> Ints:
        """The length of each row in bytes."""
        return np.asarray(self.ends - self.starts)

    def runs(self, size: int) -> Ints:
        """Where rows begin with other bytes than the row before, `size` of them."""
        changes = np.zeros(len(self.starts), np.bool_)
        changes[:1] = True
        words = np.ndarray((len(self._data) - 7,), np.uint64, self._data, strides=(1,))
        for start in sorted({*range(0, size - 8, 8), max(size - 8, 0)}):
            word = words[self.starts + start]
            changes[1:] |= word[1:] != word[:-1]
        return np.flatnonzero(changes)

    def at(self, positions: Ints) -> Bytes:
        """The bytes at absolute positions, at most 64 behind the row's end."""
        found: Bytes = self._data[positions]
        return found

    def inside(self, positions: Ints) -> Bools:
        """Whether each row has a byte at its position."""
        return positions < self.ends

    def slice(self, start: int, end: int) -> bytes:
        """The bytes between two absolute positions."""
        return self._data[start:end].tobytes()
