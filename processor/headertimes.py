"""Times of lines by general rules, in columns: wherever a header states them.

Three ways, each for what the one before leaves: a time that the line begins with, told
by its shape (digits as zeros); one behind other fields, looked for around what looks
like a time of day; a number of seconds since 1970.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache

import numpy as np

from processor import columns
from processor.columns import Column, Floats, Ints
from processor.heads import NOWHERE, Heads, behind_sentence
from processor.times import to_seconds
from processor.zones import Zone
from tocsin.formats import fallback, times

ZEROS = bytes.maketrans(b"123456789", b"000000000")
# The longest beginning of a time that tells its form, and what may stand before it.
SHAPE_BYTES = 32
_BEFORE_TIME = r"(?:<\d+>)?(?:[A-Z], ?)?[^0-9A-Za-z]{0,4}"
_AFTER_LETTER = ("compact-clock", "short-clock", "klog")  # glog, cockroach
_SEARCH_BYTES = 120
# A date and what delimits it before the time of day; behind it perhaps another, for
# the first clock may be that of a file name.
BEFORE_CLOCK, BEHIND_CLOCK = 25, 44
CLOCK, OTHER_CLOCKS = "0:00:00", ("00.00.00", "0:00")
_DELIMITER = r"""[\s\[\](){}<>|"'=,;:#@*]"""
_EPOCH = (
    r"(?:^|[\s\[(<|,;:=@])(?P<epoch>1\d{9}(?:[.,]\d{1,9})?|1\d{12}|1\d{15}|1\d{18})"
    r"(?:[\s\[\]()<>|,;:]|$)"
)
_EPOCH_DIGITS = 10
VAGUE = [k for k, form in enumerate(times.SEARCHED) if not form.has_year]


def find_times(heads: Heads, arrival: Floats, zone: Zone) -> tuple[Floats, Ints]:
    """The time of each line, NaN where it states none, and where it begins.

    `arrival`: a row for each head.
    """
    search = _Search(heads, arrival, zone)
    left: Ints = np.arange(len(heads.rows))
    for find in (search.at_start, search.inside, search.epochs):
        if len(left) == 0:
            break
        find(left)
        left = left[np.isnan(search.seconds[left])]
    return search.seconds, search.starts


def families(texts: Column) -> tuple[Ints, Ints]:
    """The family of the time that each line begins with, and where; -1 for none."""
    beginnings = columns.head(texts, SHAPE_BYTES)
    which, distinct = columns.codes(columns.translate(beginnings, ZEROS))
    told = np.array([at_start(shape) for shape in distinct]).reshape(-1, 2)[which]
    return np.where(told[:, 0] < 0, -1, _FAMILY_OF[told[:, 0]]), told[:, 1]


_NAMES = sorted({form.family for form in times.FORMS})
FAMILIES = {family: number for number, family in enumerate(_NAMES)}
_FAMILY_OF = np.array([FAMILIES[form.family] for form in times.SEARCHED])


class _Search:
    """Fills in times, rows by rows."""

    def __init__(self, heads: Heads, arrival: Floats, zone: Zone) -> None:
        self._heads = heads
        self._texts = columns.head(heads.texts, _SEARCH_BYTES)
        self._arrival = arrival
        self._zone = zone
        self.seconds = np.full(len(heads.rows), np.nan)
        self.starts = np.full(len(heads.rows), NOWHERE)

    def at_start(self, rows: Ints) -> None:
        """Times that lines begin with: each distinct beginning is told once."""
        beginnings = columns.head(columns.select(self._texts, rows), SHAPE_BYTES)
        which, distinct = columns.codes(columns.translate(beginnings, ZEROS))
        told = np.array([at_start(shape) for shape in distinct]).reshape(-1, 2)[which]
        self._set(rows, told[:, 0], told[:, 1])

    def inside(self, rows: Ints) -> None:
        """Times behind other fields of the header."""
        shapes = columns.translate(self._texts, ZEROS)
        clocks = _clocks(columns.select(shapes, rows))
        rows, clocks = rows[clocks >= 0], clocks[clocks >= 0]
        if len(rows) == 0:
            return
        at = np.maximum(clocks - BEFORE_CLOCK, 0)
        windows = columns.slices(shapes, rows, at, clocks + BEHIND_CLOCK)
        # What stands before the window is a delimiter at the line's beginning only.
        told = [
            _inside(window if start else b" " + window)
            for window, start in zip(windows, at.tolist(), strict=True)
        ]
        forms, begins = np.array(told).T
        self._set_checked(rows, forms, begins + at - (at == 0))
        self._search(rows[np.isnan(self.seconds[rows])])

    def _search(self, rows: Ints) -> None:
        """Search for a whole time: the first clock was none."""
        if len(rows) == 0:
            return
        texts = columns.select(self._texts, rows)
        matched, spans = columns.extract_few_spans(texts, _pattern())
        if len(matched):
            begins, length = spans[0]
            words = columns.slices(texts, matched, begins, begins + length)
            forms = np.array([_form_of(word.translate(ZEROS)) for word in words])
            self._set_checked(rows[matched], forms, begins)

    def epochs(self, rows: Ints) -> None:
        """Times as seconds, ms, µs or ns since 1970, between 2001 and 2033."""
        texts = columns.select(self._texts, rows)
        matched, spans = columns.extract_few_spans(texts, _EPOCH)
        if len(matched) == 0:
            return
        begins, length = spans[0]
        words = columns.slices(texts, matched, begins, begins + length)
        starts = np.full(len(rows), NOWHERE)
        starts[matched] = begins
        part = Heads(rows, texts)
        outside = behind_sentence(part, starts, fallback.LONG_SENTENCE)
        good = ~np.isin(matched, outside)
        hit = rows[matched[good]]
        self.seconds[hit] = np.array([_epoch(word) for word in words])[good]
        self.starts[hit] = begins[good]

    def _set_checked(self, rows: Ints, forms: Ints, begins: Ints) -> None:
        """Read times, but those behind a sentence; an epoch beside one is surer."""
        starts = np.full(len(rows), NOWHERE)
        starts[forms >= 0] = begins[forms >= 0]
        part = Heads(rows, columns.select(self._texts, rows))
        forms = forms.copy()
        forms[behind_sentence(part, starts)] = -1
        self._set(rows, forms, begins)
        # Where the year is left out, seconds since 1970 beside it count.
        vague = rows[np.isin(forms, VAGUE)]
        if len(vague):
            self.epochs(vague)

    def _set(self, rows: Ints, forms: Ints, begins: Ints) -> None:
        for number in np.unique(forms[forms >= 0]):
            at = np.flatnonzero(forms == number)
            hit = rows[at]
            self.seconds[hit] = to_seconds(
                columns.select(self._heads.texts, hit),
                times.SEARCHED[number],
                self._arrival[hit],
                self._zone,
                begins[at],
            )
            self.starts[hit] = begins[at]


def _clocks(shapes: Column) -> Ints:
    """Where what looks like a time of day stands, -1 for nowhere."""
    found = columns.find(shapes, CLOCK)
    for other in OTHER_CLOCKS:
        left = np.flatnonzero(found < 0)
        if len(left) == 0:
            break
        found[left] = columns.find(columns.select(shapes, left), other)
    return found


@lru_cache(maxsize=50_000)
def at_start(shape: bytes) -> tuple[int, int]:
    """The number of the form that a beginning has, and where; -1 for none."""
    return _number(_beginnings().match(shape))


@lru_cache(maxsize=50_000)
def _inside(window: bytes) -> tuple[int, int]:
    """The number of the form that a window's shape contains, and where; -1 for none."""
    return _number(window_pattern().search(window))


def _number(found: re.Match[bytes] | None) -> tuple[int, int]:
    if found is None or found.lastgroup is None:
        return -1, 0
    return int(found.lastgroup[1:]), found.start(found.lastgroup)


@cache
def _beginnings() -> re.Pattern[bytes]:
    # What tells a form is never its zone, and zones are half of what is compiled.
    shapes = {
        number: (form.name, form.shape.removesuffix(times.ZONE))
        for number, form in enumerate(times.SEARCHED)
    }
    forms = "|".join(
        f"(?P<f{number}>{shape})"
        for number, (name, shape) in shapes.items()
        if name != "klog"
    )
    lettered = "|".join(
        f"(?P<l{number}>{shape})"
        for number, (name, shape) in shapes.items()
        if name in _AFTER_LETTER
    )
    return re.compile(rf"{_BEFORE_TIME}(?:{forms})|[A-Z](?:{lettered})".encode())


@cache
def window_pattern() -> re.Pattern[bytes]:
    """Finds a form in a window around a clock, in zeros for digits."""
    forms = "|".join(
        f"(?P<f{number}>{form.shape})" for number, form in enumerate(times.SEARCHED)
    )
    return re.compile(rf"{_DELIMITER}(?:{forms})".encode())


@cache
def _pattern() -> str:
    forms = "|".join(form.pattern for form in times.SEARCHED)
    return rf"(?:^|{_DELIMITER})(?P<time>{forms})"


@lru_cache(maxsize=10_000)
def _form_of(shape: bytes) -> int:
    for number, form in enumerate(times.SEARCHED):
        if re.fullmatch(form.shape.encode(), shape):
            return number
    return -1


def _epoch(word: bytes) -> float:
    """A number as seconds: without a point its length says the unit."""
    if word.isdigit():
        return int(word) / 10.0 ** (len(word) - _EPOCH_DIGITS)
    return float(word.replace(b",", b"."))
