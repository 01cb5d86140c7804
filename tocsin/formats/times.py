"""The written forms of time, as data.

A form's `layout` says where the parts stand: YYYY year, yy year of this century, mm
month, bbb month's name, dd day, HH MM SS, ffffff microseconds; any other character is
a separator that is not looked at. What follows the layout may be a fraction (`.`, `,`
or `:` and digits) and a zone (`Z`, an offset or a name, after a blank or not). A form
whose parts vary in width has `parts` instead: a pattern with groups.

Patterns avoid ambiguity between the zone and what follows the time: RE2 matches them in
one pass then, which is eight times faster.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

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
    "SAST": 2,
    "MSK": 3,
    "IST": 5.5,
    "SGT": 8,
    "HKT": 8,
    "AWST": 8,
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
    "AKST": -9,
    "AKDT": -8,
    "HST": -10,
    "BRT": -3,
    "AEST": 10,
    "AEDT": 11,
    "NZST": 12,
    "NZDT": 13,
}
"""Zone names that loggers write, as hours east of UTC.

Where a name is ambiguous (CST, BST, IST), it is what most machines that write it mean.
"""

_CLOCK = r"\d\d:\d\d:\d\d"
_FRACTION = r"(?:[.,]\d{1,9})?"
_ANY_FRACTION = r"(?:[.,:]\d{1,9})?"
_OFFSET = r"(?:Z|[+-]\d\d:?\d\d)"
_NAMED = rf"(?:{'|'.join(ZONE_HOURS)})"
ZONE = rf"(?: ?(?:Z\b|[+-]\d\d:?\d\d|{_NAMED}\b))?"
_MONTH = "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
_LONG_MONTH = (
    "(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?"
    "|Sep(?:t|tember)?|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)"
)
_MM = "(?:0[1-9]|1[0-2])"
_DD = "(?:0[1-9]|[12][0-9]|3[01])"
_COMPACT_CLOCK = "(?:[01][0-9]|2[0-3])[0-5][0-9][0-5][0-9]"

_CENTURY = r"(?:19|20)\d\d"
_LIMITED = (
    (_MM, r"\d\d"),
    (_DD, r"\d\d"),
    (_COMPACT_CLOCK, r"\d{6}"),
    (_CENTURY, r"\d{4}"),
)

_FAMILY = 3

_P_CLOCK = r"(?P<HH>\d{1,2}):(?P<MM>\d{1,2})(?::(?P<SS>\d{1,2}))?"
_P_REST = (
    r"(?:(?P<mark>[.,:])(?P<f>\d{1,9}))?(?: ?(?P<half>[AaPp])\.?[Mm]\.?)?(?P<zone>.*)$"
)


@dataclass(frozen=True, slots=True)
class TimeForm:
    """One way to write a time.

    `epoch` forms are numbers and have neither `layout` nor `parts`. `at` is what the
    example says in UTC. `day_first`: of two numbers that can both be the month, the
    first is the day; the only one that can be decides otherwise.
    """

    name: str
    pattern: str
    layout: str
    example: str
    at: str = ""
    parts: str = ""
    day_first: bool = False

    @property
    def shape(self) -> str:
        """The pattern without limits to the digits: what it matches has the shape."""
        return without_limits(self.pattern)

    @property
    def family(self) -> str:
        """How it begins; a time of one family is not of another."""
        kinds = (
            "0" if c.isdigit() else "a" if c.isalpha() else c for c in self.example
        )
        return "".join(kinds)[:_FAMILY]

    @property
    def has_year(self) -> bool:
        """Whether it states the year."""
        if self.parts:
            return "<YYYY>" in self.parts
        return not self.layout or "YY" in self.layout.upper()


def without_limits(pattern: str) -> str:
    """A pattern with forms of time that matches whatever digits stand there."""
    for limited, free in _LIMITED:
        pattern = pattern.replace(limited, free)
    return pattern


FORMS: tuple[TimeForm, ...] = (
    TimeForm(
        "iso-zone",
        rf"\d{{4}}-\d\d-\d\d[T ]{_CLOCK}{_FRACTION} (?:[+-]\d\d:?\d\d|{_NAMED}\b)",
        "YYYY-mm-dd HH:MM:SS",
        "2026-03-14 10:21:07.482 +0100",
        "2026-03-14T09:21:07.482Z",
    ),
    TimeForm(
        "iso",
        rf"\d{{4}}-\d\d-\d\d[T ]{_CLOCK}{_FRACTION}{_OFFSET}?",
        "YYYY-mm-dd HH:MM:SS",
        "2026-03-14T09:21:07.482Z",
        "2026-03-14T09:21:07.482Z",
    ),
    TimeForm(
        "slashes",
        rf"\d{{4}}[/.]\d\d[/.]\d\d[ T]{_CLOCK}{_FRACTION}",
        "YYYY/mm/dd HH:MM:SS",
        "2026/03/14 09:21:07",
        "2026-03-14T09:21:07Z",
    ),
    TimeForm(
        "clf",
        rf"\d\d/{_MONTH}/\d{{4}}[: ]{_CLOCK}{_FRACTION}(?: [+-]\d{{4}})?",
        "dd/bbb/YYYY:HH:MM:SS",
        "14/Mar/2026:10:21:07 +0100",
        "2026-03-14T09:21:07Z",
    ),
    TimeForm(
        "ctime",
        rf"{_MONTH} [ \d]\d {_CLOCK} \d{{4}}\b",
        "bbb dd HH:MM:SS YYYY",
        "Mar  4 09:21:07 2026",
        "2026-03-04T09:21:07Z",
    ),
    TimeForm(
        "ctime-micros",
        rf"{_MONTH} [ \d]\d {_CLOCK}\.\d{{6}} \d{{4}}\b",
        "bbb dd HH:MM:SS.ffffff YYYY",
        "Mar 14 09:21:07.482193 2026",
        "2026-03-14T09:21:07.482193Z",
    ),
    TimeForm(
        "syslog",
        rf"{_MONTH} [ \d]\d {_CLOCK}(?:\.\d{{1,9}})?",
        "bbb dd HH:MM:SS",
        "Mar  4 09:21:07",
        "2026-03-04T09:21:07Z",
    ),
    TimeForm(
        "klog",
        rf"{_MM}{_DD} {_CLOCK}(?:\.\d{{1,9}})?",
        "mmdd HH:MM:SS",
        "0314 09:21:07.482193",
        "2026-03-14T09:21:07.482193Z",
    ),
    TimeForm(
        "epoch",
        r"\d{10,19}(?:\.\d{1,9})?",
        "",
        "1773480067.482",
        "2026-03-14T09:21:07.482Z",
    ),
    # Rarer forms, of which a line's time is found by searching.
    TimeForm(
        "half-days",
        rf"\d{{4}}[-/.]\d{{1,2}}[-/.]\d{{1,2}},?[T ]+\d{{1,2}}:\d\d:\d\d{_FRACTION}"
        r" ?[AaPp]\.?[Mm]\b",
        "",
        "2026-03-14 01:21:07 PM",
        "2026-03-14T13:21:07Z",
        rf"^(?P<YYYY>\d{{4}}).(?P<mm>\d{{1,2}}).(?P<dd>\d{{1,2}}),?[T ]+{_P_CLOCK}"
        rf"{_P_REST}",
    ),
    TimeForm(
        "iso-pairs",
        rf"\d{{4}}-\d\d-\d\d time={_CLOCK}",
        "YYYY-mm-dd _____HH:MM:SS",
        "2026-03-14 time=09:21:07",
        "2026-03-14T09:21:07Z",
    ),
    TimeForm(
        "iso-underscore",
        rf"\d{{4}}-\d\d-\d\d_{_CLOCK}{_FRACTION}{ZONE}",
        "YYYY-mm-dd_HH:MM:SS",
        "2026-03-14_09:21:07.48219",
        "2026-03-14T09:21:07.48219Z",
    ),
    TimeForm(
        "dots",
        r"\d{4}-\d\d-\d\d[- ]\d\d\.\d\d\.\d\d(?:\.\d{1,9})?",
        "YYYY-mm-dd-HH.MM.SS",
        "2026-03-14-09.21.07.482193",
        "2026-03-14T09:21:07.482193Z",
    ),
    TimeForm(
        "year-first",
        r"\d{4}[/.]\d\d[/.]\d\d[- T_]\d\d[:.]\d\d[:.]\d\d"
        rf"{_ANY_FRACTION}{ZONE}",
        "YYYY/mm/dd-HH:MM:SS",
        "2026.03.14-09.21.07:482",
        "2026-03-14T09:21:07.482Z",
    ),
    TimeForm(
        "iso-loose",
        rf"\d{{4}}[-/]\d{{1,2}}[-/]\d{{1,2}},?[T ]+\d{{1,2}}:\d\d:\d\d{_ANY_FRACTION}"
        rf"{ZONE}",
        "",
        "2026-3-14  9:21:07",
        "2026-03-14T09:21:07Z",
        rf"^(?P<YYYY>\d{{4}}).(?P<mm>\d{{1,2}}).(?P<dd>\d{{1,2}}),?[T ]+{_P_CLOCK}"
        rf"{_P_REST}",
    ),
    TimeForm(
        "iso-minute",
        rf"\d{{4}}-\d\d-\d\d[T ]\d\d:\d\d{ZONE}",
        "",
        "2026-03-14T09:21Z",
        "2026-03-14T09:21:00Z",
        rf"^(?P<YYYY>\d{{4}})-(?P<mm>\d\d)-(?P<dd>\d\d)[T ]{_P_CLOCK}{_P_REST}",
    ),
    TimeForm(
        "compact-clock",
        rf"{_CENTURY}{_MM}{_DD}[- T_]{_CLOCK}{_ANY_FRACTION}{ZONE}",
        "YYYYmmdd-HH:MM:SS",
        "20260314-09:21:07:482",
        "2026-03-14T09:21:07.482Z",
    ),
    TimeForm(
        "compact-clock-loose",
        rf"{_CENTURY}{_MM}{_DD}[- T_]\d{{1,2}}:\d{{1,2}}:\d{{1,2}}{_ANY_FRACTION}",
        "",
        "20260314-9:1:7:48",
        "2026-03-14T09:01:07.048Z",
        rf"^(?P<YYYY>\d{{4}})(?P<mm>\d\d)(?P<dd>\d\d).{_P_CLOCK}{_P_REST}",
    ),
    TimeForm(
        "compact",
        rf"{_CENTURY}{_MM}{_DD}[- T_:]{_COMPACT_CLOCK}(?:[.,]\d{{1,9}})?"
        r"(?:Z|[+-]\d\d:?\d\d)?\b",
        "YYYYmmdd-HHMMSS",
        "20260314T092107Z",
        "2026-03-14T09:21:07Z",
    ),
    TimeForm(
        "digits",
        rf"{_CENTURY}{_MM}{_DD}{_COMPACT_CLOCK}(?:\.\d{{1,9}})?\b",
        "YYYYmmddHHMMSS",
        "20260314092107",
        "2026-03-14T09:21:07Z",
    ),
    TimeForm(
        "short-clock",
        rf"\d\d{_MM}{_DD} [ \d]\d:\d\d:\d\d{_FRACTION}",
        "yymmdd HH:MM:SS",
        "260314  9:21:07",
        "2026-03-14T09:21:07Z",
    ),
    TimeForm(
        "short",
        rf"\d\d{_MM}{_DD} {_COMPACT_CLOCK}\b",
        "yymmdd HHMMSS",
        "260314 092107",
        "2026-03-14T09:21:07Z",
    ),
    TimeForm(
        "month-day-compact",
        rf"{_MM}{_DD}/{_COMPACT_CLOCK}(?:\.\d{{1,9}})?\b",
        "mmdd/HHMMSS",
        "0314/092107.482193",
        "2026-03-14T09:21:07.482193Z",
    ),
    TimeForm(
        "websphere",
        rf"\d{{1,2}}/\d{{1,2}}/\d\d \d{{1,2}}:\d\d:\d\d:\d{{3}}{ZONE}",
        "",
        "3/14/26 9:21:07:482 UTC",
        "2026-03-14T09:21:07.482Z",
        r"^(?P<first>\d{1,2})/(?P<second>\d{1,2})/(?P<yy>\d\d) "
        rf"{_P_CLOCK}{_P_REST}",
    ),
    TimeForm(
        "short-slashes",
        rf"\d\d/\d\d/\d\d {_CLOCK}{_FRACTION}",
        "yy/mm/dd HH:MM:SS",
        "26/03/14 09:21:07",
        "2026-03-14T09:21:07Z",
    ),
    TimeForm(
        "day-month",
        rf"\d\d[- ]{_MONTH}[- ]\d{{4}} {_CLOCK}{_FRACTION}{ZONE}",
        "dd-bbb-YYYY HH:MM:SS",
        "14-Mar-2026 09:21:07.482",
        "2026-03-14T09:21:07.482Z",
    ),
    TimeForm(
        "day-month-place",
        rf"\d\d-{_MONTH}-\d{{4}} {_CLOCK} [A-Z][a-z]{{2,}}/[A-Za-z_/]*",
        "",
        "14-Mar-2026 10:21:07 Europe/Berlin",
        "2026-03-14T09:21:07Z",
        rf"^(?P<dd>\d\d).(?P<bbb>[A-Za-z]{{3}}).(?P<YYYY>\d{{4}}) {_P_CLOCK}{_P_REST}",
    ),
    TimeForm(
        "day-month-name",
        rf"\d{{1,2}}[- /.](?i:{_LONG_MONTH})[- /.]\d{{4}}(?:::|[ :T]|, )"
        rf"\d{{1,2}}[:.]\d\d[:.]\d\d{_ANY_FRACTION}(?: ?[AaPp][Mm])?{ZONE}",
        "",
        "14-Mar-2026::9:21:07.482",
        "2026-03-14T09:21:07.482Z",
        r"^(?P<dd>\d{1,2}).(?P<bbb>[A-Za-z]{3})[a-z]*.(?P<YYYY>\d{4})[ :T,]+"
        rf"(?P<HH>\d{{1,2}}).(?P<MM>\d\d).(?P<SS>\d\d){_P_REST}",
    ),
    TimeForm(
        "rfc850",
        rf"\d{{1,2}}-(?i:{_MONTH})-\d\d \d{{1,2}}[:.]\d\d[:.]\d\d{_FRACTION}"
        rf"(?: ?[AaPp][Mm])?{ZONE}",
        "",
        "14-Mar-26 09:21:07 GMT",
        "2026-03-14T09:21:07Z",
        r"^(?P<dd>\d{1,2})-(?P<bbb>[A-Za-z]{3})-(?P<yy>\d\d) "
        rf"(?P<HH>\d{{1,2}}).(?P<MM>\d\d).(?P<SS>\d\d){_P_REST}",
    ),
    TimeForm(
        "month-name-first",
        rf"{_LONG_MONTH} +\d{{1,2}},? \d{{4}},?(?: at)? \d{{1,2}}:\d\d:\d\d{_FRACTION}"
        rf"(?: ?[AaPp]\.?[Mm]\b)?{ZONE}",
        "",
        "Mar 14, 2026 1:21:07 PM",
        "2026-03-14T13:21:07Z",
        r"^(?P<bbb>[A-Za-z]{3})[a-z]* +(?P<dd>\d{1,2}),? (?P<YYYY>\d{4}),?(?: at)? "
        rf"{_P_CLOCK}{_P_REST}",
    ),
    TimeForm(
        "ctime-loose",
        rf"{_MONTH} +\d{{1,2}} \d{{1,2}}:\d\d:\d\d{_FRACTION}(?: {_NAMED})? \d{{4}}\b",
        "",
        "Mar 14 09:21:07 UTC 2026",
        "2026-03-14T09:21:07Z",
        r"^(?P<bbb>[A-Z][a-z]{2}) +(?P<dd>\d{1,2}) "
        r"(?P<HH>\d{1,2}):(?P<MM>\d\d):(?P<SS>\d\d)"
        r"(?:(?P<mark>[.,])(?P<f>\d{1,9}))?(?P<zone> [A-Z]+)? (?P<YYYY>\d{4})$",
    ),
    TimeForm(
        "syslog-loose",
        rf"{_MONTH} +\d{{1,2}} \d{{1,2}}:\d\d:\d\d{_FRACTION}",
        "",
        "Mar 4 09:21:07",
        "2026-03-04T09:21:07Z",
        rf"^(?P<bbb>[A-Z][a-z]{{2}}) +(?P<dd>\d{{1,2}}) {_P_CLOCK}{_P_REST}",
    ),
    TimeForm(
        "month-first",
        rf"\d{{1,2}}/\d{{1,2}}/\d{{4}},?[ T-]+\d{{1,2}}:\d\d(?::\d\d)?{_ANY_FRACTION}"
        rf"(?: ?[AaPp]\.?[Mm]\b)?{ZONE}",
        "",
        "03/14/2026, 1:21:07 PM",
        "2026-03-14T13:21:07Z",
        r"^(?P<first>\d{1,2})/(?P<second>\d{1,2})/(?P<YYYY>\d{4}),?[ T-]+"
        rf"{_P_CLOCK}{_P_REST}",
    ),
    TimeForm(
        "day-first",
        rf"\d{{1,2}}[.-]\d{{1,2}}[.-]\d{{4}},?[ T]+\d{{1,2}}:\d\d(?::\d\d)?"
        rf"{_ANY_FRACTION}(?: ?[AaPp]\.?[Mm]\b)?{ZONE}",
        "",
        "14.03.2026 09:21:07",
        "2026-03-14T09:21:07Z",
        r"^(?P<first>\d{1,2}).(?P<second>\d{1,2}).(?P<YYYY>\d{4}),?[ T]+"
        rf"{_P_CLOCK}{_P_REST}",
        day_first=True,
    ),
    TimeForm(
        "day-month-short",
        rf"\d{{1,2}}[- ]{_MONTH} {_CLOCK}{_FRACTION}",
        "",
        "14 Mar 09:21:07.482",
        "2026-03-14T09:21:07.482Z",
        rf"^(?P<dd>\d{{1,2}}).(?P<bbb>[A-Z][a-z]{{2}}) {_P_CLOCK}{_P_REST}",
    ),
    TimeForm(
        "month-day",
        rf"{_MM}[-./]{_DD} {_CLOCK}{_ANY_FRACTION}",
        "mm-dd HH:MM:SS",
        "03-14 09:21:07.482",
        "2026-03-14T09:21:07.482Z",
    ),
)

BY_NAME: Mapping[str, TimeForm] = {form.name: form for form in FORMS}

# In the order in which a search tries them where several begin at the same place: a
# form goes before those that match its beginning.
_SEARCHED = (
    *("half-days", "iso-zone", "iso", "iso-pairs", "iso-underscore", "dots", "slashes"),
    *("year-first", "iso-loose", "iso-minute", "compact-clock", "compact-clock-loose"),
    *("compact", "digits", "short-clock", "short", "month-day-compact", "websphere"),
    *(
        "short-slashes",
        "clf",
        "day-month-place",
        "day-month",
        "day-month-name",
        "rfc850",
    ),
    "day-month-short",
    "month-name-first",
    *("ctime", "ctime-micros", "ctime-loose", "syslog", "syslog-loose"),
    *("month-first", "day-first", "month-day", "klog"),
)
SEARCHED: tuple[TimeForm, ...] = tuple(BY_NAME[name] for name in _SEARCHED)
EPOCH = BY_NAME["epoch"]
