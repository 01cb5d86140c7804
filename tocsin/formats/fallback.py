r"""What says the level of a line that no format matches, as data.

The first level word in a line is often the wrong answer (`err=nil`, a thread named
`error-handler`), so a word counts only where it is delimited as a field, and only where
the text before it reads as a header: in `sshd[8]: no more ERROR packets` it is a part
of a sentence. Rules for how a line begins come first; of those for fields, the one
whose match begins first decides; the others count where neither says anything. A line
in which no rule matches has no level: unknown is counted, never guessed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from tocsin.formats import levels
from tocsin.values import Level

LOOK_AT_BYTES = 200


class Place(Enum):
    """Where in a line a rule looks."""

    START = "how the line begins"
    FIELD = "a field of the header"
    REST = "anywhere, if nothing else says a level"


@dataclass(frozen=True, slots=True)
class LevelRule:
    """A pattern with groups for the level's text; `example` is a line of that `level`.

    `words`: what the text means, where it differs from levels.FIELD_WORDS.
    `in_message`: what it matches belongs to the message.
    """

    name: str
    place: Place
    pattern: str
    example: str
    level: Level
    words: Mapping[str, Level] = field(default_factory=dict)
    in_message: bool = False


def _alternatives(words: list[str]) -> str:
    # Backwards, longer words come before their beginnings, and next to them.
    return "|".join(sorted(words, reverse=True))


# Patterns stay small: beyond 500 instructions RE2 finds groups ten times as slowly.
# In capitals these are as often a part of the message.
_AMBIGUOUS = {"success", "fine", "finer", "finest", "silly"}
# These count between blanks only straight after a time: `logrotate: ALERT exited`.
_EMPHATIC = {"alert", "panic", "emerg", "emergency"}
_CAPITALS = (
    "(?:"
    + _alternatives(
        [w.upper() for w in levels.WORDS if w not in _AMBIGUOUS | _EMPHATIC]
    )
    + ")"
)
_EMPHATIC_CAPITALS = "(?:ALERT|PANIC|EMERG|EMERGENCY)"
_USUAL = [
    *("trace", "debug", "verbose", "info", "information", "notice", "warn", "warning"),
    *("error", "err", "severe", "fatal", "critical", "crit", "alert", "emerg", "panic"),
]
_ANY_CASE = "(?i:" + _alternatives(_USUAL) + ")"
_IN_BRACKETS = "(?i:" + _alternatives([*levels.WORDS, "note", "system", "fail"]) + ")"
_LETTER = "[TVDIWEFC]"
_FACILITY = (
    "(?:kern|user|mail|daemon|auth|syslog|lpr|news|uucp|cron|authpriv|ftp|local[0-7])"
)
_DIGIT = {str(number): level for number, level in enumerate(levels.SYSLOG)}
# The end of a written time: seconds, a fraction, a zone.
_TIME_END = (
    r"(?:[0-5]\d:[0-6]\d|\d{6})(?:[.,:]\d+)?"
    r"(?:Z| ?[+-]\d\d:?\d\d| [A-Z][A-Z][A-Z]?T| UTC| [AP]M)?"
)
_GAP = r"[\])>]?[,;]?(?:\s+|\s*[|:]\s*|\s+-\s+)"

LEVEL_RULES: tuple[LevelRule, ...] = (
    LevelRule(
        "syslog-pri",
        Place.START,
        r"^<(?P<level>\d{1,3})>",
        "<3>[12345.678901] I/O failure, dev sdb",
        Level.ERROR,
        {str(pri): levels.SYSLOG[pri % 8] for pri in range(192)},
    ),
    LevelRule(
        "report-erlang",
        Place.START,
        r"^=(?P<level>[A-Z]{4,9}) REPORT==",
        "=ERROR REPORT==== 14-Mar-2026::09:21:07.482193 ===",
        Level.ERROR,
        {"crash": Level.ERROR, "progress": Level.INFO, "supervisor": Level.ERROR},
    ),
    LevelRule(
        "key-value",
        Place.FIELD,
        r"""(?:^|[\s,;{|("'.])(?i:level|lvl|severity|loglevel|log_level|levelname)"""
        r"""["']?(?:[=:]|\s*:\s*)["']?(?P<level>[A-Za-z]{1,13}\b|[1-7]0\b|[0-7]\b)""",
        "time:2026-03-14T09:21:07Z\tlevel:error\tmsg:boom",
        Level.ERROR,
    ),
    LevelRule(
        "letter-glog",
        Place.START,
        r"^(?P<level>[DIWEF])\d{4,8} [ \d]\d:\d\d:\d\d",
        "W20260314 09:21:07.482193 4124 raft.cc:91] slow",
        Level.WARN,
    ),
    LevelRule(
        "letter-ruby",
        Place.START,
        r"^(?P<level>[DIWEFA]), \[",
        "E, [2026-03-14T09:21:07.482193 #3121] ERROR -- : no connection",
        Level.ERROR,
        {"a": Level.UNKNOWN},
    ),
    LevelRule(
        "letter-cups",
        Place.START,
        r"^(?P<level>[XAECWNID]) \[\d\d/[A-Z][a-z]{2}/",
        "E [14/Mar/2026:09:21:07 +0000] Unable to open the printer",
        Level.ERROR,
        {"x": Level.FATAL, "n": Level.INFO},
    ),
    LevelRule(
        "letter-logcat-brief",
        Place.START,
        r"^(?P<level>[VDIWEFS])/[^\s(:]{1,64}\s*(?:\(\s*\d+\))?:",
        "W/InputMethod( 1702): unsupported code 0",
        Level.WARN,
        {"s": Level.FATAL},
    ),
    LevelRule(
        "letter-in-parentheses",
        Place.START,
        r"^\((?P<level>[DIWEF])\) ",
        "(E) 14.03.2026 09:21:07 disk full",
        Level.ERROR,
    ),
    LevelRule(
        "letter-first",
        Place.START,
        rf"^\[?(?P<level>{_LETTER})[ ,|]\s*\[?\d\d",
        "[E 2026-03-14 09:21:07.482 ServerApp] could not start",
        Level.ERROR,
    ),
    LevelRule(
        "glyph-redis",
        Place.START,
        r"^\d+:[A-Z] \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d\.\d{3} "
        r"(?P<level>[.*#-]) ",
        "1:M 14 Mar 2026 09:21:07.482 # no memory left",
        Level.WARN,
        {".": Level.DEBUG, "-": Level.DEBUG, "*": Level.INFO, "#": Level.WARN},
    ),
    LevelRule(
        "mnemonic-cisco",
        Place.REST,
        r"%[A-Z][A-Z0-9_-]*-(?P<level>[0-7])-[A-Z0-9_]+:",
        "Mar 14 2026 09:21:07: %ASA-3-710003: TCP access denied by ACL",
        Level.ERROR,
        _DIGIT,
    ),
    LevelRule(
        "facility",
        Place.REST,
        rf"(?:^|[\s<\[]){_FACILITY}\.(?P<level>{_ANY_CASE})(?:[\s>\]:]|$)",
        "Mar 14 09:21:07 gw-1 daemon.err mcad[2211]: no connection",
        Level.ERROR,
    ),
    LevelRule(
        "postgres",
        Place.FIELD,
        r"(?:^|[\s:])(?P<level>LOG):  ",
        "2026-03-14 09:21:07.482 UTC [1] LOG:  ready",
        Level.INFO,
    ),
    LevelRule(
        # Two blanks follow its levels, whatever its log_line_prefix says before.
        "postgres-anywhere",
        Place.REST,
        r"(?:^|[\s:>\]])(?P<level>ERROR|FATAL|PANIC|WARNING|NOTICE|LOG):  \S",
        "1773480067.482 2211 app shop ERROR:  there is no such relation",
        Level.ERROR,
    ),
    LevelRule(
        "topics-routeros",
        Place.REST,
        r"\s[a-z0-9-]+(?:,[a-z0-9-]+)*,(?P<level>critical|error|warning|info|debug)"
        r"(?:,[a-z]+)* ",
        "Mar 14 09:21:07 gw system,error,critical login failure for user admin",
        Level.FATAL,
    ),
    LevelRule(
        "word-esxi",
        Place.REST,
        r": (?P<level>error|warning|info|verbose) [\w-]+\[\w+\] \[Originator@",
        "2026-03-14T09:21:07.482Z n1 Hostd: error hostd[99] [Originator@6876] no",
        Level.ERROR,
    ),
    LevelRule(
        "php",
        Place.REST,
        r"PHP (?P<level>(?:Fatal|Parse|Recoverable fatal) error|Warning|Notice"
        r"|Deprecated|Strict Standards):",
        "[14-Mar-2026 09:21:07 UTC] PHP Fatal error:  Uncaught Error",
        Level.FATAL,
        {
            "fatal error": Level.FATAL,
            "parse error": Level.FATAL,
            "recoverable fatal error": Level.ERROR,
            "deprecated": Level.WARN,
            "strict standards": Level.INFO,
        },
    ),
    LevelRule(
        "crash",
        Place.START,
        r"^(?P<level>Traceback \(most recent call last\):|Exception in thread \""
        r"|Unhandled exception|Uncaught [A-Z]\w+|panic: |thread '[^'\n]*' panicked at"
        r"|(?:[a-z]\w*\.)*[A-Z]\w*(?:Exception|Error)(?::\s|$))",
        "java.lang.IllegalStateException: queue full",
        Level.ERROR,
        {"panic: ": Level.FATAL},
        in_message=True,
    ),
    LevelRule(
        # Django writes no level without a formatter; these are of 5xx and 4xx answers.
        "answer-django",
        Place.START,
        r"^(?P<level>Internal Server Error|Service Unavailable|Not Found|Bad Request"
        r"|Forbidden(?: \([^()]*\))?|Method Not Allowed(?: \([A-Z]+\))?): /",
        "Internal Server Error: /cart/",
        Level.ERROR,
        {"internal server error": Level.ERROR, "service unavailable": Level.ERROR},
        in_message=True,
    ),
    LevelRule(
        "word-first",
        Place.START,
        rf"^(?:\xe2\x94\x82 )?(?P<level>{_ANY_CASE}|trce|dbug|(?i:fail))"
        r"(?:[:!]|\s+\[|\s+\d\d|[\t,;]\"?\d)",
        "error: no such table",
        Level.ERROR,
    ),
    LevelRule(
        "word-npm",
        Place.START,
        r"^(?:npm|pnpm|yarn)\s+(?P<level>(?i:err|error|warn|warning|info|notice|verb))"
        r"(?:[!:\s]|$)",
        "npm ERR! code ELIFECYCLE",
        Level.ERROR,
        {"verb": Level.TRACE},
    ),
    LevelRule(
        "word-after-time",
        Place.FIELD,
        rf"{_TIME_END}{_GAP}(?P<level>{_ANY_CASE}|FINE|FINER|FINEST|SUCCESS|CONFIG)"
        r"(?:$|[\s|:;,])",
        "2026-03-14T09:21:07Z error could not bind",
        Level.ERROR,
    ),
    LevelRule(
        "dotnet-after-time",
        Place.FIELD,
        rf"{_TIME_END}{_GAP}(?P<level>trce|dbug|fail): [\w.`+]+\[\d+\]",
        "2026-03-14 09:21:07.482 fail: Shop.Worker[13] could not save",
        Level.ERROR,
    ),
    LevelRule(
        "letter-telegraf",
        Place.FIELD,
        rf"{_TIME_END}\s(?P<level>[DIWE])! ",
        "2026-03-14T09:21:07Z E! [inputs.disk] no such file",
        Level.ERROR,
    ),
    LevelRule(
        "letter-websphere",
        Place.FIELD,
        r"\] [0-9a-f]{8} [\w.$-]{1,13} +(?P<level>[FEWAICDOR])\s",
        "[3/14/26 9:21:07:482 UTC] 00000031 ServletWrappe E SRVE0068E: no servlet",
        Level.ERROR,
        {"a": Level.INFO, "c": Level.INFO, "o": Level.INFO, "r": Level.ERROR},
    ),
    LevelRule(
        "letter-after-time",
        Place.FIELD,
        rf"\d[Z\])>]*{_GAP}(?P<level>{_LETTER})(?:\s+[A-Za-z\[(]|\s*\||/|: )",
        "03-14 09:21:07.482  1702  2395 E ActivityManager: not responding",
        Level.ERROR,
    ),
    LevelRule(
        "word-in-column",
        Place.FIELD,
        rf"(?:\t|\s\s)(?P<level>{_ANY_CASE})(?:\t|\s\s)",
        "2026-03-14 09:21:07.482193+0000 0x1f2  Error       0x0   Shop: boom",
        Level.ERROR,
    ),
    LevelRule(
        "field-in-brackets",
        Place.FIELD,
        rf"[\[(<|{{:#/](?:\s*)(?P<level>{_IN_BRACKETS})\s*[\])>|}}]",
        "09:21 [warning  ] slow query",
        Level.WARN,
    ),
    LevelRule(
        "letter-in-brackets",
        Place.FIELD,
        rf"(?:\[(?P<level>{_LETTER})\]|\|\s*(?P<barred>{_LETTER})\s*\||<(?P<angled>{_LETTER})>)",
        "09:21:07 [E] no route",
        Level.ERROR,
    ),
    LevelRule(
        "letter-behind-tag",
        Place.FIELD,
        r"\]: (?P<level>[DIWEF])\d{4} \d\d:\d\d:",
        "Mar 14 09:21:07 n1 kubelet[7]: E0314 09:21:07.482193 7 server.go:4] no",
        Level.ERROR,
    ),
    LevelRule(
        "field-in-capitals",
        Place.FIELD,
        rf"(?:^|[\s\[\]|:(){{}}<>,;\"*])(?P<level>{_CAPITALS})(?:$|[\s\[\]|:(){{}}<>,;\"*!/])"
        rf"|\.(?P<dotted>{_CAPITALS}|{_EMPHATIC_CAPITALS}): "
        rf"|(?:^|[\s|])(?P<emphatic>{_EMPHATIC_CAPITALS})(?:[:|\])>]|\s+[|-])",
        "2026-03-14 | ERROR | down",
        Level.ERROR,
    ),
    LevelRule(
        "field-after-field",
        Place.FIELD,
        rf"(?:[:\]\)|>]|\s-|\t)\s+(?P<level>{_ANY_CASE}): ",
        "Sat Mar 14 09:21:07 2026 : Error: (0) Ignoring request",
        Level.ERROR,
    ),
)

ACCESS_STATUSES: tuple[str, ...] = (
    r'"[A-Z]{3,10} [^"\n]+"\s+(?P<status>[1-5]\d\d)(?:[\s,]|$)',
    # HAProxy: timers, then the status.
    r"\s(?:-?\d+/){3,4}\+?-?\d+ (?P<status>[1-5]\d\d) \+?\d+ ",
    # AWS load balancers: processing times, then the status.
    r"^(?:https?|h2|grpcs?|wss?) (?:\S+ ){4}(?:-?[\d.]+ ){3}(?P<status>[1-5]\d\d) ",
    r"\(HTTP/[\d.]+ (?P<status>[1-5]\d\d)\)",  # uWSGI
    # IIS, W3C: method, path, query, port, user, client, agent, referrer, status.
    r" [A-Z]{3,10} /\S* \S+ \d+ (?:\S+ ){3,8}(?P<status>[1-5]\d\d)(?: \d+){3,5}\s*$",
    # Pairs of lograge, and of what is made of nginx's variables.
    (
        r"(?:^|\s)(?:request_|http_)?method=\"?[A-Z]{3,10}\"?\s(?:.*\s)?(?:http_)?status"
        r"(?:_code)?=\"?(?P<status>[1-5]\d\d)(?:[\"\s]|$)"
    ),
)
"""The status of an answer to an HTTP request, in lines that state no level."""

SENTENCE = r"(?:^|[\s:])(?P<words>[A-Za-z][a-z']+[,.]? [a-z][a-z']+[,.]?) "
"""Two words in a row, the second in lower case: the header is over."""

PLAIN_WORD = (
    r"(?:^|[\s:])(?P<words>(?i:the|an?|no|not|with|of|to|from|for|and|or|is|was|are|this"
    r"|that|any|in|on|at|as|by|got)) "
)
"""A word that no header has: what follows is no level."""

BRACKETED = r"[\[({<\"][^\[\](){}<>\"]*[\])}>\"]"
"""What may read as a sentence though the header is not over: names of threads."""

LONG_SENTENCE = r"(?:^|[\s:])(?P<words>[A-Za-z][a-z']+ [a-z][a-z']+ [a-z][a-z']+) "
"""Three: no bare number behind them is the time."""
