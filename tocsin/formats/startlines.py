r"""How a line shows that an event begins with it: patterns for multi-line joins.

A line's `Start` depends on its bytes alone. TIMED and LEVELED lines carry a header;
WHOLE ones are one-line JSON or logfmt, which nothing is ever joined to; WEAK ones look
like a header, but may as well be the text of an event that has a better one.
Patterns look at the first `LOOK_AT_BYTES` only and have no nested repeats, so that
hostile text costs no more than any other.
"""

from __future__ import annotations

import json
import re
from enum import Enum
from functools import cache
from typing import NamedTuple

LOOK_AT_BYTES = 400


class Start(Enum):
    """Whether a line begins an event, and how sure that is."""

    TIMED = "it begins with a time or another unmistakable header"
    WHOLE = "it is one-line JSON or logfmt"
    LEVELED = "it begins with a level"
    WEAK = "it begins with what is a header in some streams"
    NO = "it has no header"


_Y4 = r"(?:19|20)\d\d"
_MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
_MON = _MONTH + r"[a-z]*"
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
        r"\d{6} \d{6} ",
        r"\d\d[-/]\d\d[ T]\d\d:\d\d:\d\d",
        rf"(?:{_DAY},? )?{_MON} {{1,2}}\d\d?,? (?:{_Y4},? )?\d\d?:\d\d:\d\d",
        rf"{_DAY},? \d\d?[ -]{_MON}[ -](?:{_Y4}|\d\d) \d\d:\d\d",
    ]
)
_TIMED = "|".join(
    [
        rf"[\[(<\"']?(?:{_DATED})",
        r"[\[(]?\d\d?:\d\d:\d\d(?:[.,]\d{1,9})?(?: [AP]M)?[\])]?(?=[\s|:,]|$)",
        r"[\[(]?1\d{9}(?:\.\d{1,9}|\d{3}|\d{6}|\d{9})?[\])]?[ ,:|\t]",
        r"<\d{1,3}>\S",
        r"[DIWEFV]\d{4} \d\d:\d\d:\d\d",
        r"[DIWEF]\d{8} \d\d:\d\d:\d\d",
        r"[A-Z], \[\d{4}-",
        rf"[A-Z] \[\d\d/{_MON}/",
        rf"\d+:[A-Z] \d\d {_MON} ",
        r"\[ *\d+\.\d{3,6}s?\]",
        r"=[A-Z ]{4,40} REPORT={2,}",
        rf"[\w.:-]+ [\w.@-]+ [^\[\]\n]{{1,60}}\[\d\d/{_MON}/\d{{4}}:",
        rf"[\w.:-]+ \[\d\d/{_MON}/\d{{4}}:",
        r"\[pid: \d+\|",
        r"(?:CEF|LEEF):\d",
        r"[VDIWEFA]/[^(\n]{1,60}\( *\d+\): ",
        r"# Time: ",
        # BGL and its like: a flag or a host, epoch seconds, a date.
        rf"\S{{1,40}} 1?\d{{9}} {_Y4}[.-]\d\d[.-]\d\d",
    ]
)
_CAPITALS = (
    "TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|ERR|CRIT|CRITICAL|FATAL|SEVERE|ALERT"
    "|EMERG|EMERGENCY|PANIC|FINE|FINER|FINEST|VERBOSE|LOG"
)
_DOTNET = "trce|dbug|info|warn|fail|crit"
_LEVELED = "|".join(
    [
        rf"[\[(<](?i:{_CAPITALS})[\])>]",
        rf"(?:{_CAPITALS})(?:[:|\t,]| +[-\[(|:\w]|$)",
        rf"(?:{_DOTNET}): [\w.`+]+\[\d+\]",
    ]
)
_WEAK = "|".join(
    [
        # At most two words or brackets before the date.
        (
            rf"\S{{1,40}}(?: \S{{1,24}}){{0,2}} {{1,4}}[\[(]?(?=.{{8,18}}:\d\d)"
            rf"(?:{_DATED})"
        ),
        rf"{_Y4}-\d\d-\d\d[ \t]",
    ]
)
# What may stand before a line's text: a byte order mark, colours.
_PAINT = r"(?:\xef\xbb\xbf)?(?:\x1b\[[0-9;]{0,20}m)*"
_HEADER = re.compile(
    rf"{_PAINT}(?:(?P<TIMED>{_TIMED})|(?P<LEVELED>{_LEVELED})|(?P<WEAK>{_WEAK}))".encode()
)
_PAIR = rb'[A-Za-z_@][\w.@/-]*=(?:"(?:[^"\\]|\\.)*"?|[^\s"]*)'
_LOGFMT = re.compile(rb"%b +%b" % (_PAIR, _PAIR))
_LOGFMT_KEY = re.compile(
    rb"(?:^| )(?:level|lvl|severity|loglevel|msg|message|time|ts|timestamp|caller)="
)
_CALM = re.compile(
    rb"(?:^|[\s\[\]|:(<>=\"/,])(?i:trace|debug|info|notice|information|dbug|trce|inf|dbg)"
    rb"(?:$|[\s\[\]|:)<>\",/])|^[IDV]\d{4} |^[IDV], \[|^[IDV]/"
)
_GRAVE = re.compile(
    rb"(?i:\berr(?:or)?s?\b|error\b|exception|fatal|fail|crit|severe|panic|warn"
    rb"|traceback|emerg|alert|\bwrn\b|\bftl\b)|^[EFW]\d{4} |^[EFW], \["
)


