"""The usual lines of a stream, recognised many at a time."""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

from tocsin.formats.startlines import CAPITALS, MONTH, Start
from tocsin.formats.wrapping import CRI


class Shape(NamedTuple):
    r"""The beginning of most streams' lines, to pass a whole chunk in one search.

    What matches `line` is as `start` says, and no envelope cut it; `breach` finds the
    first line of a chunk that does not match. So which shape is tried changes nothing
    but the time that it takes. Where `start` is NO, a line that matches neither begins
    a trace nor belongs to one; `breach` says that only of a chunk without an `alarm`.
    Lines with the same first `stem_bytes` as one that matches do so as well, and so do
    those between two `seam`s.
    """

    line: re.Pattern[bytes]
    breach: re.Pattern[bytes]
    start: Start
    stem_bytes: int = 0
    seam: bytes = b""
    alarm: re.Pattern[bytes] | None = None


# The beginning up to the hour, the same in most lines of a chunk: counting it is half
# the price of a pattern.
_ISO_HOUR = r"20\d\d-\d\d-\d\d[T ]\d\d"
_SHAPES = (
    # Four digits of a year's class are tried one by one: twice as fast as `\d{4}`.
    (_ISO_HOUR, Start.TIMED),
    (rf"\[{_ISO_HOUR}", Start.TIMED),
    (rf"{MONTH} [ \d]\d \d\d:\d\d:\d\d", Start.TIMED),
    (r"20\d\d/\d\d/\d\d \d\d:\d\d", Start.TIMED),
    (r'\{"[^\n]*\}\r?(?=\n|\Z)', Start.WHOLE),
    (r"[DIWEFV]\d\d\d\d \d\d:\d\d:\d\d", Start.TIMED),
    (rf"\d+\.\d+\.\d+\.\d+ [\w.-]+ [\w.-]+ \[\d\d/{MONTH}/\d\d\d\d:", Start.TIMED),
    (r"<\d{1,3}>[^\s]", Start.TIMED),
)
_CRI_WRAPPER = CRI.decode() + r"std(?:out|err) F "
_DOCKER_END = r'(?<!\\)\\n","stream":"'
# What announces neither a header nor a trace: no such beginning, and no `:5` of a clock
# or of a place in a file within 120 bytes, which all others have.
_LOWER_TELLS = (
    r"at |backtrace|call ?stack|crit: |dbug: |double|fail: |fatal|free|from |gorout"
    r"|http: |info: |malloc|munmap|nested|node:|panic|php|runtime|stack|terminate"
    r"|thread '|trce: |unexp|warn: |[a-z][\w.-]*+ ++\|"
)
_UPPER_TELLS = (
    rf"(?:{CAPITALS})\b|[A-Z], \[|[VDIWEFA]/|Aband|Abort|CRASH|Call|Caused|Error"
    r"|Exception|Fatal|Internal S|Locked|Location|Nested|Next|PHP|Parse|Previous|Recov"
    r"|Root|SIG|Segm|Service U|Stack|STACK|Backtrace|BACKTRACE|Suppr|Task |Thrown|Trace"
    r"|U|Wrapped"
)
_DIGIT_TELLS = r"\d{6} {1,2}\d|(?:19|20)\d{6}|1\d{9}|\d{1,4}[-/. ]|\S++ 1?\d{9} "
_WORD_TELLS = (
    r"[\w.@/-]*+=|\S++ 1?\d{9} |[\w.$\\]*+(?:::[\w$]++)*+(?:(?<=Exception)|(?<=Error)"
    r"|(?<=Throwable)|(?<=Failure)|(?<=Fault)|(?<=Interrupt)|(?<=Death)|(?<=Invalid)"
    r"|(?<=NotFound))"
)
_QUIET = (
    rf"(?:(?=\d)(?!{_DIGIT_TELLS})|(?=[a-z])(?!{_LOWER_TELLS}|{_WORD_TELLS})"
    rf"|(?=[A-Z])(?!{_UPPER_TELLS}|{_WORD_TELLS}))"
)
_NO_PLACE = r"(?:[^\n:]{120}|(?:[^\n:]*+:(?!\d))*+[^\n:]*+(?=\n|\Z))"

_NO_PLACE_IN_DOCKER = r'(?:[^\n:"\\]*+:(?!\d))*+[^\n:"\\]*+\\n","stream":"'


def _shape(text: str, start: Start, stem_bytes: int = 0) -> Shape:
    return Shape(
        re.compile(text.encode()),
        re.compile(rf"\n(?!{text})".encode()),
        start,
        stem_bytes,
    )


@cache
def bare_shapes() -> tuple[Shape, ...]:
    """The shapes to try on a chunk's first line."""
    stems = {_ISO_HOUR: 13, rf"\[{_ISO_HOUR}": 14}
    quiet = _shape(_QUIET, Start.NO)._replace(
        line=re.compile(f"{_QUIET}{_NO_PLACE}".encode()), alarm=re.compile(rb":\d")
    )
    found = (
        _shape(text, start, stems.get(text, 0))._replace(
            seam=b'}\n{"' if start is Start.WHOLE else b""
        )
        for text, start in _SHAPES
    )
    return (*found, quiet)


@cache
def wrapped_shapes() -> tuple[Shape, ...]:
    """The same where lines are in envelopes."""
    found = [(_CRI_WRAPPER + text, start) for text, start in _SHAPES]
    found += [
        (rf'\{{"log":"{text}[^\n]*{_DOCKER_END}', start)
        for text, start in _SHAPES
        if start is Start.TIMED
    ]
    found.append((rf'\{{"log":"\{{\\"[^\n]*\}}{_DOCKER_END}', Start.WHOLE))
    # Envelopes have a clock of their own, so the whole line has to be looked through.
    found.append((f"{_CRI_WRAPPER}{_QUIET}{_NO_PLACE}", Start.NO))
    found.append((rf'\{{"log":"{_QUIET}{_NO_PLACE_IN_DOCKER}', Start.NO))
    return tuple(_shape(text, start) for text, start in found)
