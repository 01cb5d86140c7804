"""The words, letters and numbers that stand for levels, in one place.

Source: OpenTelemetry, Logs Data Model, appendix B ("SeverityNumber example mappings"),
with two decisions of ours: CRITICAL, ALERT and EMERGENCY are FATAL (somebody has to
look now), and NOTICE is INFO.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from tocsin.values import Level

_BY_LEVEL: dict[Level, str] = {
    Level.TRACE: "trace trce trc verbose vrb silly finest finer",
    Level.DEBUG: "debug dbug dbg debg fine debug1 debug2 debug3 debug4 debug5",
    Level.INFO: "info information informational inf notice success",
    Level.WARN: "warn warning wrn",
    Level.ERROR: "error err eror erro severe",
    Level.FATAL: (
        "fatal ftl fata critical crit alert emergency emerg panic pani dpanic"
    ),
}

_STEP = re.compile(r"[+-]\d{1,3}$")

WORDS: Mapping[str, Level] = {
    word: level for level, words in _BY_LEVEL.items() for word in words.split()
}
"""Words in lower case that mean a level wherever a level is expected."""

FIELD_WORDS: Mapping[str, Level] = {
    **WORDS,
    **dict.fromkeys(("t", "v", "verb"), Level.TRACE),
    **dict.fromkeys(("d", "d1", "d2", "d3", "d4", "d5"), Level.DEBUG),
    **dict.fromkeys(("i", "n", "log", "note", "system", "config", "ok"), Level.INFO),
    **dict.fromkeys(("w", "deprecation"), Level.WARN),
    **dict.fromkeys(("e", "fail", "failure"), Level.ERROR),
    **dict.fromkeys(("f", "c", "a"), Level.FATAL),
}
"""Words that mean a level only in a field of its own, such as JSON's `level`."""

SYSLOG: tuple[Level, ...] = (
    Level.FATAL,  # emergency
    Level.FATAL,  # alert
    Level.FATAL,  # critical
    Level.ERROR,
    Level.WARN,
    Level.INFO,  # notice
    Level.INFO,
    Level.DEBUG,
)
"""RFC 5424, section 6.2.1: by severity; GELF and journald use the same numbers."""


def of_word(word: str) -> Level:
    """The level of a word in a level's place; UNKNOWN for any other word."""
    name = word.strip().lower()
    level = FIELD_WORDS.get(name)
    if level is None:  # Go's log/slog: `ERROR+4`
        level = WORDS.get(_STEP.sub("", name), Level.UNKNOWN)
    return level


def of_pri(pri: str) -> Level:
    """The level of a syslog `<PRI>`, 0 to 191."""
    if not pri.isdecimal() or int(pri) > 191:
        return Level.UNKNOWN
    return SYSLOG[int(pri) % 8]


def of_status(status: str) -> Level:
    """The level of an HTTP status: 5xx is ERROR, 4xx WARN, the rest INFO."""
    return {"5": Level.ERROR, "4": Level.WARN}.get(status[:1], Level.INFO)


def of_number(number: float) -> Level:
    """The level of a number: 0..7 syslog's severity, 10..60 bunyan's and pino's."""
    if 0 <= number <= 7:
        return SYSLOG[int(number)]
    if 10 <= number < 70:
        return Level(int(number) // 10 - 1)
    return Level.UNKNOWN


def of_severity_number(number: float) -> Level:
    """The level of OpenTelemetry's SeverityNumber: 1..24 in steps of four."""
    return Level(int(number - 1) // 4) if 1 <= number <= 24 else Level.UNKNOWN


def of_value(value: object) -> Level:
    """The level of a decoded `level` field, whatever type it has."""
    if isinstance(value, str):
        number = value.strip()
        if number.isdecimal() and len(number) <= 3:
            return of_number(int(number))
        return of_word(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return of_number(value)
    if isinstance(value, dict) and isinstance(value.get("name"), str):
        return of_word(value["name"])
    return Level.UNKNOWN
