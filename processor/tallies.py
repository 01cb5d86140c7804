"""What rules have counted of lines: their text, their fields, their level together.

In columns: a pattern is one call for all lines of the level, a field's patterns are
tried on its distinct values. Bounded: of a tally at most 20 groups in a pane, of a
service those that are admitted, like values of a field; the rest is counted together.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

import msgspec
import numpy as np
import numpy.typing as npt

from processor import columns
from processor.columns import Bools, Column, Ints
from processor.fields import Admission, FieldValues, PaneRows
from tocsin.config.tallies import Tally
from tocsin.records.frames import TallyCount, TemplateCount
from tocsin.records.sketch import hash_of, smallest
from tocsin.values import LEVELS, Level

_MOST_GROUPS = 20  # of a tally in a pane, the most frequent ones
_REMEMBERED = 10_000
_BETWEEN = "\x1f"
_NONE: Ints = np.zeros(0, np.int64)
_Levels = npt.NDArray[np.uint8]
_Group = tuple[str, ...]
Find = Callable[[Ints], list[TemplateCount]]
"""For each of some rows, which ascend, how its line is shown."""


@dataclass(frozen=True, slots=True)
class Tallied:
    """The lines of a batch that a tally counts, and those that they are a share of.

    `rows` have a group each, `group_of`, a number in `groups`, and where it is asked a
    level and a value of which the distinct ones are counted.
    """

    tally: Tally
    rows: Ints
    whole: Ints
    group_of: Ints
    whole_of: Ints
    groups: list[_Group]
    level_of: _Levels
    value_of: Ints
    values: Sequence[str]


class Tallies:
    """Finds the lines that tallies are about."""

    def __init__(self, wanted: Sequence[Tally]) -> None:
        self._wanted = tuple(wanted)
        self._known: dict[tuple[_Group, str], bool] = {}

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields that lines are to be read for."""
        return tuple(dict.fromkeys(x for tally in self._wanted for x in tally.needed))

    def read(
        self, lines: Column, levels: _Levels, fields: Iterable[FieldValues]
    ) -> list[Tallied]:
        """What each tally counts of a batch; those that count nothing are left out."""
        if not self._wanted or len(lines) == 0:
            return []
        batch = _Batch(lines, levels, {x.name: x for x in fields})
        found = (self._read(tally, batch) for tally in self._wanted)
        return [x for x in found if len(x.rows) or len(x.whole)]

    def _read(self, tally: Tally, batch: _Batch) -> Tallied:
        has = batch.has(tally.needed)
        matching = has
        for name, patterns in tally.fields:
            matching = matching & self._matching(batch, name, patterns)
        counted = matching
        if not tally.is_of_all_levels:
            counted = matching & np.isin(batch.levels, tally.levels)
        rows = np.flatnonzero(counted)
        if tally.text is not None and len(rows):
            rows = rows[columns.matches(batch.texts(rows), tally.text)]
        whole = _NONE
        if tally.is_share and tally.needed:
            whole = np.flatnonzero(has if tally.is_of_all_levels else matching)
        group_of, groups = batch.groups(np.concatenate([rows, whole]), tally.by)
        values = batch.fields.get(tally.of or "")
        return Tallied(
            tally=tally,
            rows=rows,
            whole=whole,
            group_of=group_of[: len(rows)],
            whole_of=group_of[len(rows) :],
            groups=groups,
            level_of=batch.levels[rows]
            if tally.by_level
            else np.zeros_like(rows, np.uint8),
            value_of=batch.codes(values)[rows] if values else _NONE,
            values=values.values if values else (),
        )

    def _matching(self, batch: _Batch, name: str, patterns: _Group) -> Bools:
        """Which lines have a value of a field that some pattern matches."""
        flags = np.zeros(len(batch.lines), np.bool_)
        found = batch.fields.get(name)
        if found is not None:
            wanted = np.array(
                [self._matches(patterns, x) for x in found.values], np.bool_
            )
            flags[found.rows] = wanted[found.value_of]
        return flags

    def _matches(self, patterns: _Group, value: str) -> bool:
        known = self._known.get((patterns, value))
        if known is None:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            known = any(fnmatchcase(value, x) for x in patterns)
            self._known[patterns, value] = known
        return known


class _Batch:
    """Lines, their levels, and the fields that were read of them."""

    def __init__(
        self, lines: Column, levels: _Levels, fields: Mapping[str, FieldValues]
    ) -> None:
        self.lines = lines
        self.levels = levels
        self.fields = fields
        self._texts: Column | None = None

    def texts(self, rows: Ints) -> Column:
        """Lines as RE2 reads characters: a pattern may have some beyond ASCII."""
        if self._texts is None:
            self._texts = columns.as_text(self.lines)
        return columns.select(self._texts, rows)

    def has(self, names: Iterable[str]) -> Bools:
        """Which lines have all of these fields."""
        flags = np.ones(len(self.lines), np.bool_)
        for name in names:
            flags &= self.codes(self.fields.get(name)) >= 0
        return flags

    def codes(self, read: FieldValues | None) -> Ints:
        """The number of each line's value, -1 where it has none."""
        codes = np.full(len(self.lines), -1, np.int64)
        if read is not None:
            codes[read.rows] = read.value_of
        return codes

    def groups(self, rows: Ints, names: Sequence[str]) -> tuple[Ints, list[_Group]]:
        """Which group each row is of, by values of fields that they all have."""
        if not names or len(rows) == 0:
            return np.zeros(len(rows), np.int64), [()]
        fields = [self.fields[name] for name in names]
        numbers = np.zeros(len(rows), np.int64)
        for read in fields:
            numbers, _ = _numbered(numbers * len(read.values) + self.codes(read)[rows])
        which, first = _numbered(numbers)
        columns_ = [
            [read.values[x] for x in self.codes(read)[rows[first]].tolist()]
            for read in fields
        ]
        return which, list(zip(*columns_, strict=True))


