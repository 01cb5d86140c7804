r"""Levels and times of lines that no format matches, and of formats without a level.

The rules are tried in order on the first 200 bytes; the first that matches decides.
The first level word in a line is often the wrong answer (`err=nil`, a thread named
`error-handler`), so a word counts only where it is delimited as a field. A line that
no rule matches has no level: unknown is counted, never guessed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tocsin.formats import levels, times
from tocsin.values import Level

LOOK_AT_BYTES = 200


@dataclass(frozen=True, slots=True)
class LevelRule:
    """A pattern with one group: `level` or `pri`, as in a format.

    `words`: what the group's text means, where it differs from levels.FIELD_WORDS.
    """

    name: str
    pattern: str
    example: str
    level: Level
    words: Mapping[str, Level] = field(default_factory=dict)


def _alternatives(words: list[str]) -> str:
    # Backwards, longer words come before their beginnings, and next to them.
    return "|".join(sorted(words, reverse=True))


_CAPITALS = _alternatives(
    [
        word.upper()
        for word in levels.WORDS
        # In capitals these are as often a part of the message.
        if word not in {"success", "fine", "finer", "finest", "silly"}
    ]
)
_ANY_CASE = "(?i:" + _alternatives(list(levels.WORDS)) + ")"
_TIME = "(?:" + "|".join(form.pattern for form in times.FORMS) + ")"

LEVEL_RULES: tuple[LevelRule, ...] = (
    LevelRule(
        "syslog-pri",
        r"^<(?P<pri>\d{1,3})>",
        "<11>something of our own",
        Level.ERROR,
    ),
    LevelRule(
        "json-cut",
        r"""^\{.*"(?i:level|severity|lvl|levelname|loglevel)"\s*:\s*"?"""
        r"(?P<level>[A-Za-z]+|\d{2})",
        '{"ts":1,"level":"error","msg":"cut he',
        Level.ERROR,
    ),
    LevelRule(
        "letter-glog",
        r"^(?P<level>[DIWEF])\d{4,8} \d\d:\d\d:\d\d",
        "W20260314 09:21:07.482193 4124 raft.cc:91] slow",
        Level.WARN,
    ),
    LevelRule(
        "letter-ruby",
        r"^(?P<level>[DIWEF]), \[",
        "E, [2026-03-14T09:21:07.482193 #3121] ERROR -- : no connection",
        Level.ERROR,
    ),
    LevelRule(
        "glyph-redis",
        r"^\d+:[A-Z] \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d\.\d{3} "
        r"(?P<level>[.*#-]) ",
        "1:M 14 Mar 2026 09:21:07.482 # no memory left",
        Level.WARN,
        {".": Level.DEBUG, "-": Level.DEBUG, "*": Level.INFO, "#": Level.WARN},
    ),
    LevelRule(
        "postgres",
        r" (?P<level>DEBUG[1-5]|LOG|INFO|NOTICE|WARNING|ERROR|FATAL|PANIC):  ",
        "2026-03-14 09:21:07.482 UTC [1] LOG:  ready",
        Level.INFO,
    ),
    LevelRule(
        "dotnet",
        r"^(?P<level>trce|dbug|info|warn|fail|crit): [\w.]+\[\d+\]",
        "fail: Shop.Orders[13]",
        Level.ERROR,
    ),
    LevelRule(
        "php",
        r"PHP (?P<level>Fatal error|Parse error|Warning|Notice|Deprecated):",
        "PHP Fatal error:  Uncaught Error",
        Level.FATAL,
        {
            "fatal error": Level.FATAL,
            "parse error": Level.FATAL,
            "deprecated": Level.WARN,
        },
    ),
    LevelRule(
        "field-in-capitals",
        rf"(?:^|[\s\[\]|:(<>])(?P<level>{_CAPITALS})(?:$|[\s\[\]|:)<>])",
        "2026-03-14 | ERROR | down",
        Level.ERROR,
    ),
    LevelRule(
        "field-in-brackets",
        rf"(?:[\[<|(]\s*)(?P<level>{_ANY_CASE})(?:\s*[\]>|)])",
        "09:21 [warning  ] slow query",
        Level.WARN,
    ),
    LevelRule(
        "field-before-colon",
        rf"^(?P<level>{_ANY_CASE}):(?:\s|$)",
        "error: no such table",
        Level.ERROR,
    ),
    LevelRule(
        "field-after-time",
        rf"^[\[(]?{_TIME}[\])]?[\s:|]+(?P<level>{_ANY_CASE})(?:$|[\s:|])",
        "2026-03-14T09:21:07Z error could not bind",
        Level.ERROR,
    ),
)

TIME_PATTERNS: tuple[tuple[str, str], ...] = tuple(
    (form.name, rf"^[^0-9A-Za-z]{{0,3}}(?P<time>{form.pattern})")
    for form in times.FORMS
)
"""Where a line that no format matches states its time: at its beginning."""
