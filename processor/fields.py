"""Fields of JSON and logfmt lines by which lines are counted, as configured.

How many values of a field a service has by name is bounded: the first ones of a day,
the lines with others are counted together. Which they are depends on the process, what
they add up to does not.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from processor import columns
from processor.columns import Bools, Column, Ints
from processor.jsonlines import JsonLines
from processor.recognition import Reading
from processor.redaction import Redaction
from tocsin.formats.catalogue import FORMATS
from tocsin.formats.format import Decoder
from tocsin.records.frames import FieldCounts, ValueCount
from tocsin.records.sketch import hash_of, smallest

MAX_VALUE_CHARS = 64
_FORGET_S = 86_400.0
_MOST_IN_ALL = 200_000
_NONE: frozenset[str] = frozenset()
_JSON = [n for n, format_ in enumerate(FORMATS) if format_.decoder is Decoder.JSON]
_LOGFMT = [n for n, format_ in enumerate(FORMATS) if format_.name == "logfmt"]
_VALUE = r'(?P<value>"(?:[^"\\]|\\.)*"|[^\s"]+)'


@dataclass(frozen=True, slots=True)
class FieldValues:
    """A field: the rows that have it, each one's number in `values`."""

    name: str
    rows: Ints
    value_of: Ints
    values: list[str]


class Fields:
    """Reads the configured fields of lines."""

    def __init__(self, names: Sequence[str], redact: Redaction) -> None:
        self._names = tuple(dict.fromkeys(names))
        self._redact = redact
        self._json = JsonLines(*self._names) if self._names else None

    def read(self, reading: Reading) -> list[FieldValues]:
        """The fields of a batch; a field that no line has is left out."""
        if self._json is None:
            return []
        found: dict[str, list[tuple[Ints, Column]]] = {}
        for name, rows, texts in (*self._of_json(reading), *self._of_logfmt(reading)):
            if len(rows):
                found.setdefault(name, []).append((rows, texts))
        return [self._values(name, parts) for name, parts in found.items()]

    def _of_json(self, reading: Reading) -> Iterable[tuple[str, Ints, Column]]:
        rows = np.flatnonzero(np.isin(reading.formats, _JSON))
        if self._json is None or len(rows) == 0:
            return
        lines = self._json.decode(columns.to_list(columns.select(reading.lines, rows)))
        has_any = [row for row, line in enumerate(lines) if line is not None]
        objects = [lines[row] for row in has_any]
        for name in self._names:
            stated = self._json.stated(objects, name)
            has = [k for k, value in enumerate(stated) if _is_plain(value)]
            texts = [_text(stated[k]) for k in has]
            yield name, rows[[has_any[k] for k in has]], columns.column(texts)

    def _of_logfmt(self, reading: Reading) -> Iterable[tuple[str, Ints, Column]]:
        rows = np.flatnonzero(np.isin(reading.formats, _LOGFMT))
        if len(rows) == 0:
            return
        lines = columns.select(reading.lines, rows)
        for name in self._names:
            pattern = (
                rf"^(?:[^\"]|\"(?:[^\"\\]|\\.)*\")*?(?:^|\s){_quoted(name)}={_VALUE}"
            )
            matched, groups = columns.extract(lines, pattern)
            if len(matched):
                values = columns.replace(groups["value"], '^"|"$', "")
                yield name, rows[matched], values

    def _values(self, name: str, parts: list[tuple[Ints, Column]]) -> FieldValues:
        rows = np.concatenate([rows for rows, _ in parts])
        texts = columns.column([t for _, part in parts for t in columns.to_list(part)])
        which, distinct = columns.codes(texts)
        clean = columns.to_list(self._redact(columns.column(distinct)))
        values = [text.decode("utf-8", "replace")[:MAX_VALUE_CHARS] for text in clean]
        return FieldValues(name, rows, which, values)


def _quoted(name: str) -> str:
    return "".join(c if c.isalnum() or c == "_" else f"\\x{{{ord(c):x}}}" for c in name)


def _is_plain(value: object) -> bool:
    return isinstance(value, str | int | float | bool) and value != ""


def _text(value: object) -> bytes:
    if isinstance(value, bool):
        return b"true" if value else b"false"
    return str(value).encode("utf-8", "surrogatepass")


@dataclass(slots=True)
class Admission:
    """Which values of a service's fields are counted by name: the first of a day.

    Its templates are admitted as values of a field without a name. 200,000 in all, some
    30 MB, whatever the number of services.
    """

    most: int
    _begun_at: float = 0.0
    _known: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    _size: int = 0

    def begin(self, now: float) -> None:
        """A flush begins; once a day other values get their chance."""
        if now - self._begun_at >= _FORGET_S:
            self._known.clear()
            self._size = 0
            self._begun_at = now

    def is_admitted(self, service: str, name: str, value: str) -> bool:
        """Whether a value is counted by its name."""
        known = self._known.get((service, name), _NONE)
        if value in known:
            return True
        if len(known) >= self.most or self._size >= _MOST_IN_ALL:
            return False
        self._known.setdefault((service, name), set()).add(value)
        self._size += 1
        return True


@dataclass(frozen=True, slots=True)
class PaneRows:
    """Each line's pane, whether it is ERROR or FATAL, and each pane's service."""

    pane_of: Ints
    is_error: Bools
    services: Sequence[str]


def counts_by_pane(
    found: Iterable[FieldValues], rows: PaneRows, admission: Admission
) -> dict[int, tuple[FieldCounts, ...]]:
    """The lines of each pane by the values of the fields."""
    counted: dict[int, tuple[FieldCounts, ...]] = {}
    for values in found:
        for pane, counts in _of_field(values, rows, admission).items():
            counted[pane] = (*counted.get(pane, ()), counts)
    return counted


def _of_field(
    found: FieldValues, rows: PaneRows, admission: Admission
) -> dict[int, FieldCounts]:
    width = len(found.values)
    places = rows.pane_of[found.rows] * width + found.value_of
    pairs, which, lines = np.unique(places, return_inverse=True, return_counts=True)
    errors = np.bincount(which, weights=rows.is_error[found.rows], minlength=len(pairs))
    panes, values = (part.tolist() for part in np.divmod(pairs, width))
    by_pane: dict[int, dict[str, ValueCount]] = {}
    other: Counter[int] = Counter()
    hashes: defaultdict[int, set[int]] = defaultdict(set)
    for pane, number, count, bad in zip(
        panes, values, lines.tolist(), errors.tolist(), strict=True
    ):
        value, known = found.values[number], by_pane.setdefault(pane, {})
        if admission.is_admitted(rows.services[pane], found.name, value):
            # Two values may be one when they are cut or redacted.
            before = known.get(value, ValueCount(0))
            known[value] = ValueCount(before.lines + count, before.errors + int(bad))
        else:
            other[pane] += count
            hashes[pane].add(hash_of(value) | bool(bad))
    return {
        pane: FieldCounts(found.name, known, other[pane], smallest(hashes[pane]))
        for pane, known in by_pane.items()
    }