def start_of(text: bytes) -> Start:
    """How a line begins, without its envelope."""
    first = text[:1]
    if first in b" \t\r":
        return Start.NO
    if first == b"{":
        return Start.WHOLE if is_whole_json(text) else Start.NO
    found = _HEADER.match(text, 0, LOOK_AT_BYTES)
    if found and found.lastgroup != "WEAK":
        return Start[found.lastgroup or "NO"]
    if is_logfmt(text):
        return Start.WHOLE
    return Start.WEAK if found else Start.NO


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
    return _GRAVE.search(text, 0, LOOK_AT_BYTES) is not None


class Unwrapped(NamedTuple):
    """A line without the envelope of its container runtime.

    `stream` differs between lines that cannot be of one event. `partial`: the runtime
    cut the line, the next one of the stream goes on.
    """

    text: bytes
    stream: bytes = b""
    partial: bool = False


_CRI = rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{1,9}(?:Z|[+-]\d\d:\d\d) "
_CRI_LINE = re.compile(_CRI + rb"(stdout|stderr) ([FP])(?::\S*)? ?")
_DOCKER_LINE = re.compile(
    rb'\{"log":"((?:[^"\\]|\\.)*)"(?:,"attrs":\{[^}]*\})?,"stream":"(\w+)"'
)
# Compose numbers its containers; without the number it could be any table.
_COMPOSE_LINE = re.compile(rb"([a-z][\w.-]{0,60}[-_]\d{1,3}) +\| ")


def unwrap(line: bytes) -> Unwrapped:
    """Look through what CRI, Docker's json-file or Compose put around a line."""
    if line.startswith(b'{"log":"'):
        found = _DOCKER_LINE.match(line)
        if found is None:
            return Unwrapped(line)
        text = _unescaped(found[1])
        whole = text.endswith(b"\n")
        return Unwrapped(text[:-1] if whole else text, found[2], not whole)
    if line[:1].isdigit():
        found = _CRI_LINE.match(line)
        if found is not None:
            return Unwrapped(line[found.end() :], found[1], found[2] == b"P")
    elif line[:1].islower():
        found = _COMPOSE_LINE.match(line)
        if found is not None:
            return Unwrapped(line[found.end() :], found[1])
    return Unwrapped(line)


def _unescaped(text: bytes) -> bytes:
    if b"\\" not in text:
        return text
    try:
        decoded: str = json.loads(b'"' + text + b'"')
    except ValueError:
        return text
    return decoded.encode("utf-8", "surrogatepass")


class Shape(NamedTuple):
    r"""The beginning of most streams' lines, to pass a whole chunk in one search.

    What matches `line` is as `start` says, and no envelope cut it; `breach` finds the
    first line of a chunk that does not match. So which shape is tried changes nothing
    but the time that it takes. Where `start` is NO, a line that matches neither begins
    a trace nor belongs to one.
    """

    line: re.Pattern[bytes]
    breach: re.Pattern[bytes]
    start: Start


_NO_CRI = r"(?!:\d\d\.\d{1,9}(?:Z|[+-]\d\d:\d\d) std(?:out|err) [FP])"
_SHAPES = (
    # Four digits of a year's class are tried one by one: twice as fast as `\d{4}`.
    (rf"20\d\d-\d\d-\d\d[T ]\d\d:\d\d{_NO_CRI}", Start.TIMED),
    (r"\[20\d\d-\d\d-\d\d[T ]\d\d:\d\d", Start.TIMED),
    (rf"{_MONTH} [ \d]\d \d\d:\d\d:\d\d", Start.TIMED),
    (r"20\d\d/\d\d/\d\d \d\d:\d\d", Start.TIMED),
    (r'\{"(?!log":)[^\n]*\}\r?(?=\n|\Z)', Start.WHOLE),
    (r"[DIWEFV]\d\d\d\d \d\d:\d\d:\d\d", Start.TIMED),
    (rf"\d+\.\d+\.\d+\.\d+ [\w.-]+ [\w.-]+ \[\d\d/{_MONTH}/\d\d\d\d:", Start.TIMED),
    (r"<\d{1,3}>[^\s]", Start.TIMED),
)
_CRI_WRAPPER = _CRI.decode() + r"std(?:out|err) F "
_DOCKER_END = r'(?<!\\)\\n","stream":"'
# What announces neither a header nor a trace: no such beginning, and none of the
# characters that each of them has within its first 120 bytes.
_QUIET = (
    r"(?=[A-Za-z0-9_])(?!\d{6} {1,2}\d|(?:19|20)\d{6}|1\d{9}|\d{1,4}[-/. ]"
    rf"|(?:{_CAPITALS})\b|at |terminate|Segm|Abort|Aband|Exception|Task |U|CRASH|double"
    r"|[\w.$\\]*(?:Exception|Error|Throwable|Failure|Fault|Interrupt|Death|Invalid"
    r"|NotFound))"
    r"(?:[^\n:=\[\](){}|<>\"'#]{120}|[^\n:=\[\](){}|<>\"'#]*(?=\n|\Z))"
)


@cache
def shapes() -> tuple[Shape, ...]:
    """The shapes to try on a chunk's first line."""
    wrapped = [(_CRI_WRAPPER + text, start) for text, start in _SHAPES]
    wrapped += [
        (rf'\{{"log":"{text}[^\n]*{_DOCKER_END}', start)
        for text, start in _SHAPES
        if start is Start.TIMED
    ]
    wrapped.append((rf'\{{"log":"\{{\\"[^\n]*\}}{_DOCKER_END}', Start.WHOLE))
    return tuple(
        Shape(re.compile(text.encode()), re.compile(rf"\n(?!{text})".encode()), start)
        for text, start in (*_SHAPES, *wrapped, (_QUIET, Start.NO))
    )
