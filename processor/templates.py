"""Fingerprints: what stays of a message when all that varies is masked.

Stateless: the same message has the same template and id on every machine, in every
partition and after every restart. One setting for all formats. A stack trace is known
by its fault, so that one fault is one template.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import NamedTuple

import numpy as np

from processor import columns, masks
from processor.columns import Column, Ints
from processor.traces import MAX_BYTES, Fault, announced, fault_of

MAX_TEMPLATE_CHARS = 300
# Together 20 MB at most: a longer key is remembered by its digest.
_REMEMBERED, _MAX_KEY_BYTES = 20_000, 256


class Template(NamedTuple):
    """A fingerprint: `id` is eight bytes in hex, `text` is for people."""

    id: str
    text: str


class Fingerprints:
    """Fingerprints of messages; remembers a bounded number of them.

    They are remembered by the message with each number as one 0: errors come again and
    again, and most of them differ in numbers only.
    """

    def __init__(self, *, remembered: int = _REMEMBERED) -> None:
        self._remembered = remembered
        self._known: dict[bytes, Template] = {}

    def of(self, messages: Column) -> tuple[Ints, list[Template]]:
        """Each row as the number of its template, and the distinct templates."""
        heads = columns.head(messages, MAX_BYTES)
        which, texts = columns.codes(masks.same_digits(heads))
        keys = list(map(_key, texts))
        found = list(map(self._known.get, keys))
        missing = [row for row, template in enumerate(found) if template is None]
        made = templates_of([texts[row] for row in missing])
        for row, template in zip(missing, made, strict=True):
            found[row] = template
            self._remember(keys[row], template)
        numbers: dict[Template | None, int] = {}
        of_text = [numbers.setdefault(template, len(numbers)) for template in found]
        return np.array(of_text, np.int64)[which], [t for t in numbers if t is not None]

    def __len__(self) -> int:
        """How many are remembered."""
        return len(self._known)

    def _remember(self, key: bytes, template: Template) -> None:
        if len(self._known) >= self._remembered:
            self._known.clear()
        self._known[key] = template


def templates_of(texts: Sequence[bytes]) -> list[Template]:
    """The templates of messages whose numbers are one 0 each."""
    if not texts:
        return []
    faults = [fault_of(text) if b"\n" in text else None for text in texts]
    lines = [
        _line(text) if fault is None else fault.message
        for text, fault in zip(texts, faults, strict=True)
    ]
    masked = columns.to_list(masks.mask(columns.column(lines)))
    told = [
        text if fault is None else _told(fault, text)
        for text, fault in zip(masked, faults, strict=True)
    ]
    known = {text: _template(text) for text in set(told)}
    return [known[text] for text in told]


def _line(text: bytes) -> bytes:
    return announced(text) if b"\n" in text else text


def _told(fault: Fault, message: bytes) -> bytes:
    """A fault as one line: `Type: message (Cause) at here < there`."""
    told = b": ".join(filter(None, (fault.kind, message.strip())))
    if fault.cause:
        told += b" (" + fault.cause + b")"
    return told + b" at " + b" < ".join(fault.frames)


def _template(masked: bytes) -> Template:
    text = masked.strip()
    digest = blake2b(text, digest_size=8).hexdigest()
    return Template(digest, text.decode("utf-8", "replace")[:MAX_TEMPLATE_CHARS])


def _key(text: bytes) -> bytes:
    if len(text) <= _MAX_KEY_BYTES:
        return text
    return blake2b(text, digest_size=16).digest()
