"""Level and time of lines by general rules, in columns: where no format says them.

The rules are those of tocsin/formats/fallback.py. They look at the first 200 bytes of
the first line of an event. Nothing is kept: the answer depends on the line alone.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np

from processor import columns
from processor.columns import Column, Floats, Ints
from processor.times import to_seconds
from processor.zones import Zone
from tocsin.formats import fallback, header_ends, levels, times
from tocsin.formats.fallback import LEVEL_RULES, LevelRule, Place
from tocsin.values import Level

_NOWHERE = 1 << 30
# RE2 finds groups ten times as slowly in patterns of more than 500 instructions, so
# the rules of a place are tried in several passes; their answers are put together.
_FIELD_PASSES = (
    ("field-in-capitals", "field-in-brackets"),
    ("key-value", "letter-in-brackets", "postgres"),
    ("word-after-time", "letter-after-time", "word-in-column", "field-after-field"),
)
_ZEROS = bytes.maketrans(b"123456789", b"000000000")
# The longest beginning of a time that tells its form, and what may stand before it.
_SHAPE_BYTES = 32
_BEFORE_TIME = r"(?:<\d+>)?(?:[A-Z], ?)?[^0-9A-Za-z]{0,4}"
_AFTER_LETTER = ("compact-clock", "short-clock")  # glog, cockroach
_TIME_SEARCH_BYTES = 120


@dataclass(frozen=True, slots=True)
class Heads:
    """The beginnings of some lines; `rows` are their numbers in a reading."""

    rows: Ints
    texts: Column

    def only(self, chosen: Ints) -> Heads:
        """Some of them, by position."""
        return Heads(self.rows[chosen], columns.select(self.texts, chosen))


def heads_of(texts: Column, rows: Ints) -> Heads:
    """The beginnings of texts: of several lines the first."""
    texts = columns.head(texts, fallback.LOOK_AT_BYTES)
    if columns.contains_byte(texts, 0x0A):
        texts = columns.replace(texts, r"\n(?s:.*)", "")
    return Heads(rows, texts)


@dataclass(frozen=True, slots=True)
class _Pass:
    """Rules in one pattern; each group's rule."""

    pattern: str
    rules: tuple[LevelRule, ...]


def _pass(rules: Sequence[LevelRule]) -> _Pass:
    of_group: list[LevelRule] = []

    def numbered(rule: LevelRule) -> str:
        def group(_: re.Match[str]) -> str:
            of_group.append(rule)
            return f"(?P<g{len(of_group) - 1}>"

        return re.sub(r"\(\?P<\w+>", group, rule.pattern)

    pattern = "|".join([numbered(rule) for rule in rules])
    return _Pass(pattern, tuple(of_group))


@cache
def _passes(place: Place) -> tuple[_Pass, ...]:
    rules = {rule.name: rule for rule in LEVEL_RULES if rule.place is place}
    if place is not Place.FIELD:
        return (_pass(tuple(rules.values())),)
    return tuple(_pass([rules[name] for name in names]) for names in _FIELD_PASSES)


def find_levels(heads: Heads) -> tuple[Ints, np.ndarray]:
    """The level of each line, and where its text ends (0 where there is none)."""
    found = np.full(len(heads.rows), Level.UNKNOWN, np.uint8)
    ends = np.zeros(len(heads.rows), np.int64)
    left: Ints = np.arange(len(heads.rows))
    for place in Place:
        if len(left) == 0:
            break
        part = heads.only(left)
        level, end = _by_place(part, place)
        found[left], ends[left] = level, end
        left = left[level == Level.UNKNOWN]
    return ends, found


def _by_place(heads: Heads, place: Place) -> tuple[np.ndarray, Ints]:
    size = len(heads.rows)
    starts = np.full(size, _NOWHERE)
    ends = np.zeros(size, np.int64)
    found = np.full(size, Level.UNKNOWN, np.uint8)
    for trial in _passes(place):
        matched, spans = columns.extract_spans(heads.texts, trial.pattern)
        for group, rule in enumerate(trial.rules):
            start, length = spans[group] if len(matched) else (matched, matched)
            at = np.flatnonzero(length > 0)
            earlier = at[start[at] < starts[matched[at]]]
            if len(earlier) == 0:
                continue
            rows = matched[earlier]
            starts[rows] = start[earlier]
            ends[rows] = (start + length)[earlier]
            words = columns.slices(heads.texts, rows, starts[rows], ends[rows])
            if rule.in_message:
                ends[rows] = 0
            found[rows] = _levels(rule, words)
    if place is Place.REST:
        ends[:] = 0
    elif place is Place.FIELD:
        outside = _behind_sentence(heads, starts)
        found[outside], ends[outside] = Level.UNKNOWN, 0
    return found, ends


