r"""What varies in a message, and how it is masked: a few patterns, in columns.

Invariants:
- Stateless: what a message is masked to depends on the message alone.
- Words stay, values go. A value is a token with a digit in it, a path, an address, a
  name with dots, something quoted, who somebody is. `key=word` stays (`state=FAILED`
  is another fault than `state=QUEUED`), unless the key says that it names somebody.
- Every pattern runs in linear time (RE2), and most have no groups: without them RE2
  finds matches by its DFA, which is some three times as fast.
"""

from __future__ import annotations

from dataclasses import dataclass

from processor import columns
from processor.columns import Column, Ints

MASK = "<*>"
MAX_MESSAGE_BYTES = 512

_ONE_DIGIT = bytes.maketrans(b"123456789", b"000000000")
_DOTS = bytes.maketrans(b"\x1f", b".")


@dataclass(frozen=True, slots=True)
class Mask:
    """A kind of text that varies; `example` is masked wholly."""

    name: str
    pattern: str
    example: str


# What a token with a digit may have before the digit, inside, and at its end.
_BEFORE, _INSIDE, _LAST = (
    r"[A-Za-z_./@#~$+%\\\x80-\xff-]",
    # Not two colons: `Disk0::read` keeps its function.
    r"(?::?[A-Za-z0-9_./@%+#~$*\\\x80-\xff-])",
    r"[A-Za-z0-9_/@%+#~$\\\x80-\xff-]",
)
_UNIT = (
    r"(?: ?(?:[KMGT]i?[Bb]|[Bb]ytes?|B|[mnu]s|s|secs?|seconds?|mins?|minutes?|hours?"
    r"|days?|[KMG]?Hz|%)\b)?"
)
_MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*"
_DAY = r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*"
_SEGMENT = r"[\w.@+%~$\x80-\xff-]"
_FILE = (
    "bash|bat|bin|c|cc|cfg|class|conf|cpp|crt|cs|css|csv|dart|db|dll|exe|gif|go|gz|h"
    "|html?|ini|jar|java|jpe?g|js|json|jsx|key|log|lock|lua|md|mjs|mp[34]|pdf|pem|php"
    "|pid|pl|png|properties|py|rb|rs|rts|sh|so|sock|sql|sqlite|svg|tar|tgz|tmp|toml|ts"
    "|tsx|txt|vue|war|wasm|xml|ya?ml|zip"
)
_DOMAIN = (
    "com|net|org|edu|gov|mil|info|biz|io|dev|app|cloud|local|internal|lan|corp|home"
    "|localdomain|svc|cluster|example|test|arpa"
)

# One alternation: the first that matches at a place wins.
MASKS: tuple[Mask, ...] = (
    Mask("double-quoted", r'"(?:[^"\\]|\\.)*"', '"user 7"'),
    Mask("single-quoted", r"\B'(?:[^'\\]|\\.)*'\B", "'user 7'"),
    Mask("backquoted", r"`[^`']*[`']", "`user 7`"),
    Mask("url", r"\b[a-z][a-z0-9+.-]*://[^\s\"'<>\])]+", "https://a.example/x?y=z"),
    Mask("e-mail", r"\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+", "ann@mail.example"),
    Mask(
        "date",
        rf"\b(?:{_DAY},? +)?{_MONTH},? +[0-9]+\b(?:,? +{_INSIDE}*[0-9])*",
        "Fri Jun 17 07:07:00 2005",
    ),
    # Windows' drives, home, relative and absolute paths; not `and/or`.
    Mask("drive", r"\b[A-Za-z]:[/\\][^\s\"'<>|,;)\]]*", r"C:\Windows\x.dll"),
    Mask("path", rf"{_SEGMENT}*(?:[/\\]+{_SEGMENT}+){{2,}}/*", "/var/lib/x"),
    Mask("short path", rf"\B(?:~|\.{{1,2}})?/+{_SEGMENT}+/?", "./x"),
    Mask("component", rf"\b{_SEGMENT}+/\.?\w+\.{_SEGMENT}*\w", "com.acme/.Main.Start"),
    Mask("node list", r"\b[\w-]+\[[0-9]+[,-][0-9,-]*\]", "node-[40-63]"),
    # Network and hardware addresses that begin with a letter.
    Mask("colons", r"\b[0-9A-Fa-f]{1,4}(?:::?[0-9A-Fa-f]{1,4}){2,7}\b", "fe:ed:0:a::b"),
    Mask("port", r"\b[a-z0-9-]+(?:\.[a-z0-9-]+)+:[0-9]+\b", "proxy.shop:443"),
    # Numbers, addresses, UUIDs, most hex and every name with a digit in it.
    Mask(
        "with-digit",
        rf"<?{_BEFORE}*[0-9](?:{_INSIDE}*{_LAST})?{_UNIT}",
        "10.0.0.7:5432",
    ),
    Mask("hex", r"\b(?:[a-f]{8,}|[A-F]{8,})\b", "deadbeef"),
    # The name of a package, a class or a host, and of a place in the code.
    Mask("dotted", r"\b[a-z_][\w$-]*(?:\.[\w$-]+){2,}(?::[0-9]+)?", "org.a.Main.run:7"),
    Mask("host", rf"\b(?:[\w-]+\.)+(?:{_DOMAIN})\b\.?", "db.shop.internal"),
    Mask("file", rf"\b[\w.-]+\.(?:{_FILE})\b", "main.py"),
)
_PATTERN = "|".join(f"(?:{mask.pattern})" for mask in MASKS)