def _numbered(values: Ints) -> tuple[Ints, Ints]:
    """Each value's number among the distinct ones, and where they stand first."""
    _, first, which = np.unique(values, return_index=True, return_inverse=True)
    return which.astype(np.int64), first.astype(np.int64)


@dataclass(slots=True)
class _Cell:
    """What a pane has of a group: lines, one of them, what they are a share of."""

    group: _Group
    lines: int = 0
    row: int | None = None
    of: int = 0
    hashes: set[int] = field(default_factory=set)


def tallies_by_pane(
    found: Iterable[Tallied], rows: PaneRows, admission: Admission, find: Find
) -> dict[int, tuple[TallyCount, ...]]:
    """What tallies count in each pane."""
    kept = [
        (pane, tallied.tally.key, cell)
        for tallied in found
        for pane, cells in _cells(tallied, rows.pane_of).items()
        for cell in _bounded(tallied.tally, cells, rows.services[pane], admission)
    ]
    if not kept:
        return {}
    shown = sorted({cell.row for _, _, cell in kept if cell.row is not None})
    lines: dict[int, TemplateCount] = {}
    if shown:
        lines = dict(zip(shown, find(np.array(shown, np.int64)), strict=True))
    by_pane: defaultdict[int, tuple[TallyCount, ...]] = defaultdict(tuple)
    for pane, key, cell in kept:
        by_pane[pane] += (_count(key, cell, lines),)
    return by_pane


def _count(key: str, cell: _Cell, lines: Mapping[int, TemplateCount]) -> TallyCount:
    found = None
    if cell.row is not None:
        found = msgspec.structs.replace(lines[cell.row], count=cell.lines)
    hashes = smallest(cell.hashes)
    return TallyCount(key, cell.lines, cell.group, cell.of, hashes, found)


def _bounded(
    tally: Tally, cells: list[_Cell], service: str, admission: Admission
) -> Iterator[_Cell]:
    """The cells that have a name; the others are one, without."""
    if not tally.names:
        yield from cells
        return
    rest = _Cell(())
    cells.sort(key=lambda x: (-x.lines, x.group))
    for place, cell in enumerate(cells):
        name = _BETWEEN.join(cell.group)
        if place < _MOST_GROUPS and admission.is_admitted(service, tally.key, name):
            yield cell
        else:
            rest.lines += cell.lines
            rest.of += cell.of
    if rest.lines or rest.of:
        yield rest


def _cells(tallied: Tallied, pane_of: Ints) -> dict[int, list[_Cell]]:
    """What each pane has, by group and level."""
    size = len(tallied.groups) * LEVELS
    place = pane_of[tallied.rows] * size + tallied.group_of * LEVELS
    distinct, first, which, sizes = np.unique(
        place + tallied.level_of,
        return_index=True,
        return_inverse=True,
        return_counts=True,
    )
    rows = tallied.rows[first]
    cells = {
        number: _Cell(_name(tallied, number % size), lines, row)
        for number, lines, row in zip(
            distinct.tolist(), sizes.tolist(), rows.tolist(), strict=True
        )
    }
    _add_values(cells, tallied, distinct[which])
    _add_whole(cells, tallied, pane_of[tallied.whole] * size)
    by_pane: defaultdict[int, list[_Cell]] = defaultdict(list)
    for number, cell in cells.items():
        by_pane[number // size].append(cell)
    return by_pane


def _name(tallied: Tallied, number: int) -> _Group:
    group, level = divmod(number, LEVELS)
    names = tallied.groups[group]
    return (Level(level).name, *names) if tallied.tally.by_level else names


def _add_values(cells: Mapping[int, _Cell], tallied: Tallied, of_row: Ints) -> None:
    """The distinct values of each cell."""
    width = len(tallied.values)
    if width == 0:
        return
    pairs = np.unique(of_row * width + tallied.value_of)
    for pair in pairs.tolist():
        number, value = divmod(pair, width)
        cells[number].hashes.add(hash_of(tallied.values[value]))


def _add_whole(cells: dict[int, _Cell], tallied: Tallied, pane: Ints) -> None:
    """What the lines of each cell are a share of: of its group, whatever the level."""
    places = pane + tallied.whole_of * LEVELS
    size = len(tallied.groups) * LEVELS
    for place, lines in zip(
        *(x.tolist() for x in np.unique(places, return_counts=True)), strict=True
    ):
        if not tallied.tally.by_level:
            if place not in cells:
                cells[place] = _Cell(_name(tallied, place % size))
            cells[place].of = lines
            continue
        for number in range(place, place + LEVELS):
            if number in cells:
                cells[number].of = lines