def _levels(rule: LevelRule, words: list[bytes]) -> list[Level]:
    return [_level(rule.name, word) for word in words]


@lru_cache(maxsize=10_000)
def _level(rule: str, word: bytes) -> Level:
    text = word.decode("latin-1").lower()
    known = _BY_NAME[rule].words.get(text)
    if known is not None:
        return known
    if rule == "crash":
        return Level.ERROR
    return levels.of_value(text)


_BY_NAME = {rule.name: rule for rule in LEVEL_RULES}


def _behind_sentence(
    heads: Heads, starts: Ints, sentence: str = fallback.SENTENCE
) -> Ints:
    """Which matches begin where the header is over already."""
    matched, spans = columns.extract_spans(heads.texts, sentence)
    if len(matched) == 0:
        return matched
    start, length = spans[0]
    after = (start + length <= starts[matched]) & (starts[matched] < _NOWHERE)
    doubtful = matched[after]
    if len(doubtful) == 0:
        return doubtful
    # Once more without what stands in brackets: thread names may be sentences.
    before = columns.column(
        columns.slices(heads.texts, doubtful, doubtful * 0, starts[doubtful])
    )
    before = columns.replace(before, r"[\[({<\"][^\[\](){}<>\"]*[\])}>\"]", "[]")
    return doubtful[columns.matches(before, sentence)]


def look_below(texts: Column, found: np.ndarray, rows: Ints) -> None:
    """Take the level from the second line of events whose first states none.

    `java.util.logging` writes it there, and a stack trace begins there.
    """
    if not columns.contains_byte(texts, 0x0A):
        return
    several = np.flatnonzero(columns.contains(texts, "\n"))
    whole = columns.to_list(columns.take(texts, several))
    below = columns.column([text.partition(b"\n")[2] for text in whole])
    heads = heads_of(below, rows[several])
    level, _ = _by_place(heads, Place.START)
    open_ = found[rows[several]] == Level.UNKNOWN
    found[rows[several[open_]]] = level[open_]


def messages(texts: Column, arrival: Floats, zone: Zone) -> Column:
    """Lines without their headers, as far as those are known by the rules."""
    heads = heads_of(texts, np.arange(len(texts)))
    ends, _ = find_levels(heads)
    seconds, starts = find_times(heads, arrival, zone)
    behind = np.where(np.isnan(seconds), 0, starts)
    told = (ends > 0) | ~np.isnan(seconds)
    rows = np.flatnonzero(told & (columns.first_bytes(texts) != ord("{")))
    if len(rows) == 0:
        return texts
    begins = np.maximum(ends, behind)[rows]
    first, last, _ = columns.layout(texts)
    rest = columns.column(columns.slices(texts, rows, begins, (last - first)[rows]))
    for pattern in (header_ends.TIME_END, header_ends.NAMES_END):
        _, groups = columns.extract(rest, pattern)
        rest = groups["message"]
    return columns.put(texts, rows, columns.to_list(rest))


def find_statuses(texts: Column) -> np.ndarray:
    """The levels of answers to HTTP requests, UNKNOWN for all other lines."""
    found = np.full(len(texts), Level.UNKNOWN, np.uint8)
    matched, groups = columns.extract(texts, fallback.ACCESS_STATUS)
    if len(matched):
        statuses = columns.to_list(groups["status"])
        found[matched] = [levels.of_status(s.decode()) for s in statuses]
    return found


def find_times(heads: Heads, arrival: Floats, zone: Zone) -> tuple[Floats, Ints]:
    """The time of each line, NaN where it states none, and where it begins.

    `arrival`: a row for each head.
    """
    size = len(heads.rows)
    seconds, starts = np.full(size, np.nan), np.full(size, _NOWHERE)
    left: Ints = np.arange(size)
    for find in (_times_at_start, _times_inside, _epochs):
        if len(left) == 0:
            break
        part = heads.only(left)
        at, begins = find(part, arrival[left], zone)
        seconds[left], starts[left] = at, begins
        left = left[np.isnan(at)]
    return seconds, starts


def _times_at_start(heads: Heads, arrival: Floats, zone: Zone) -> tuple[Floats, Ints]:
    """Times at the beginning: the form is told by its shape, each distinct one once."""
    size = len(heads.rows)
    seconds, starts = np.full(size, np.nan), np.full(size, _NOWHERE)
    shapes = columns.translate(columns.head(heads.texts, _SHAPE_BYTES), _ZEROS)
    which, distinct = columns.codes(shapes)
    told = np.array([_shape(text) for text in distinct]).reshape(-1, 2)[which]
    for number in np.unique(told[:, 0]):
        if number < 0:
            continue
        rows = np.flatnonzero(told[:, 0] == number)
        begins = told[rows, 1]
        texts = columns.select(heads.texts, rows)
        form = times.SEARCHED[number]
        seconds[rows] = to_seconds(texts, form, arrival[rows], zone, begins)
        starts[rows] = begins
    return seconds, starts


