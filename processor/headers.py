"""Level and time of lines by general rules, in columns: where no format says them.

The rules are those of tocsin/formats/fallback.py. They look at the first 200 bytes of
the first line of an event. Nothing is kept: the answer depends on the line alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np

from processor import columns
from processor.columns import Column, Ints
from processor.heads import NOWHERE, Heads, behind_sentence, heads_of
from tocsin.formats import fallback, header_ends, levels
from tocsin.formats.fallback import LEVEL_RULES, LevelRule, Place
from tocsin.values import Level

# RE2 finds groups ten times as slowly in patterns of more than 500 instructions, so
# the rules of a place are tried in several passes; their answers are put together.
_FIELD_PASSES = (
    ("field-in-capitals", "field-in-brackets"),
    ("key-value", "letter-in-brackets", "letter-behind-tag", "postgres"),
    ("word-after-time", "letter-after-time", "word-in-column", "field-after-field"),
    ("dotnet-after-time", "letter-telegraf", "letter-websphere"),
)


@dataclass(frozen=True, slots=True)
class Pass:
    """Rules in one pattern; each group's rule."""

    pattern: str
    rules: tuple[LevelRule, ...]


def _pass(rules: Sequence[LevelRule]) -> Pass:
    of_group: list[LevelRule] = []

    def numbered(rule: LevelRule) -> str:
        def group(_: re.Match[str]) -> str:
            of_group.append(rule)
            return f"(?P<g{len(of_group) - 1}>"

        return re.sub(r"\(\?P<\w+>", group, rule.pattern)

    pattern = "|".join([numbered(rule) for rule in rules])
    return Pass(pattern, tuple(of_group))


@cache
def passes(place: Place) -> tuple[Pass, ...]:
    """The rules of a place, as they are tried."""
    rules = {rule.name: rule for rule in LEVEL_RULES if rule.place is place}
    if place is Place.START:
        digit = rules.pop("glyph-redis")
        return _pass(tuple(rules.values())), _pass([digit])
    if place is Place.REST:
        return (_pass(tuple(rules.values())),)
    return tuple(_pass([rules[name] for name in names]) for names in _FIELD_PASSES)


def find_levels(
    heads: Heads, places: Iterable[Place] = Place
) -> tuple[Ints, np.ndarray]:
    """The level of each line, and where its text ends (0 where there is none)."""
    found = np.full(len(heads.rows), Level.UNKNOWN, np.uint8)
    ends = np.zeros(len(heads.rows), np.int64)
    left: Ints = np.arange(len(heads.rows))
    for place in places:
        if len(left) == 0:
            break
        part = heads.only(left)
        level, end = _by_place(part, place)
        found[left], ends[left] = level, end
        left = left[level == Level.UNKNOWN]
    return ends, found


@dataclass(frozen=True, slots=True)
class _Found:
    """The matches that begin first, so far; NOWHERE is the start of none."""

    starts: Ints
    ends: Ints
    levels: np.ndarray

    @classmethod
    def none(cls, size: int) -> _Found:
        unknown = np.full(size, Level.UNKNOWN, np.uint8)
        return cls(np.full(size, NOWHERE), np.zeros(size, np.int64), unknown)

    def forget(self, rows: Ints) -> None:
        self.levels[rows], self.ends[rows] = Level.UNKNOWN, 0


def _by_place(heads: Heads, place: Place) -> tuple[np.ndarray, Ints]:
    found = _Found.none(len(heads.rows))
    if place is Place.START:
        # Of these rules one only begins with a digit: the usual line is of no other.
        first = columns.first_bytes(heads.texts)
        digit = (first >= ord("0")) & (first <= ord("9"))
        for trial, rows in zip(
            passes(place), (np.flatnonzero(~digit), np.flatnonzero(digit)), strict=True
        ):
            _match(heads.texts, rows, trial, found)
        return found.levels, found.ends
    texts = heads.texts
    for trial in passes(place):
        _match(texts, np.arange(len(heads.rows)), trial, found)
        # What follows can win only where it begins before: it need not look further.
        texts = _cut(texts, found)
    if place is Place.REST:
        found.ends[:] = 0
    else:
        before = Heads(heads.rows, texts)
        for sentence in (fallback.SENTENCE, fallback.PLAIN_WORD):
            found.forget(behind_sentence(before, found.starts, sentence))
    return found.levels, found.ends


