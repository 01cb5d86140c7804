r"""How a line shows that an event begins with it: patterns for multi-line joins.

A line's `Start` depends on its bytes alone. TIMED and LEVELED lines carry a header;
WHOLE ones are one-line JSON or logfmt, which nothing is ever joined to; WEAK ones look
like a header, but may as well be the text of an event that has a better one.
Patterns look at the first `LOOK_AT_BYTES` only and have no nested repeats, so that
hostile text costs no more than any other.
"""

from __future__ import annotations

import re
from enum import Enum

LOOK_AT_BYTES = 400


class Start(Enum):
    """Whether a line begins an event, and how sure that is."""

    TIMED = "it begins with a time or another unmistakable header"
    WHOLE = "it is one-line JSON or logfmt"
    LEVELED = "it begins with a level"
    WEAK = "it begins with what is a header in some streams"
    NO = "it has no header"


_Y4 = r"(?:19|20)\d\d"
MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
_MON = MONTH + r"[a-z]*"
_DAY = r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*"
_HM = r"\d\d?[:.h]\d\d"
# A date and a time of day, in the orders and with the separators that loggers use.
_DATED = "|".join(
    [
        rf"{_Y4}[-/.]\d\d?[-/.]\d\d?[T _,:-] ?{_HM}",
        rf"{_Y4}[-/. ]{_MON}[-/. ]\d\d?[T _,:-] ?{_HM}",
        rf"{_Y4}[01]\d[0-3]\d[-T _:]?\d\d:?\d\d:?\d\d",
        rf"\d\d?[-/. ](?:\d\d|{_MON})[-/. ](?:{_Y4}|\d\d)[-T ,:]{{1,2}} ?{_HM}",
        r"\d{6} {1,2}\d\d?:\d\d:\d\d",
        r"\d\d[-/]\d\d[ T]\d\d:\d\d:\d\d",
        rf"(?:{_DAY},? )?{_MON} {{1,2}}\d\d?,? (?:{_Y4},? )?\d\d?:\d\d:\d\d",
        rf"{_DAY},? \d\d?[ -]{_MON}[ -](?:{_Y4}|\d\d) \d\d:\d\d",
    ]
)
_CLOCKED = "|".join(
    [
        rf"[\[(<\"']?(?:{_DATED})",
        rf"[\[(<][DIWEF][\])>]:? ?(?:{_DATED})",
        r"[\[(]?\d\d?:\d\d:\d\d(?:[.,]\d{1,9})?(?: [AP]M)?[\])]?(?=[\s|:,]|$)",
        r"[DIWEFV]\d{4} \d\d:\d\d:\d\d",
        r"[DIWEF]\d{8} \d\d:\d\d:\d\d",
        r"[A-Z], \[\d{4}-",
        rf"[A-Z] \[\d\d/{_MON}/",
        rf"\d+:[A-Z] \d\d {_MON} ",
        rf"[\w.:-]{{1,80}}+ [\w.@-]{{1,80}}+ [^\[\]\n]{{1,60}}+\[\d\d/{_MON}/\d{{4}}:",
        rf"[\w.:-]{{1,80}}+ \[\d\d/{_MON}/\d{{4}}:",
        r"# Time: ",
    ]
)
_OTHER = "|".join(
    [
        r"[\[(]?1\d{9}(?:\.\d{1,9}|\d{3}|\d{6}|\d{9})?[\])]?[ ,:|\t]",
        rf"{_Y4}-\d\d-\d\d[T ]\d\d",
        r"<\d{1,3}>\S",
        r"\d{6} \d{6} ",
        r"\[ *\d+\.\d{3,6}s?\]",
        r"=[A-Z ]{4,40} REPORT={2,}",
        r"\[pid: \d+\|",
        r"####<",
        r"(?:CEF|LEEF):\d",
        r"[VDIWEFA]/[^(\n]{1,60}\( *\d+\): ",
        # BGL and its like: a flag or a host, epoch seconds, a date.
        rf"\S{{1,40}}+ 1?\d{{9}} {_Y4}[.-]\d\d[.-]\d\d",
    ]
)
CAPITALS = (
    "TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|ERR|CRIT|CRITICAL|FATAL|SEVERE|ALERT"
    "|EMERG|EMERGENCY|PANIC|FINE|FINER|FINEST|VERBOSE|LOG"
)
DOTNET = "trce|dbug|info|warn|fail|crit"
_LEVELED = "|".join(
    [
        rf"[\[(<](?i:{CAPITALS})[\])>]",
        rf"(?:{CAPITALS})(?:[:|\t,]| +[-\[(|:\w]|$)",
        rf"(?:{DOTNET}): [\w.`+]+\[\d+\]",
    ]
)
# At most two words or brackets before the date.
_WEAK = (
    rf"\S{{1,40}}+(?: \S{{1,24}}+){{0,2}} {{1,4}}+[\[(]?(?=.{{8,18}}:\d\d)(?:{_DATED})"
)
# What may stand before a line's text: a byte order mark, colours.
_PAINT = r"(?:\xef\xbb\xbf)?(?:\x1b\[[0-9;]{0,20}m)*"
# The patterns of dates are dear: most lines that have none have no clock either.
_CLOCK = re.compile(rb"\d[:.h]\d\d")
_CLOCK_BYTES = 140
_WITH_CLOCK = re.compile(
    rf"{_PAINT}(?:(?P<TIMED>{_CLOCKED}|{_OTHER})|(?P<LEVELED>{_LEVELED})"
    rf"|(?P<WEAK>{_WEAK}))".encode()
)
_WITHOUT_CLOCK = re.compile(
    rf"{_PAINT}(?:(?P<TIMED>{_OTHER}|{_Y4}[01]\d[0-3]\d[-T _:]?\d{{6}}"
    rf"|{_Y4}[01]\d[0-3]\d[-T _:]?\d{{4}})|(?P<LEVELED>{_LEVELED})"
    rf"|(?P<WEAK>{_Y4}-\d\d-\d\d[ \t]))".encode()
)
_JUL_HEAD = re.compile(rf"{_MON} \d\d?, {_Y4} \d\d?:\d\d:\d\d [AP]M \S+ \S+$".encode())
_PAIR = rb'[A-Za-z_@][\w.@/-]*=(?:"(?:[^"\\]|\\.)*"?|[^\s"]*)'
_LOGFMT = re.compile(rb"%b +%b" % (_PAIR, _PAIR))
_LOGFMT_KEY = re.compile(
    rb"(?:^| )(?:level|lvl|severity|loglevel|msg|message|time|ts|timestamp|caller)="
)
_CALM = re.compile(
    rb"(?:^|[\s\[\]|:(<>=\"/,])(?i:trace|debug|info|notice|information|dbug|trce|inf|dbg)"
    rb"(?:$|[\s\[\]|:)<>\",/])|^[IDV]\d{4} |^[IDV], \[|^[IDV]/"
)
_GRAVE_WORDS = "err exception fatal fail crit severe panic warn traceback emerg alert"
_GRAVE = tuple(f"{_GRAVE_WORDS} wrn ftl".encode().split())
_GRAVE_LETTER = re.compile(rb"[EFW]\d{4} |[EFW], \[")


