r"""What all lines that begin alike have in common, told by their shape.

A shape is the beginning of a line with zeros for its digits. Formats, levels and the
place of a time depend on how a line begins, seldom on which digits stand there. So they
are read off the shape, once, where no line of that shape can be read otherwise:

- A format counts if its pattern matches the shape, and no earlier one could match a
  line that begins so (partial matches of the module `regex` tell that).
- A level that a rule finds counts if enough follows it in the shape: no rule matches
  further than a few bytes behind its level.
- Where digits decide (`level=40`, `DEBUG1`), nothing is told.

The rest stays open, and is read from the line itself. So shapes change the speed only.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import Any, NamedTuple

import regex

from processor import headers, headertimes
from processor.headertimes import ZEROS
from tocsin.formats import fallback, times
from tocsin.formats.catalogue import FORMATS
from tocsin.formats.fallback import LEVEL_RULES, LevelRule, Place
from tocsin.formats.format import Decoder
from tocsin.values import Level

NO_FORMAT, NO_TIME = -1, -1
OPEN = -2
"""Not told by the shape; a longer one may tell it."""
HOPELESS = -3
"""Not told by any shape."""
READ = -4
"""The level is what the digits at `word` say."""
REST = -5
"""The header says no level, but the rules for the rest of a line may find one."""

FORM_NUMBER = {form.name: number for number, form in enumerate(times.FORMS)}
_SEARCHED = [FORM_NUMBER[form.name] for form in times.SEARCHED]
# How much of a line tells what stands before it: rules look at less behind a level, a
# sentence or a time.
_BEHIND_LEVEL, _BEHIND_TIME = 16, 12
_AFTER_TIME = "word-after-time"
# Shapes differ in what is behind the header: which formats they may be of is asked once
# for all that begin alike.
_STEM_BYTES, _STEMS = 32, 10_000
_PRINTABLE = re.compile(rb"[\t\x20-\x7e]*")
_DIGITS_DECIDE = re.compile(
    rb"(?i)debug0|(?:level|lvl|severity|levelname)[\"']?\s*[=:]\s*[\"']?0"
)
_EPOCH = b"0000000000"
_SHORTEST_TIME = 14
_SENTENCES = tuple(
    re.compile(pattern.encode()) for pattern in (fallback.SENTENCE, fallback.PLAIN_WORD)
)
_LONG_SENTENCE = re.compile(fallback.LONG_SENTENCE.encode())
_BRACKETED = re.compile(fallback.BRACKETED.encode())
_OPENER = re.compile(rb"[\[({<\"]")


class Verdict(NamedTuple):
    """What is known of the lines of a shape.

    `format`: a number in the registry, NO_FORMAT, OPEN or HOPELESS. `level`: a value of
    Level, OPEN, READ or REST; `word`, `word_end`: where its text is. `form`: the time's
    number in times.FORMS, NO_TIME or OPEN; `time`, `time_end`: where it is, 0 as its
    end where what follows may belong to it. `text`: as Reading.begins.
    """

    format: int
    level: int = OPEN
    word: int = 0
    word_end: int = 0
    form: int = OPEN
    time: int = 0
    time_end: int = 0
    text: int = -1


NOTHING = Verdict(OPEN)
_NEVER = Verdict(HOPELESS)


class _Word(NamedTuple):
    """A level and where its text is; `text`: where what follows it begins, or -1.

    `clock`: the level counts only if a time stands there, or -1.
    """

    level: int
    start: int = 0
    end: int = 0
    text: int = -1
    clock: int = -1

    def behind(self, form: int, time: int) -> _Word:
        """The same if there is a time where it needs one."""
        size = len(times.FORMS[form].layout) or _SHORTEST_TIME
        if self.clock < 0 or (form >= 0 and time <= self.clock < time + size):
            return self
        return _Word(OPEN)


class _Hit(NamedTuple):
    """What a rule for fields found: where its match and the level in it are."""

    rule: LevelRule
    at: int
    start: int
    end: int


def judge(shape: bytes, *, is_cut: bool) -> Verdict:
    """Tell what is common to all lines of a shape; `is_cut`: they go on behind it."""
    if _PRINTABLE.fullmatch(shape) is None or _DIGITS_DECIDE.search(shape):
        return _NEVER
    for number in _possible(shape[:_STEM_BYTES]):
        if FORMATS[number].decoder is Decoder.JSON:
            return _NEVER
        found = _head(number).match(shape, partial=is_cut)
        if found is not None and found.partial:
            return NOTHING
        if found is not None:
            return _of_format(number, found, shape, is_cut=is_cut)
    return _general(shape, is_cut=is_cut)


@lru_cache(maxsize=_STEMS)
def _possible(stem: bytes) -> tuple[int, ...]:
    """The formats that a line may be of that begins so: what no end of it can match."""
    possible = []
    for number, format_ in enumerate(FORMATS):
        if format_.decoder is Decoder.JSON:
            may_be = stem.startswith(b"{")
        elif format_.lead is not None and stem[:1] not in _leads(number):
            may_be = False
        else:
            may_be = _head(number).match(stem, partial=True) is not None
        if may_be:
            possible.append(number)
    return tuple(possible)


@cache
def _leads(number: int) -> frozenset[bytes]:
    """What a shape of a format begins with; an empty one may yet begin so."""
    lead = FORMATS[number].lead or frozenset()
    return frozenset({b"", *(bytes([byte]).translate(ZEROS) for byte in lead)})


@cache
def _head(number: int) -> Any:
    return regex.compile(times.without_limits(FORMATS[number].head_pattern).encode())


@cache
def _start_rules() -> list[tuple[LevelRule, Any]]:
    rules = [rule for rule in LEVEL_RULES if rule.place is Place.START]
    return [(rule, regex.compile(rule.pattern.encode())) for rule in rules]


@cache
def _field_passes() -> list[tuple[re.Pattern[bytes], tuple[LevelRule, ...]]]:
    return [
        (re.compile(each.pattern.encode()), each.rules)
        for each in headers.passes(Place.FIELD)
    ]


def _of_format(number: int, found: Any, shape: bytes, *, is_cut: bool) -> Verdict:
    format_ = FORMATS[number]
    groups = found.groupdict()
    if format_.fields:
        return _of_fields(number, shape, is_cut=is_cut)
    if not groups.get("time"):
        return _NEVER
    if format_.body_level:
        word = _level(shape, is_cut=is_cut)
    elif "level" in groups:
        word = _Word(headers.level_of_group("level", groups["level"]))
    else:
        name = "pri" if "pri" in groups else "status"
        word = _Word(READ, *found.span(name))
    form = FORM_NUMBER[format_.time_form]
    start, end = found.span("time")
    word = word.behind(form, start)
    return Verdict(
        number, word.level, word.start, word.end, form, start, end, word.text
    )


def _of_fields(number: int, shape: bytes, *, is_cut: bool) -> Verdict:
    """Level and time of a format that has them in fields, in any order."""
    verdict = Verdict(number)
    for (pattern, form), field in zip(
        FORMATS[number].field_patterns, _fields(number), strict=True
    ):
        found = field.search(shape)
        name = "time" if "<time>" in pattern else "level"
        if found is None or (is_cut and found.end() + _BEHIND_TIME > len(shape)):
            # Of several forms of time the first counts, wherever it stands.
            return NOTHING if is_cut else _NEVER
        if name == "level":
            level = headers.level_of_group(name, found[name])
            verdict = verdict._replace(level=level)
        else:
            start, end = found.span(name)
            return verdict._replace(form=FORM_NUMBER[form], time=start, time_end=end)
    return _NEVER


@cache
def _fields(number: int) -> list[re.Pattern[bytes]]:
    return [
        re.compile(times.without_limits(pattern).encode())
        for pattern, _ in FORMATS[number].field_patterns
    ]


def _general(shape: bytes, *, is_cut: bool) -> Verdict:
    word = _level(shape, is_cut=is_cut)
    form, time = _time(shape, is_cut=is_cut)
    word = word.behind(form, time)
    text = max(word.text, time if form >= 0 else -1)
    return Verdict(NO_FORMAT, word.level, word.start, word.end, form, time, 0, text)


def _level(shape: bytes, *, is_cut: bool) -> _Word:
    """The level by the general rules."""
    for rule, pattern in _start_rules():
        found = pattern.match(shape, partial=is_cut)
        if found is not None:
            whole = not found.partial
            return _told(rule, shape, *found.span("level")) if whole else _Word(OPEN)
    hit = _first_field(shape)
    if hit is None or _is_over(shape, hit.start):
        return _Word(REST if _says_none(shape, hit, is_cut=is_cut) else OPEN)
    if is_cut and not _goes_on(shape, hit.end):
        return _Word(OPEN)
    word = _told(hit.rule, shape, hit.start, hit.end)
    return word._replace(clock=hit.at) if hit.rule.name == _AFTER_TIME else word


def _told(rule: LevelRule, shape: bytes, start: int, end: int) -> _Word:
    word = shape[start:end]
    level = Level.UNKNOWN if b"0" in word else headers.level_by_rule(rule.name, word)
    if level is Level.UNKNOWN:
        return _Word(OPEN)
    return _Word(level, start, end, -1 if rule.in_message else end)


def _first_field(shape: bytes) -> _Hit | None:
    """Of the rules for fields that whose level begins first."""
    best: _Hit | None = None
    text = shape
    for pattern, rules in _field_passes():
        found = pattern.search(text)
        spans = zip(rules, found.regs[1:], strict=True) if found else ()
        for rule, (start, end) in spans:
            if found and end > start and (best is None or start < best.start):
                best = _Hit(rule, found.start(), start, end)
        if best:
            text = text[: best.end + 2]
    return best


def _goes_on(shape: bytes, end: int) -> bool:
    """Whether the shape has all that rules may look at behind a place."""
    behind = shape[end : end + _BEHIND_LEVEL]
    return len(behind) == _BEHIND_LEVEL and not behind[2:].isspace()


def _is_over(shape: bytes, start: int) -> bool:
    """Whether the header is over before a place: a sentence stands there."""
    for sentence in _SENTENCES:
        found = sentence.search(shape)
        if found and found.end("words") <= start:
            before = _BRACKETED.sub(b"[]", shape[:start])
            if sentence.search(before):
                return True
    return False


def _end_of(sentence: re.Pattern[bytes], shape: bytes) -> int:
    """Where a sentence ends that no bracket can enclose, or -1."""
    found = sentence.search(shape)
    if found is None:
        return -1
    before = shape[: found.end()]
    if _OPENER.search(_BRACKETED.sub(b"", before)):
        return -1
    return found.end() if sentence.search(_BRACKETED.sub(b"[]", before)) else -1


def _says_none(shape: bytes, hit: _Hit | None, *, is_cut: bool) -> bool:
    """Whether no rule for fields can find a level, however the lines go on."""
    if not is_cut:
        return True
    ends = [_end_of(sentence, shape) for sentence in _SENTENCES]
    return any(
        end > 0 and _goes_on(shape, end) and (hit is None or hit.start >= end)
        for end in ends
    )


def _time(shape: bytes, *, is_cut: bool) -> tuple[int, int]:
    """The form of the time by the general rules, and where it begins."""
    number, begins = headertimes.at_start(shape[: headertimes.SHAPE_BYTES])
    if number >= 0:
        return _SEARCHED[number], begins
    until = len(shape)
    if is_cut:
        until = _end_of(_LONG_SENTENCE, shape)
        if not _goes_on(shape, until):
            until = -1
    clock = shape.find(headertimes.CLOCK.encode())
    if until >= 0 and not _may_have_time(shape[: until + _BEHIND_LEVEL]):
        return NO_TIME, 0
    if clock < 0:
        return OPEN, 0
    start = max(clock - headertimes.BEFORE_CLOCK, 0)
    window = shape[start : clock + headertimes.BEHIND_CLOCK]
    found = headertimes.window_pattern().search(window if start else b" " + window)
    if found is None or found.lastgroup is None:
        return OPEN, 0
    number = int(found.lastgroup[1:])
    shift = start - (start == 0)
    begins = found.start(found.lastgroup) + shift
    surely = not is_cut or found.end() + shift + _BEHIND_TIME <= len(shape)
    if not surely or number in headertimes.VAGUE or _is_over(shape, begins):
        return OPEN, 0
    return _SEARCHED[number], begins


def _may_have_time(shape: bytes) -> bool:
    clocks = (headertimes.CLOCK, *headertimes.OTHER_CLOCKS)
    return _EPOCH in shape or any(clock.encode() in shape for clock in clocks)
