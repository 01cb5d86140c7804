"""Fingerprints: what stays of a message when all that varies is masked.

Stateless: the same message has the same template and id on every machine, in every
partition and after every restart. One setting for all formats.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import NamedTuple

import numpy as np

from processor import columns
from processor.columns import Column, Ints

MAX_MESSAGE_BYTES = 512
MAX_TEMPLATE_CHARS = 300
MASK = "<*>"


@dataclass(frozen=True, slots=True)
class Mask:
    """A kind of text that varies; `example` is masked wholly."""

    name: str
    pattern: str
    example: str


_TOKEN = r"[A-Za-z0-9_.:/@%+#~$-]"  # noqa: S105 - a pattern

MASKS: tuple[Mask, ...] = (
    Mask("double-quoted", r'"(?:[^"\\]|\\.)*"', '"user 7"'),
    Mask("single-quoted", r"\B'(?:[^'\\]|\\.)*'", "'user 7'"),
    Mask("url", r"[a-z][a-z0-9+.-]*://[^\s\"'<>\])]+", "https://a.example/x?y=z"),
    Mask("e-mail", r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+", "ann@mail.example"),
    # Numbers, addresses, UUIDs, most hex and every name with a digit in it.
    Mask("with-digit", rf"[A-Za-z_./@#~$+-]*[0-9]{_TOKEN}*", "10.0.0.7:5432"),
    Mask("path", r"(?:~|\.{1,2}|\b[A-Z]:)?(?:[/\\][\w.@+-]+){2,}/?", "/var/lib/x"),
    Mask("hex", r"\b(?:[0-9a-f]{8,}|[0-9A-F]{8,})\b", "deadbeef"),
    Mask(
        "host",
        r"\b(?:[a-z-]+\.)+(?:com|net|org|io|dev|local|internal|lan|svc|example)\b",
        "db.shop.internal",
    ),
)

_ONE_DIGIT = np.arange(256, dtype=np.uint8)
_ONE_DIGIT[ord("0") : ord("9") + 1] = ord("0")

# A key keeps its name: `code=<*>` and `user=<*>` are different messages.
_KEY_VALUE = r'([A-Za-z_][\w.-]*=)(?:"(?:[^"\\]|\\.)*"|[^\s,;)\]}"]+)'
_PATTERN = f"{_KEY_VALUE}|" + "|".join(f"(?:{mask.pattern})" for mask in MASKS)
# `<*>, <*>, <*>` is a list whose length varies, and blanks are of no meaning.
_REPEATED = r"(?:<\*>[\s,:;|-]*){2,}"


class Template(NamedTuple):
    """A fingerprint: `id` is eight bytes in hex, `text` is for people."""

    id: str
    text: str


class Fingerprints:
    """Fingerprints of messages; remembers a bounded number of them."""

    def __init__(self, *, remembered: int = 20_000) -> None:
        self._remembered = remembered
        self._known: dict[bytes, Template] = {}

    def of(self, messages: Column) -> tuple[Ints, list[Template]]:
        """Each row as the number of its template, and the distinct templates."""
        which, texts = columns.codes(mask(messages))
        return which, [self._of_masked(text) for text in texts]

    def _of_masked(self, masked: bytes) -> Template:
        template = self._known.get(masked)
        if template is None:
            template = fingerprint(masked)
            if len(self._known) >= self._remembered:
                self._known.clear()
            self._known[masked] = template
        return template


def mask(messages: Column) -> Column:
    """The messages' first lines with what varies masked.

    Every digit becomes a 0 first. A token with a digit in it is masked whatever the
    digit, so that changes little more than names such as `key7=`, and it leaves few
    distinct messages for the pattern, which is a hundred times as slow.
    """
    heads = columns.head(messages, MAX_MESSAGE_BYTES)
    which, texts = columns.codes(columns.translate(heads, _ONE_DIGIT))
    first = columns.column([text.partition(b"\n")[0] for text in texts])
    masked = columns.replace(first, _PATTERN, rf"\1{MASK}")
    masked = columns.replace(masked, _REPEATED, f"{MASK} ")
    return columns.take(columns.replace(masked, r"\s+", " "), which)


def fingerprint(masked: bytes) -> Template:
    """The template of a masked message."""
    text = masked.strip()
    digest = blake2b(text, digest_size=8).hexdigest()
    return Template(digest, text.decode("utf-8", "replace")[:MAX_TEMPLATE_CHARS])
