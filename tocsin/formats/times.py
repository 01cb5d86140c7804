"""The written forms of time, as data.

A form's `layout` says where the parts stand: YYYY year, mm month, bbb month's name, dd
day, HH MM SS; any other character is a separator that is not looked at. What follows
the layout may be a fraction (`.` or `,` and digits) and a zone (`Z`, an offset or a
name, after a blank or not). Patterns avoid ambiguity between the zone and what follows
the time: RE2 matches them in one pass then, which is eight times faster.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

_CLOCK = r"\d\d:\d\d:\d\d"
_FRACTION = r"(?:[.,]\d{1,9})?"
_OFFSET = r"(?:Z|[+-]\d\d:?\d\d)"


@dataclass(frozen=True, slots=True)
class TimeForm:
    """One way to write a time; `epoch` forms are numbers and have no layout."""

    name: str
    pattern: str
    layout: str
    example: str


FORMS: tuple[TimeForm, ...] = (
    TimeForm(
        "iso-zone",
        rf"\d{{4}}-\d\d-\d\d[T ]{_CLOCK}{_FRACTION} (?:[+-]\d\d:?\d\d|[A-Z]{{3,4}})",
        "YYYY-mm-dd HH:MM:SS",
        "2026-03-14 09:21:07.482 +0100",
    ),
    TimeForm(
        "iso",
        rf"\d{{4}}-\d\d-\d\d[T ]{_CLOCK}{_FRACTION}{_OFFSET}?",
        "YYYY-mm-dd HH:MM:SS",
        "2026-03-14T09:21:07.482Z",
    ),
    TimeForm(
        "slashes",
        rf"\d{{4}}[/.]\d\d[/.]\d\d[ T]{_CLOCK}{_FRACTION}",
        "YYYY/mm/dd HH:MM:SS",
        "2026/03/14 09:21:07",
    ),
    TimeForm(
        "clf",
        rf"\d\d/[A-Z][a-z]{{2}}/\d{{4}}:{_CLOCK} [+-]\d{{4}}",
        "dd/bbb/YYYY:HH:MM:SS",
        "14/Mar/2026:09:21:07 +0000",
    ),
    TimeForm(
        "syslog",
        rf"[A-Z][a-z]{{2}} [ \d]\d {_CLOCK}(?:\.\d{{1,9}})?",
        "bbb dd HH:MM:SS",
        "Mar  4 09:21:07",
    ),
    TimeForm(
        "klog", rf"\d{{4}} {_CLOCK}\.\d{{1,9}}", "mmdd HH:MM:SS", "0314 09:21:07.482193"
    ),
    TimeForm("epoch", r"\d{10,19}(?:\.\d{1,9})?", "", "1773480067.482"),
)

BY_NAME: Mapping[str, TimeForm] = {form.name: form for form in FORMS}

MONTHS = (
    *("jan", "feb", "mar", "apr", "may", "jun"),
    *("jul", "aug", "sep", "oct", "nov", "dec"),
)

ZONE_HOURS: Mapping[str, float] = {
    "UTC": 0,
    "GMT": 0,
    "WET": 0,
    "WEST": 1,
    "BST": 1,
    "CET": 1,
    "CEST": 2,
    "EET": 2,
    "EEST": 3,
    "MSK": 3,
    "JST": 9,
    "KST": 9,
    "EST": -5,
    "EDT": -4,
    "CST": -6,
    "CDT": -5,
    "MST": -7,
    "MDT": -6,
    "PST": -8,
    "PDT": -7,
    "AEST": 10,
    "AEDT": 11,
    "NZST": 12,
    "NZDT": 13,
}
"""Zone names that loggers write, as hours east of UTC.

Where a name is ambiguous (CST, BST), it is what the C library's and PostgreSQL's
default set take it for.
"""