@lru_cache(maxsize=50_000)
def _shape(text: bytes) -> tuple[int, int]:
    """The number of the form that a beginning has, and where it begins; -1 for none."""
    found = _at_start().match(text)
    if found is None or found.lastgroup is None:
        return -1, 0
    return int(found.lastgroup[1:]), found.start(found.lastgroup)


@cache
def _at_start() -> re.Pattern[bytes]:
    forms = [
        rf"(?:{_BEFORE_TIME if form.name != 'klog' else '[A-Z]'}"
        rf"{'|[A-Z]' if form.name in _AFTER_LETTER else ''})(?P<f{number}>{form.shape})"
        for number, form in enumerate(times.SEARCHED)
    ]
    # The shape of `2026-03-14 09:21:07` may be cut within its fraction or zone.
    return re.compile("|".join(forms).encode(), re.DOTALL)


def _times_inside(heads: Heads, arrival: Floats, zone: Zone) -> tuple[Floats, Ints]:
    """Times behind other fields of the header."""
    size = len(heads.rows)
    seconds, starts = np.full(size, np.nan), np.full(size, _NOWHERE)
    texts = columns.head(heads.texts, _TIME_SEARCH_BYTES)
    digits = columns.translate(texts, _ZEROS)
    # Cheap, and next to no line without a time passes it.
    likely = np.flatnonzero(columns.matches(digits, r"00[:.]?00[:.]?00|0:00 |00:00"))
    if len(likely) == 0:
        return seconds, starts
    matched, spans = columns.extract_spans(
        columns.select(texts, likely), _inside_pattern()
    )
    rows = likely[matched]
    if len(rows) == 0:
        return seconds, starts
    begins, length = spans[0]
    starts[rows] = begins
    outside = np.isin(rows, _behind_sentence(heads, starts))
    words = columns.slices(texts, rows, begins, begins + length)
    forms = np.array([_form_of(word.translate(_ZEROS)) for word in words])
    forms[outside] = -1
    for number in np.unique(forms[forms >= 0]):
        at = np.flatnonzero(forms == number)
        written = columns.select(heads.texts, rows[at])
        seconds[rows[at]] = to_seconds(
            written, times.SEARCHED[number], arrival[rows[at]], zone, begins[at]
        )
    _prefer_epochs(heads, seconds, starts, rows, forms)
    return seconds, starts


def _prefer_epochs(
    heads: Heads, seconds: Floats, starts: Ints, rows: Ints, forms: Ints
) -> None:
    """Where the time leaves out the year and an epoch stands beside it, that counts."""
    vague = [k for k, form in enumerate(times.SEARCHED) if not form.has_year]
    doubtful = rows[np.isin(forms, vague)]
    if len(doubtful) == 0:
        return
    at, begins = _epochs(heads.only(doubtful), seconds[doubtful], None)
    stated = ~np.isnan(at)
    seconds[doubtful[stated]], starts[doubtful[stated]] = at[stated], begins[stated]


@cache
def _inside_pattern() -> str:
    forms = "|".join(form.pattern for form in times.SEARCHED)
    return rf"""(?:^|[\s\[\](){{}}<>|"'=,;:#@])(?P<time>{forms})"""


@lru_cache(maxsize=10_000)
def _form_of(shape: bytes) -> int:
    for number, form in enumerate(times.SEARCHED):
        if re.fullmatch(form.shape.encode(), shape):
            return number
    return -1


_EPOCH = (
    r"(?:^|[\s\[(<|,;:=@])(?P<epoch>1\d{9}(?:[.,]\d{1,9})?|1\d{12}|1\d{15}|1\d{18})"
    r"(?:[\s\[\]()<>|,;:]|$)"
)


def _epochs(heads: Heads, arrival: Floats, zone: Zone | None) -> tuple[Floats, Ints]:
    """Times as seconds, ms, µs or ns since 1970, between 2001 and 2033."""
    del arrival, zone
    size = len(heads.rows)
    seconds, starts = np.full(size, np.nan), np.full(size, _NOWHERE)
    texts = columns.head(heads.texts, _TIME_SEARCH_BYTES)
    matched, spans = columns.extract_spans(texts, _EPOCH)
    if len(matched) == 0:
        return seconds, starts
    begins, length = spans[0]
    starts[matched] = begins
    outside = np.isin(matched, _behind_sentence(heads, starts, fallback.LONG_SENTENCE))
    words = columns.slices(texts, matched, begins, begins + length)
    values = np.array([float(word.replace(b",", b".")) for word in words])
    scale = 10.0 ** np.array([max(len(w) - 10, 0) if w.isdigit() else 0 for w in words])
    seconds[matched] = np.where(outside, np.nan, values / scale)
    return seconds, starts
