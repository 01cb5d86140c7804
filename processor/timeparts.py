"""Written times whose parts vary in width, one by one.

Such forms are rare, and lines of one second share their time: each is read once.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tocsin.formats import times
from tocsin.formats.times import TimeForm

NO_PARTS: tuple[float, ...] = (0, 0, 0, 0, 0, 0, 0)
_CENTURY, _MONTHS_A_YEAR, _HALF_DAY = 2000, 12, 12
_MONTHS = {name: k + 1 for k, name in enumerate(times.MONTHS)}
_LAST_HOUR, _LAST_MINUTE, _LEAP_SECOND = 23, 59, 60


def cut(form: TimeForm, text: bytes) -> bytes:
    """The time that a text begins with."""
    found = re.match(form.pattern.encode(), text)
    return text[: found.end()] if found else b""


@lru_cache(maxsize=20_000)
def read_parts(form_name: str, text: bytes) -> tuple[float, ...] | None:
    """Year, month, day, second of the day, fraction, offset, whether that is known.

    The year is -1 where it is left out. None: it is no time.
    """
    form = times.BY_NAME[form_name]
    found = re.match(form.parts, text.decode("latin-1"))
    if found is None:
        return None
    part = found.groupdict()
    year = int(part.get("YYYY") or -1)
    if part.get("yy"):
        year = _CENTURY + int(part["yy"])
    month, day = _month_and_day(part, day_first=form.day_first)
    hour, minute, second = (int(part.get(name) or 0) for name in ("HH", "MM", "SS"))
    half = (part.get("half") or "").lower()
    if half and 0 < hour <= _HALF_DAY:  # some write 13 PM
        hour = hour % _HALF_DAY + (_HALF_DAY if half == "p" else 0)
    if hour > _LAST_HOUR or minute > _LAST_MINUTE or second > _LEAP_SECOND:
        return None
    digits, mark = part.get("f") or "", part.get("mark")
    # After a colon stand thousandths, also where their zeros are left out.
    scale = 1000 if mark == ":" and len(digits) <= len("999") else 10 ** len(digits)
    fraction = int(digits) / scale if digits else 0.0
    of_day = hour * 3600 + minute * 60 + second
    zone = (part.get("zone") or "").strip()
    if "/" in zone:
        known, offset = _offset_at(zone, (year, month, day), of_day)
    else:
        known, offset = _zone_of(zone)
    return year, month, day, of_day, fraction, offset, known


def _month_and_day(part: Mapping[str, str], *, day_first: bool) -> tuple[int, int]:
    if "first" not in part:
        day = int(part["dd"])
        name = part.get("bbb")
        return (_MONTHS.get(name.lower(), 0) if name else int(part["mm"])), day
    first, second = int(part["first"]), int(part["second"])
    if first > _MONTHS_A_YEAR or (day_first and second <= _MONTHS_A_YEAR):
        return second, first
    return first, second


def _offset_at(
    zone: str, date: tuple[int, int, int], of_day: int
) -> tuple[bool, float]:
    """The offset of a zone with an IANA name, as of PHP, at a wall-clock time."""
    place = _place(zone)
    try:
        wall = datetime(*date, tzinfo=place) + timedelta(seconds=of_day)
    except (ValueError, OverflowError):
        return False, 0.0
    offset = wall.utcoffset()
    return offset is not None, offset.total_seconds() if offset else 0.0


@lru_cache(maxsize=1000)
def _place(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def _zone_of(name: str) -> tuple[bool, float]:
    if name == "Z":
        return True, 0.0
    if name in times.ZONE_HOURS:
        return True, times.ZONE_HOURS[name] * 3600
    if numeric := re.fullmatch(r"([+-])(\d\d):?(\d\d)", name):
        seconds = int(numeric[2]) * 3600 + int(numeric[3]) * 60
        return True, -seconds if numeric[1] == "-" else seconds
    return False, 0.0