def start_of(text: bytes) -> Start:
    """How a line begins, without its envelope."""
    first = text[:1]
    if first in b" \t\r":
        return Start.NO
    if first == b"{":
        return Start.WHOLE if is_whole_json(text) else Start.NO
    has_clock = _CLOCK.search(text, 0, _CLOCK_BYTES) is not None
    pattern = _WITH_CLOCK if has_clock else _WITHOUT_CLOCK
    found = pattern.match(text, 0, LOOK_AT_BYTES)
    if found and found.lastgroup != "WEAK":
        return Start[found.lastgroup or "NO"]
    if is_logfmt(text):
        return Start.WHOLE
    return Start.WEAK if found else Start.NO


def is_jul_head(text: bytes) -> bool:
    """Whether a line is the first of two that java.util.logging writes for a record."""
    return _JUL_HEAD.match(text) is not None


def is_whole_json(text: bytes) -> bool:
    """Whether a line is one JSON object, or the beginning of one that was cut off."""
    if text.rstrip().endswith(b"}"):
        return text[1:2] in b'"} '
    # Who prints an object over several lines breaks them after a whole value.
    return text[:2] == b'{"' and text.rstrip()[-1:] not in b',{[:"}]'


def is_logfmt(text: bytes) -> bool:
    """Whether a line is key=value pairs with a key that log lines have."""
    if _LOGFMT.match(text, 0, LOOK_AT_BYTES) is None:
        return False
    return _LOGFMT_KEY.search(text, 0, LOOK_AT_BYTES) is not None


def is_calm(text: bytes) -> bool:
    """Whether a header states a level below WARN."""
    return _CALM.search(text, 0, 120) is not None


def is_grave(text: bytes) -> bool:
    """Whether a line speaks of trouble, so that more of it is to be expected."""
    low = text[:LOOK_AT_BYTES].lower()
    if any(word in low for word in _GRAVE):
        return True
    return _GRAVE_LETTER.match(text) is not None
