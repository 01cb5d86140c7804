"""Log text made harmless for any display: it cannot move, hide, colour or flood.

Control characters (ANSI sequences included), bidirectional marks and other invisible
format characters go; what is cut is cut between graphemes, as far as combining marks,
joiners, variation selectors, skin tones and flags go.
"""

from __future__ import annotations

import re
import unicodedata

_ANSI = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # CSI: colours and movements
    r"|\x1b[\]PX^_].*?(?:\x07|\x1b\\|$)"  # OSC and other strings, to their end
    r"|\x1b[ -/]*[0-~]?",
    re.DOTALL,
)
_SPACES = str.maketrans({"\t": "    ", "\r": None, "\u2028": "\n", "\u2029": "\n"})
_JOINER = "\u200d"
ELLIPSIS = "…"


def clean(text: str) -> str:
    """The text without what a display would obey; line breaks stay."""
    if text.isascii() and text.isprintable():
        return text
    plain = _ANSI.sub("", text).translate(_SPACES)
    return "".join(x for x in plain if x == "\n" or not _is_unsafe(x))


def one_line(text: str) -> str:
    """The cleaned text with line breaks shown as ⏎."""
    return " ⏎ ".join(x.strip() for x in clean(text).split("\n") if x.strip())


def cut(text: str, limit: int) -> str:
    """At most `limit` UTF-16 units of it (Slack counts so), with … where it is cut."""
    if len(text) <= limit and _units(text) <= limit:
        return text
    size, end = 0, 0
    for at, char in enumerate(text):
        size += _units(char)
        if size > limit - 1:
            break
        end = at + 1
    while end > 0 and _continues(text, end):
        end -= 1
    return text[:end] + ELLIPSIS if limit > 0 else ""


def _units(text: str) -> int:
    return len(text) + sum(x > "\uffff" for x in text)


def _is_unsafe(char: str) -> bool:
    """Control, format (but the joiner of emoji), surrogate, private, unassigned."""
    return char != _JOINER and unicodedata.category(char)[0] == "C"


def _continues(text: str, at: int) -> bool:
    """Whether the character at `at` belongs to the grapheme before it."""
    if at >= len(text):
        return False
    char, before = text[at], text[at - 1]
    if _JOINER in {before, char}:
        return True
    if unicodedata.combining(char) or unicodedata.category(char) in {"Mn", "Me", "Mc"}:
        return True
    if "\U0001f3fb" <= char <= "\U0001f3ff":
        return True
    return _is_flag(char) and _flags_before(text, at) % 2 == 1


def _is_flag(char: str) -> bool:
    return "\U0001f1e6" <= char <= "\U0001f1ff"


def _flags_before(text: str, at: int) -> int:
    start = at
    while start > 0 and _is_flag(text[start - 1]):
        start -= 1
    return at - start
