"""Written times to Unix seconds, in columns.

No time is parsed line by line: a form's layout says at which positions the digits
stand, so a column of a form is a few dozen operations on arrays of numbers.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from processor.columns import (
    Bools,
    Column,
    Floats,
    Ints,
    Text,
    codes,
    extract,
    head,
    select,
    slices,
    to_list,
    zeroed,
)
from processor.timeparts import NO_PARTS, cut, read_parts
from processor.zones import Zone
from tocsin.formats import times
from tocsin.formats.times import TimeForm

DAY_S = 86_400.0
_DAYS = np.array([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
_MONTHS = {name.encode(): k + 1 for k, name in enumerate(times.MONTHS)}
_ZONES = {int.from_bytes(k.encode()): v for k, v in times.ZONE_HOURS.items()}
_LAST_YEAR = 9999
_CENTURY = 2000
_PARTS = ("YYYY", "yy", "mm", "dd", "HH", "MM", "SS", "ffffff")
_WINDOW = 48
# A longer text is no time; of more shapes than this each costs more than it saves.
_LONGEST, _MANY_SHAPES = 64, 256
# Any order gives the same answer: the whole text has to be of the form.
_BY_FREQUENCY = sorted(
    (*times.SEARCHED, times.EPOCH), key=lambda form: form.name != "iso"
)


def to_seconds(
    values: Column,
    form: TimeForm,
    arrival: Floats,
    zone: Zone,
    begins: Ints | None = None,
) -> Floats:
    """Read times of one form as Unix seconds; NaN where it is no time.

    `arrival` (Unix seconds, for each row) stands in for a year that is left out: it
    is the latest year in which the time is not after arrival + 1 day. `begins` is
    where in each row the time begins; other text may follow it then.
    """
    if len(values) == 0:
        return np.zeros(0)
    if form.parts:
        return _by_parts(values, form, arrival, zone, begins)
    if not form.layout:
        return _epoch(values)
    text = Text(values)
    if begins is not None:
        text.starts = text.starts + begins
    return seconds_of(text, form, arrival, zone)


def seconds_of(text: Text, form: TimeForm, arrival: Floats, zone: Zone) -> Floats:
    """As `to_seconds`, of a form with a layout; the time begins where the rows do."""
    with np.errstate(invalid="ignore"):
        return _seconds(form.layout, text, arrival, zone)


def of_any_form(values: Column, arrival: Floats, zone: Zone) -> Floats:
    """Read a column of times whose form is not known, such as JSON's `time`."""
    found = _of_plain_forms(values, arrival, zone)
    left: Ints = np.flatnonzero(np.isnan(found))
    for form in _BY_FREQUENCY:
        if len(left) == 0:
            break
        matched, groups = extract(select(values, left), f"^(?P<time>{form.pattern})$")
        if len(matched):
            rows = left[matched]
            found[rows] = to_seconds(groups["time"], form, arrival[rows], zone)
            left = np.delete(left, matched)
    return found


def _of_plain_forms(values: Column, arrival: Floats, zone: Zone) -> Floats:
    """Read the times whose form their shape tells, NaN for the others."""
    found = np.full(len(values), np.nan)
    which, distinct = codes(zeroed(head(values, _LONGEST)))
    if len(distinct) > _MANY_SHAPES:
        return found
    numbers = np.array([_plain_form(shape) for shape in distinct], np.int64)[which]
    text = Text(values)
    for number in np.unique(numbers[numbers >= 0]).tolist():
        rows = np.flatnonzero(numbers == number)
        part, form = text.part(rows), _BY_FREQUENCY[number]
        found[rows] = seconds_of(part, form, arrival[rows], zone)
    return found


@lru_cache(maxsize=10_000)
def _plain_form(shape: bytes) -> int:
    """The number of the form that all times of a shape have; -1 where digits decide."""
    for number, form in enumerate(_BY_FREQUENCY):
        if len(shape) < _LONGEST and re.fullmatch(form.shape.encode(), shape):
            is_plain = form.layout and form.shape == form.pattern
            return number if is_plain else -1
    return -1


def of_numbers(values: Floats) -> Floats:
    """Epoch numbers as seconds; their magnitude says s, ms, µs or ns."""
    with np.errstate(invalid="ignore"):
        size = np.abs(values)
        scale = np.select(
            [size < 1e11, size < 1e14, size < 1e17], [1.0, 1e3, 1e6], default=1e9
        )
    return np.asarray(values / scale)


def _epoch(values: Column) -> Floats:
    return of_numbers(np.array([float(value) for value in to_list(values)]))


@dataclass(frozen=True, slots=True)
class _Civil:
    """Date and time of day as columns."""

    month: Ints
    day: Ints
    of_day: Ints

    def seconds(self, year: Ints) -> Floats:
        """Wall-clock seconds since 1970; NaN for a day that the year does not have."""
        leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
        month = np.clip(self.month, 1, 12)
        last = _DAYS[month - 1] + ((month == 2) & leap)
        valid = (self.month == month) & (self.day >= 1) & (self.day <= last)
        valid &= (year >= 1) & (year <= _LAST_YEAR)
        days = _days_from_civil(year, month, self.day)
        return np.where(valid, days * DAY_S + self.of_day, np.nan)


