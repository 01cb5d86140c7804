"""What lines say: format, level and time of each, in columns.

The answer for a line depends on the line alone (and on its arrival, where it leaves
out the year). A hint says only which format to try first: with it goes every earlier
format that the registry says might match the same line, so the outcome is always that
of trying all formats in the registry's order.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from processor import (
    columns,
    headers,
    headertimes,
    jsonlines,
    ownformats,
    verdicts,
)
from processor.alike import Alike, Told, shapes_of
from processor.columns import Column, Floats, Ints
from processor.envelopes import unwrap
from processor.headertimes import find_times
from processor.heads import heads_of
from processor.ownformats import OwnFormat
from processor.times import seconds_of, to_seconds
from processor.verdicts import OPEN, READ, REST
from processor.zones import Zone
from tocsin.formats import times
from tocsin.formats.catalogue import FORMATS
from tocsin.formats.fallback import Place
from tocsin.formats.format import Decoder, Format
from tocsin.values import Level

NO_FORMAT = verdicts.NO_FORMAT
MAX_LINE_BYTES = 65_536
_ANSI = r"\x1b\[[0-9;?]*[A-Za-z]"
_BEFORE = r"^(?:\xef\xbb\xbf)?[ \t\r]+|^\xef\xbb\xbf"
_MAY_BE_STRIPPED = np.isin(np.arange(256), (0x20, 0x09, 0x0D, 0xEF))
_NUMBER = {format_.name: number for number, format_ in enumerate(FORMATS)}


@dataclass(frozen=True, slots=True)
class Reading:
    """What lines say, one row a line.

    `formats`: numbers in the registry, or NO_FORMAT. `levels`: values of Level.
    `seconds`: Unix seconds that the line states, NaN where it states none. `begins`:
    of a line of no format, where its level ends or its time begins, -1 without either.
    `services`: what lines name as their service, as it stands there; `service_of` is
    each row's number in it, -1 where it names none.
    """

    lines: Column
    formats: Ints
    levels: npt.NDArray[np.uint8]
    seconds: Floats
    begins: Ints
    services: list[bytes]
    service_of: Ints


class Recogniser:
    """Reads lines; `zone` is for times that state none.

    `own` formats are tried before those of the registry; their numbers follow.

    Raises:
        ConfigError: one of them is no pattern that runs in linear time.
    """

    def __init__(
        self,
        zone: Zone,
        own: Sequence[OwnFormat] = (),
        *,
        alike: Alike | None = None,
    ) -> None:
        self._zone = zone
        self._alike = alike or Alike()
        self._own = tuple(own)
        for format_ in self._own:
            format_.check()

    def name(self, number: int) -> str | None:
        """The name of a format by its number; None for NO_FORMAT."""
        if number == NO_FORMAT:
            return None
        own = number - len(FORMATS)
        return FORMATS[number].name if own < 0 else self._own[own].name

    def read(
        self,
        values: Sequence[bytes] | Column,
        *,
        arrival: Floats,
        hints: Ints | None = None,
    ) -> Reading:
        """Read a batch; `hints` are format numbers, or NO_FORMAT."""
        size = len(values)
        lines = clean(values)
        shapes = shapes_of(lines)
        unwrapped = unwrap(lines, shapes.distinct, arrival, self._zone)
        if unwrapped.lines is not lines:
            shapes = shapes_of(unwrapped.lines)
        reading = Reading(
            lines=unwrapped.lines,
            formats=np.full(size, NO_FORMAT, np.int64),
            levels=np.full(size, Level.UNKNOWN, np.uint8),
            seconds=np.full(size, np.nan),
            begins=np.full(size, -1),
            services=[],
            service_of=np.full(size, -1),
        )
        work = _Work(reading, arrival, self._zone)
        told = self._alike.of(unwrapped.lines, shapes)
        left = work.read_alike(self._read_own(work), told)
        if hints is not None:
            left = self._read_hinted(work, left, hints)
        left = work.try_all(left)
        self._fall_back(work, left)
        outer = np.isnan(reading.seconds)
        reading.seconds[outer] = unwrapped.seconds[outer]
        return reading

    def messages(self, reading: Reading, rows: Ints) -> Column:
        """The messages of some rows: their lines without the headers."""
        texts: list[bytes] = [b""] * len(rows)
        formats = reading.formats[rows]
        for number in np.unique(formats):
            at = np.flatnonzero(formats == number)
            lines = columns.select(reading.lines, rows[at])
            if number == NO_FORMAT:
                part = headers.messages(lines, reading.begins[rows[at]])
            elif number >= len(FORMATS):
                own = self._own[number - len(FORMATS)]
                part = ownformats.messages(own, lines)
            else:
                part = messages_of(lines, FORMATS[number])
            for row, text in zip(at.tolist(), columns.to_list(part), strict=True):
                texts[row] = text
        return columns.column(texts)

    def _read_own(self, work: _Work) -> Ints:
        left: Ints = np.arange(len(work.reading.lines))
        for number, own in enumerate(self._own, len(FORMATS)):
            left = work.try_own(number, own, left)
        return left

    def _read_hinted(self, work: _Work, rows: Ints, hints: Ints) -> Ints:
        missed = [rows[hints[rows] == NO_FORMAT]]
        for hint in np.unique(hints[rows]):
            if hint == NO_FORMAT:
                continue
            left = rows[hints[rows] == hint]
            for number in _trials(int(hint)):
                left = work.try_format(number, left, likely=number == hint)
            missed.append(left)
        return np.sort(np.concatenate(missed))

    def _fall_back(self, work: _Work, rows: Ints) -> None:
        formats = work.reading.formats
        silent = [number for number, f in enumerate(FORMATS) if f.body_level]
        timeless = [number for number, f in enumerate(FORMATS) if f.time_anywhere]
        unsaid = np.isnan(work.reading.seconds) & np.isin(formats, timeless)
        unsaid |= work.needs_time
        unsaid[rows] = True
        work.find_times(np.flatnonzero(unsaid))
        unsaid = np.isin(formats, silent) & ~work.is_told
        unsaid |= work.needs_level
        unsaid[rows] = True
        work.find_levels(np.flatnonzero(unsaid))
        work.find_levels(np.flatnonzero(work.needs_rest), (Place.REST,))
        answers = [number for number, f in enumerate(FORMATS) if f.status_level]
        unsaid = np.isin(formats, answers) & (work.reading.levels == Level.UNKNOWN)
        work.find_statuses(np.flatnonzero(unsaid))


@cache
def _trials(hint: int) -> tuple[int, ...]:
    """The formats to try for a hint, in the registry's order.

    Also those before a format before it: a line that is not of the hint's format at
    all may still be of both.
    """
    earlier = (_trials(_NUMBER[name]) for name in FORMATS[hint].after)
    return tuple(sorted({hint}.union(*earlier)))


def clean(values: Sequence[bytes] | Column) -> Column:
    """Lines without colours, byte order mark and leading blanks, of bounded length."""
    lines, _ = columns.bounded(values, MAX_LINE_BYTES)
    if columns.contains_byte(lines, 0x1B):
        lines = columns.replace(lines, _ANSI, "")
    if _MAY_BE_STRIPPED[columns.first_bytes(lines)].any():
        lines = columns.replace(lines, _BEFORE, "")
    return lines


def messages_of(part: Column, format_: Format) -> Column:
    """The messages of lines of one format."""
    if format_.decoder is Decoder.JSON:
        return jsonlines.messages(columns.to_list(part))
    left = np.arange(len(part))
    found: dict[int, bytes] = {}
    for pattern in format_.message_patterns:
        matched, groups = columns.extract(columns.select(part, left), pattern)
        if len(matched) == len(part):
            return groups["message"]
        if len(matched):
            texts = columns.to_list(groups["message"])
            found.update(zip(left[matched].tolist(), texts, strict=True))
            left = np.delete(left, matched)
    whole = columns.to_list(part)
    return columns.column([found.get(row, text) for row, text in enumerate(whole)])


class _Work:
    """Fills a reading, rows by rows."""

    def __init__(self, reading: Reading, arrival: Floats, zone: Zone) -> None:
        self.reading = reading
        self._arrival = arrival
        self._zone = zone
        self._first = columns.first_bytes(reading.lines)
        size = len(self._first)
        self.is_told = np.zeros(size, np.bool_)
        self.needs_time = np.zeros(size, np.bool_)
        self.needs_level = np.zeros(size, np.bool_)
        self.needs_rest = np.zeros(size, np.bool_)

    def read_alike(self, rows: Ints, told: Told) -> Ints:
        """Read what the shapes of lines tell; the rows of which that is no format."""
        if len(rows) == 0:
            return rows
        told = told.only(rows)
        seconds = self._seconds_of(told, rows)
        # What is no time after all may be no line of the format either.
        settled = told.of("format") >= NO_FORMAT
        settled &= ~(np.isnan(seconds) & (told.of("form") >= 0))
        at: Ints | slice = slice(None)
        if not settled.all():
            at = np.flatnonzero(settled)
        hit, reading = rows[at], self.reading
        level = told.of("level", at)
        reading.formats[hit] = told.of("format", at)
        reading.seconds[hit] = seconds[at]
        reading.begins[hit] = told.of("text", at)
        reading.levels[hit] = np.where(level >= 0, level, Level.UNKNOWN)
        if (told.distinct("level") == READ).any():
            self._read_words(told, rows, np.flatnonzero(settled)[level == READ])
        self.is_told[hit] = True
        self.needs_level[hit] = level == OPEN
        self.needs_rest[hit] = level == REST
        self.needs_time[hit] = told.of("form", at) == OPEN
        return rows[~settled]

    def _seconds_of(self, told: Told, rows: Ints) -> Floats:
        seconds = np.full(len(rows), np.nan)
        form_of, arrival = told.distinct("form"), self._arrival[rows]
        if (form_of < 0).all():
            return seconds
        lines, text = self.reading.lines, columns.Text(self.reading.lines)
        for number in np.unique(form_of[form_of >= 0]).tolist():
            form, at = times.FORMS[number], np.flatnonzero(told.of("form") == number)
            begins = told.of("time", at)
            if form.layout:
                ends = told.of("time_end", at)
                ends[ends == 0] = MAX_LINE_BYTES
                part = text.part(rows[at]).narrow(begins, ends)
                found = seconds_of(part, form, arrival[at], self._zone)
            else:
                part_of = columns.select(lines, rows[at])
                found = to_seconds(part_of, form, arrival[at], self._zone, begins)
            seconds[at] = found
        return seconds

    def _read_words(self, told: Told, rows: Ints, at: Ints) -> None:
        """Levels that digits of the lines say."""
        formats = told.of("format", at)
        for number in np.unique(formats).tolist():
            own = at[formats == number]
            starts, ends = told.of("word", own), told.of("word_end", own)
            words = columns.pieces(self.reading.lines, rows[own], starts, ends)
            name = "pri" if "<pri>" in FORMATS[number].head else "status"
            self.reading.levels[rows[own]] = _levels_of({name: words})

    def try_all(self, rows: Ints) -> Ints:
        """Read the rows that are of any format; the others.

        A format that begins with a time is tried where a time of its family stands.
        """
        if len(rows) == 0:
            return rows
        families = np.full(len(self._first), -1)
        begins = np.zeros(len(self._first), np.int64)
        texts = columns.select(self.reading.lines, rows)
        families[rows], begins[rows] = headertimes.families(texts)
        for number in range(len(FORMATS)):
            opening = _opening(number)
            if opening is None:
                rows = self.try_format(number, rows)
                continue
            family, at = opening
            fits = (families[rows] == family) & (begins[rows] == at)
            if fits.any():
                self.try_format(number, rows[fits])
                rows = self._unread(rows)
        return rows

    def _unread(self, rows: Ints) -> Ints:
        left: Ints = rows[self.reading.formats[rows] == NO_FORMAT]
        return left

    def try_own(self, number: int, own: OwnFormat, rows: Ints) -> Ints:
        """Read the rows that are of a format of the configuration; the others."""
        if len(rows) == 0:
            return rows
        lines = columns.select(self.reading.lines, rows)
        found = ownformats.read(own, lines, self._arrival[rows], self._zone)
        hit = rows[found.rows]
        if len(hit) == 0:
            return rows
        self.reading.formats[hit] = number
        # What its pattern does not say, the general rules may find.
        if not found.states_level:
            self.find_levels(hit)
        else:
            self.reading.levels[hit] = found.levels
        if not found.states_time:
            self.find_times(hit)
        else:
            self.reading.seconds[hit] = found.seconds
        if found.services is not None:
            which, services = columns.codes(found.services)
            self.reading.service_of[hit] = which + len(self.reading.services)
            self.reading.services.extend(services)
        return self._others(rows, number)

    def try_format(self, number: int, rows: Ints, *, likely: bool = False) -> Ints:
        """Read the rows that are of a format; the others. `likely`: most are."""
        if len(rows) == 0:
            return rows
        format_ = FORMATS[number]
        if format_.decoder is Decoder.JSON:
            return self._try_json(number, rows)
        tried = rows[_lead_table(number)[self._first[rows]]]
        if len(tried) == 0:
            return rows
        lines = columns.select(self.reading.lines, tried)
        extract = columns.extract if likely else columns.extract_few
        matched, groups = extract(lines, _with_group(format_.head_pattern))
        if len(matched) == 0:
            return rows
        hit = tried[matched]
        self.reading.formats[hit] = number
        self._take_groups(hit, groups, format_.time_form)
        if format_.fields:
            self._read_fields(format_, hit, columns.select(lines, matched))
        return self._others(rows, number)

    def _others(self, rows: Ints, number: int) -> Ints:
        others: Ints = rows[self.reading.formats[rows] != number]
        return others

    def find_levels(self, rows: Ints, places: Iterable[Place] = Place) -> None:
        """Find levels by the rules for lines whose header states none."""
        if len(rows) == 0:
            return
        texts = columns.select(self.reading.lines, rows)
        ends, found = headers.find_levels(heads_of(texts, rows), places)
        ends[ends == 0] = -1
        self.reading.begins[rows] = np.maximum(self.reading.begins[rows], ends)
        left = np.flatnonzero(found == Level.UNKNOWN)
        if len(left):
            left_texts = columns.select(texts, left)
            found[left] = headers.find_statuses(left_texts)
            headers.look_below(left_texts, found, left)
        self.reading.levels[rows] = found

    def find_statuses(self, rows: Ints) -> None:
        """Find the levels of answers to HTTP requests."""
        if len(rows):
            texts = columns.select(self.reading.lines, rows)
            self.reading.levels[rows] = headers.find_statuses(texts)

    def find_times(self, rows: Ints) -> None:
        """Find times in lines that no format matches."""
        if len(rows) == 0:
            return
        heads = heads_of(columns.select(self.reading.lines, rows), rows)
        found, starts = find_times(heads, self._arrival[rows], self._zone)
        self.reading.seconds[rows] = found
        starts[np.isnan(found)] = -1
        self.reading.begins[rows] = np.maximum(self.reading.begins[rows], starts)

    def _try_json(self, number: int, rows: Ints) -> Ints:
        lines = self.reading.lines
        looks = rows[self._first[rows] == ord("{")]
        if len(looks) == 0:
            return rows
        values = columns.to_list(columns.select(lines, looks))
        found = jsonlines.read(values, self._arrival[looks], self._zone)
        hit = looks[found.decoded]
        self.reading.formats[hit] = number
        self.reading.levels[hit] = found.levels[found.decoded]
        self.reading.seconds[hit] = found.seconds[found.decoded]
        return self._others(rows, number)

    def _read_fields(self, format_: Format, rows: Ints, lines: Column) -> None:
        for pattern, form in format_.field_patterns:
            done = ~np.isnan(self.reading.seconds[rows]) if form else None
            left = np.arange(len(rows)) if done is None else np.flatnonzero(~done)
            if len(left) == 0:
                continue
            matched, groups = columns.extract(columns.select(lines, left), pattern)
            if len(matched):
                self._take_groups(rows[left[matched]], groups, form)

    def _take_groups(self, rows: Ints, groups: Mapping[str, Column], form: str) -> None:
        if "time" in groups:
            self._set_times(rows, groups["time"], form)
        if groups.keys() - {"time", "all"}:
            self.reading.levels[rows] = _levels_of(groups)

    def _set_times(self, rows: Ints, written: Column, form: str) -> None:
        self.reading.seconds[rows] = to_seconds(
            written, times.BY_NAME[form], self._arrival[rows], self._zone
        )


@cache
def _opening(number: int) -> tuple[int, int] | None:
    """The family of the time that a format begins with, and where; None for others."""
    found = re.match(r"\^(\\\[)?%\{time:([a-z-]+)\}", FORMATS[number].head)
    if found is None:
        return None
    family = times.BY_NAME[found[2]].family
    return headertimes.FAMILIES[family], len(found[1] or "") // 2


@cache
def _lead_table(number: int) -> npt.NDArray[np.bool_]:
    """For each byte whether a line of a format can begin with it."""
    lead = FORMATS[number].lead
    return np.array([lead is None or byte in lead for byte in range(256)])


def _with_group(pattern: str) -> str:
    """The pattern with a group at least, as the kernel demands."""
    return pattern if "(?P<" in pattern else f"(?P<all>{pattern})"


def _levels_of(groups: Mapping[str, Column]) -> npt.NDArray[np.uint8]:
    """The levels of a group `level`, `pri` or `status`: each distinct text once."""
    name = next(name for name in ("level", "pri", "status") if name in groups)
    which, texts = columns.codes(groups[name])
    distinct = [headers.level_of_group(name, raw) for raw in texts]
    return np.array(distinct, np.uint8)[which]
