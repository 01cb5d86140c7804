"""Fingerprints: what stays of a message when all that varies is masked.

Stateless: the same message has the same template and id on every machine, in every
partition and after every restart. One setting for all formats. A stack trace is known
by its fault, so that one fault is one template.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from itertools import islice
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
        which, texts = masks.alike(heads)
        keys = [t if len(t) <= _MAX_KEY_BYTES else _digest(t) for t in texts]
        found = list(map(self._known.get, keys))
        missing = [row for row, template in enumerate(found) if template is None]
        made = templates_of([texts[row] for row in missing])
        for row, template in zip(missing, made, strict=True):
            found[row] = template
        self._remember({keys[row]: t for row, t in zip(missing, made, strict=True)})
        distinct = {template.id: template for template in found if template is not None}
        numbers = {name: number for number, name in enumerate(distinct)}
        of_text = [numbers[template.id] for template in found if template is not None]
        return np.array(of_text, np.int64)[which], list(distinct.values())

    def __len__(self) -> int:
        """How many are remembered."""
        return len(self._known)

    def _remember(self, made: dict[bytes, Template]) -> None:
        if len(self._known) + len(made) > self._remembered:
            self._known.clear()
        self._known.update(islice(made.items(), self._remembered))


def templates_of(texts: Sequence[bytes]) -> list[Template]:
    """The templates of messages whose numbers are one 0 each."""
    if not texts:
        return []
    lines = list(texts)
    faults: dict[int, Fault] = {}
    for row, text in enumerate(texts):
        if b"\n" in text:
            fault = fault_of(text)
            lines[row] = announced(text) if fault is None else fault.message
            if fault is not None:
                faults[row] = fault
    told = columns.to_list(masks.mask(columns.column(lines)))
    for row, fault in faults.items():
        told[row] = _told(fault, told[row])
    known = {text: _template(text) for text in set(told)}
    return [known[text] for text in told]


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


def _digest(text: bytes) -> bytes:
    return blake2b(text, digest_size=16).digest()