def _days_from_civil(year: Ints, month: Ints, day: Ints) -> Ints:
    """Days since 1970 in the Gregorian calendar, with years that begin in March."""
    y = year - (month <= 2)
    era = y // 400
    of_era = y - era * 400
    of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    return np.asarray(
        era * 146_097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719_468
    )


def _seconds(layout: str, text: Text, arrival: Floats, zone: Zone) -> Floats:
    fraction, known, offset = _Layout(layout, text).rest()
    wall, which = _wall(layout, text, arrival, zone)
    utc = wall.copy()
    stated = np.flatnonzero(~np.isnan(wall))
    utc[stated] = zone.to_utc(wall[stated])
    if not known.any():
        return np.asarray(utc[which] + fraction)
    return np.where(known, wall[which] - offset, utc[which]) + fraction


def _wall(
    layout: str, text: Text, arrival: Floats, zone: Zone
) -> tuple[Floats, Ints | slice]:
    """Wall-clock times, and which of them each row states.

    Most lines are of the same second as the line before: each is read once.
    """
    size = len(text.starts)
    runs = text.runs(len(layout))
    few = len(runs) * 4 < size and not (text.ends - text.starts < len(layout)).any()
    if few:
        first, until = text.part(runs), np.append(runs[1:], size)
        which = np.repeat(np.arange(len(runs)), until - runs)
        earliest = np.minimum.reduceat(arrival, runs)
        found = _Layout(layout, first).wall(earliest, zone)
        if "YY" in layout.upper():
            return found, which
        # The year that is left out is that of arrival: it may change within a run.
        latest = np.maximum.reduceat(arrival, runs)
        last = _Layout(layout, first).wall(latest, zone)
        if np.array_equal(found, last, equal_nan=True):
            return found, which
    return _Layout(layout, text).wall(arrival, zone), slice(None)


class _Layout:
    """Reads the parts of a layout out of a column's characters."""

    def __init__(self, layout: str, text: Text) -> None:
        self._layout = layout
        self._text = text
        self._valid: Bools = text.ends - text.starts >= len(layout)

    def wall(self, arrival: Floats, zone: Zone) -> Floats:
        """The wall-clock time that the layout states, NaN where that is none."""
        digits = self._digits()
        hour, minute, second = (digits[part] for part in ("HH", "MM", "SS"))
        # Second 60 is a leap second: the first of the next minute.
        self._valid &= (hour < 24) & (minute < 60) & (second <= 60)
        month = digits["mm"] if "mm" in digits else self._month()
        of_day = hour * 3600 + minute * 60 + second
        civil = _Civil(month, digits["dd"], of_day)
        if "yy" in digits:
            found = civil.seconds(_CENTURY + digits["yy"])
        elif "YYYY" in digits:
            found = civil.seconds(digits["YYYY"])
        else:
            found = _latest_year(civil, arrival, zone)
        if "ffffff" in digits:
            found = found + digits["ffffff"] / 1e6
        found[~self._valid] = np.nan
        return found

    def rest(self) -> tuple[Floats, Bools, Floats]:
        """The fraction behind the layout, whether a zone is stated, and its offset."""
        fraction, at = self._fraction(self._text.starts + len(self._layout))
        return fraction, *self._zone(at)

    def _digits(self) -> dict[str, Ints]:
        """The numbers of the layout, all gathered in one step."""
        parts = [part for part in _PARTS if part in self._layout]
        at = [self._layout.index(p) + k for p in parts for k in range(len(p))]
        gathered = self._text.at(self._text.starts + np.array(at)[:, None])
        gathered -= np.uint8(48)
        # `Mar  4` has a blank in the place of the ten.
        gathered[gathered == np.uint8(240)] = 0
        self._valid &= (gathered <= 9).all(axis=0)
        numbers = {}
        rows = iter(gathered.astype(np.int64))
        for part in parts:
            number = next(rows)
            for _ in part[1:]:
                number = number * 10 + next(rows)
            numbers[part] = number
        return numbers

    def _month(self) -> Ints:
        at = self._text.starts + self._layout.index("bbb")
        packed = np.zeros(len(at), np.int64)
        for k in range(3):
            packed = packed << 8 | (self._text.at(at + k) | 0x20)
        return _month_numbers(packed)

    def _is_digit(self, at: Ints) -> Bools:
        byte = self._text.at(at)
        return self._text.inside(at) & (byte >= 48) & (byte <= 57)

    def _fraction(self, at: Ints) -> tuple[Floats, Ints]:
        """The fraction of a second, and where what follows it begins."""
        mark = self._text.at(at)
        running = self._text.inside(at) & ((mark == 46) | (mark == 44) | (mark == 58))
        running &= self._is_digit(at + 1)
        at = at + running
        fraction = np.zeros(len(at))
        scale = 1.0
        while running.any():
            scale /= 10
            digit = self._text.at(at).astype(np.int64) - 48
            running &= self._is_digit(at)
            fraction += np.where(running, digit * scale, 0.0)
            at = at + running
        return fraction, at

    def _zone(self, at: Ints) -> tuple[Bools, Floats]:
        """Whether a zone is stated, and its seconds east of UTC."""
        offset = np.zeros(len(at))
        if not self._text.inside(at).any():
            return np.zeros(len(at), np.bool_), offset
        at = at + (self._text.inside(at) & (self._text.at(at) == 32))
        stated = self._text.inside(at)
        sign = self._text.at(at)
        known = stated & (sign == 90) & ~self._is_letter(at + 1)
        numeric = stated & ((sign == 43) | (sign == 45))
        numeric &= self._is_digit(at + 1) & self._is_digit(at + 2)
        minutes = at + 3 + (self._text.at(at + 3) == 58)
        numeric &= self._is_digit(minutes) & self._is_digit(minutes + 1)
        numeric &= ~self._is_digit(minutes + 2)
        if numeric.any():
            offset = np.where(numeric, self._offset(at + 1, minutes, sign), 0.0)
        self._named(at, stated & ~known & ~numeric, known, offset)
        return known | numeric, offset

    def _offset(self, at: Ints, minutes: Ints, sign: np.ndarray) -> Floats:
        def two(position: Ints) -> Ints:
            tens, ones = (
                self._text.at(position + k).astype(np.int64) - 48 for k in (0, 1)
            )
            return np.asarray(tens * 10 + ones)

        seconds = two(at) * 3600 + two(minutes) * 60
        return np.where(sign == 45, -seconds, seconds).astype(np.float64)

    def _is_letter(self, at: Ints) -> Bools:
        byte = self._text.at(at)
        letter = (byte | 0x20 >= 97) & (byte | 0x20 <= 122)
        return self._text.inside(at) & letter

    def _named(self, at: Ints, stated: Bools, known: Bools, offset: Floats) -> None:
        """Zones by name: two to four capitals, each distinct one looked up once."""
        rows = np.flatnonzero(stated & self._is_letter(at) & self._is_letter(at + 1))
        if len(rows) == 0:
            return
        packed = np.zeros(len(rows), np.int64)
        running = np.ones(len(rows), np.bool_)
        for k in range(5):
            running = running & self._is_letter(at + k)[rows]
            byte = self._text.at(at[rows] + k)
            packed = np.where(running, packed << 8 | byte, packed)
        for name, hours in _ZONES.items():
            hit = rows[packed == name]
            known[hit] = True
            offset[hit] = hours * 3600