def _cut(texts: Column, found: _Found) -> Column:
    rows = np.flatnonzero(found.starts < NOWHERE)
    if len(rows) * 2 < len(texts):
        return texts
    starts, ends, _ = columns.layout(texts)
    until = np.minimum(ends - starts, np.where(found.ends > 0, found.ends, NOWHERE) + 2)
    every = np.arange(len(texts))
    return columns.column(columns.slices(texts, every, every * 0, until))


def _match(texts: Column, rows: Ints, trial: Pass, found: _Found) -> None:
    """Match the rules of a pass; what begins earlier than what was found counts."""
    if len(rows) == 0:
        return
    matched, spans = columns.extract_few_spans(
        columns.select(texts, rows), trial.pattern
    )
    matched = rows[matched]
    for (start, length), rule in zip(spans, trial.rules, strict=False):
        at = np.flatnonzero(length > 0)
        earlier = at[start[at] < found.starts[matched[at]]]
        if len(earlier) == 0:
            continue
        hit = matched[earlier]
        found.starts[hit] = start[earlier]
        found.ends[hit] = (start + length)[earlier]
        words = columns.slices(texts, hit, found.starts[hit], found.ends[hit])
        found.levels[hit] = _levels(rule, words)
        if rule.in_message:
            found.ends[hit] = 0


def _levels(rule: LevelRule, words: list[bytes]) -> list[Level]:
    return [level_by_rule(rule.name, word) for word in words]


@lru_cache(maxsize=10_000)
def level_by_rule(rule: str, word: bytes) -> Level:
    """The level that a text means where a rule has found it."""
    text = word.decode("latin-1").lower()
    known = _BY_NAME[rule].words.get(text)
    if known is not None:
        return known
    if rule == "crash":
        return Level.ERROR
    if rule == "answer-django":
        return Level.WARN
    return levels.of_value(text)


def level_of_group(name: str, text: bytes) -> Level:
    """The level that the group `level`, `pri` or `status` of a format says."""
    return _READERS[name](text.decode("latin-1"))


_READERS: dict[str, Callable[[str], Level]] = {
    "level": levels.of_value,
    "pri": levels.of_pri,
    "status": levels.of_status,
}
_ANY_STATUS = "|".join(fallback.ACCESS_STATUSES).replace("(?P<status>", "(?:")
_BY_NAME = {rule.name: rule for rule in LEVEL_RULES}


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


def messages(texts: Column, begins: Ints) -> Column:
    """Lines without their headers; `begins`: where their level ends or time begins."""
    rows = np.flatnonzero((begins >= 0) & (columns.first_bytes(texts) != ord("{")))
    if len(rows) == 0:
        return texts
    begins = begins[rows]
    first, last, _ = columns.layout(texts)
    rest = columns.column(columns.slices(texts, rows, begins, (last - first)[rows]))
    timeless = columns.extract(rest, header_ends.TIME_END)[1]["message"]
    nameless = columns.extract(timeless, header_ends.NAMES_END)[1]["message"]
    # Where all of it reads as header, the last of it is the message.
    parts = map(columns.to_list, (nameless, timeless, columns.take(texts, rows)))
    best = [x.strip() or y.strip() or z for x, y, z in zip(*parts, strict=True)]
    return columns.put(texts, rows, best)


def find_statuses(texts: Column) -> np.ndarray:
    """The levels of answers to HTTP requests, UNKNOWN for all other lines."""
    found = np.full(len(texts), Level.UNKNOWN, np.uint8)
    # Most lines are of none: to ask for all patterns at once is one pass.
    likely = np.flatnonzero(columns.matches(texts, _ANY_STATUS))
    if len(likely) == 0:
        return found
    texts = columns.select(texts, likely)
    for pattern in fallback.ACCESS_STATUSES:
        matched, groups = columns.extract_few(texts, pattern)
        if len(matched):
            statuses = columns.to_list(groups["status"])
            found[likely[matched]] = [levels.of_status(s.decode()) for s in statuses]
    return found