# Somebody's or something's own name.
_OWN = (
    "user|usr|username|user_name|login|logname|ruser|account|acct|owner|author|email"
    "|name|host|hostname|rhost|node|client|customer|tenant|id|session|token|key|tag"
)
_VALUE_END = r"\s,;)\]}\"'"
_QUOTED = r'"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\''


@dataclass(frozen=True, slots=True)
class _Step:
    """Replacements, one after another, in the messages that contain `needs`."""

    needs: str
    replacements: tuple[tuple[str, str], ...]


# An exception is known by its own name, not by its package's.
_EXCEPTION = r"\b(?:[A-Za-z_][\w$]*\.)+([A-Z][\w$]*(?:Exception|Error|Failure|Fault))\b"
# The verb says more than the address.
_REQUEST = (
    r'"?\b(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS|CONNECT|TRACE) [^\s"]+'
    r' HTTP/[0-9.]+"?'
)
_VALUE = (
    rf"=(?:{_QUOTED}|[^{_VALUE_END}=]*[^A-Za-z_{_VALUE_END}=][^{_VALUE_END}]*\}}?"
    r"|(?:null|NULL|nil|none|None|undefined|NaN)\b)"
)
_USER = r"\b((?:for|invalid|illegal|authenticating|by|as) user) [\w.@\\$-]+"

_STEPS: tuple[_Step, ...] = (
    _Step(".", ((_EXCEPTION, r"\1"),)),
    _Step("HTTP/", ((_REQUEST, rf"\1 {MASK}"),)),
    # The keys of JSON inside a message are words.
    _Step('":', ((r'"([A-Za-z_][\w.-]*)" ?:', r"\1:"),)),
    _Step(
        "=",
        (
            (_VALUE, f"={MASK}"),
            (rf"\b({_OWN})=[A-Za-z_]+", rf"\1={MASK}"),
            # A key keeps its dots, whatever is made of other names with dots.
            (r"\.([\w-]+)\.([\w-]+)=", "\x1f\\1\x1f\\2="),
            (r"(\w=)([\s,;)\]}]|$)", rf"\1{MASK}\2"),
        ),
    ),
    # A host and its port, first in a message: elsewhere it may be a key and its value.
    _Step(":0", ((r"^[a-z][a-z0-9-]*:[0-9]+( [a-z])", rf"{MASK}\1"),)),
    _Step("for ", ((r"\bfor [\w.@\\$-]+ from\b", f"for {MASK} from"),)),
    _Step(
        "ser ",
        (
            (_USER, rf"\1 {MASK}"),
            (r"\b([Uu]ser) [\w.@\\$-]+ (from|by|logged)\b", rf"\1 {MASK} \2"),
        ),
    ),
)

# `<*>, <*> - <*>` is a list whose length varies, and `<*> (<*>)` says it twice.
_MASKED = r"<\*>"
_LIST = rf"{_MASKED}(?:[\s,:;|/@.+*x-]*{_MASKED})+"
_BLANKS = (b"  ", b"\t", b"\n", b"\v", b"\f", b"\r")
_TWICE = rf"{_MASKED} \([\s,]*(?:{_MASKED}[\s,]*)*\)"


def same_digits(messages: Column) -> Column:
    """Messages with each number as one 0.

    A token with a digit in it is masked whatever the digit, so this changes little more
    than names such as `key7=`, and leaves few distinct messages for the patterns, which
    are a hundred times as slow.
    """
    return columns.squeeze(columns.translate(messages, _ONE_DIGIT), ord("0"))


def alike(messages: Column) -> tuple[Ints, list[bytes]]:
    """Each message as the number of those that differ in numbers only, and these.

    As they are after `same_digits`; digits are told alike before anything else, because
    few messages are left then.
    """
    which, distinct = columns.numbered(columns.translate(messages, _ONE_DIGIT))
    again, texts = columns.codes(columns.squeeze(distinct, ord("0")))
    return again[which], texts


def mask(messages: Column) -> Column:
    """One-line messages with what varies masked; each number in them is one 0."""
    texts = columns.cut(messages, MAX_MESSAGE_BYTES)
    for step in _STEPS:
        texts = columns.replace_where(texts, step.needs, step.replacements)
    masked = columns.replace(texts, _PATTERN, MASK)
    masked = columns.replace_where(masked, MASK, [(_LIST, MASK)])
    # Nearly no message says a value twice.
    masked = columns.replace_where(masked, f"{MASK} (", [(_TWICE, MASK), (_LIST, MASK)])
    if any(columns.any_contains(masked, blank) for blank in _BLANKS):
        masked = columns.replace(masked, r" {2,}|[\t\n\v\f\r]\s*", " ")
    return columns.translate(masked, _DOTS)