def _month_numbers(packed: Ints) -> Ints:
    month = np.zeros(len(packed), np.int64)
    for name, number in _MONTHS.items():
        month[packed == int.from_bytes(name)] = number
    return month


def _by_parts(
    values: Column, form: TimeForm, arrival: Floats, zone: Zone, begins: Ints | None
) -> Floats:
    """Read times whose parts vary in width: each distinct one once.

    Such forms are rare, and lines of one second share their time.
    """
    rows: Ints = np.arange(len(values))
    if begins is not None:
        written = slices(values, rows, begins, begins + _WINDOW)
        texts = [cut(form, text) for text in written]
    else:
        texts = to_list(values)
    parts = [read_parts(form.name, text) for text in texts]
    table = np.array([part or NO_PARTS for part in parts], np.float64).reshape(
        -1, len(NO_PARTS)
    )
    year, month, day, of_day, fraction, offset, known = table.T
    civil = _Civil(*(x.astype(np.int64) for x in (month, day, of_day)))
    with np.errstate(invalid="ignore"):
        wall = civil.seconds(year.astype(np.int64))
        vague = np.flatnonzero(year < 0)
        wall[vague] = _latest_year(
            _Civil(civil.month[vague], civil.day[vague], civil.of_day[vague]),
            arrival[vague],
            zone,
        )
    utc = wall - offset
    missing = np.flatnonzero((known == 0) & ~np.isnan(wall))
    utc[missing] = zone.to_utc(wall[missing])
    utc[np.array([part is None for part in parts], np.bool_)] = np.nan
    return np.asarray(utc + fraction)


def _latest_year(civil: _Civil, arrival: Floats, zone: Zone) -> Floats:
    """The wall-clock time in the latest year that is not after arrival + 1 day."""
    if zone.year is not None:
        return civil.seconds(np.full(len(arrival), zone.year))
    limit = arrival + DAY_S
    first = (limit // DAY_S).astype("datetime64[D]").astype("datetime64[Y]")
    year = first.astype(np.int64) + 1970 + 1
    found = np.full(len(limit), np.nan)
    # Nine years back hold a 29 February, and one more where 100 skips one.
    for back in range(10):
        left = np.flatnonzero(np.isnan(found))
        if len(left) == 0:
            break
        part = _Civil(civil.month[left], civil.day[left], civil.of_day[left])
        wall = part.seconds(year[left] - back)
        fits = ~np.isnan(wall)
        fits[fits] = zone.to_utc(wall[fits]) <= limit[left][fits]
        found[left[fits]] = wall[fits]
    return found
