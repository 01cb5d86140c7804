"""The beginnings of lines, where general rules look for headers."""

from __future__ import annotations

from dataclasses import dataclass

from processor import columns
from processor.columns import Column, Ints
from tocsin.formats import fallback

NOWHERE = 1 << 30
"""A position behind every other: where nothing was found."""


@dataclass(frozen=True, slots=True)
class Heads:
    """The beginnings of some lines; `rows` are their numbers in a reading."""

    rows: Ints
    texts: Column

    def only(self, chosen: Ints) -> Heads:
        """Some of them, by position."""
        return Heads(self.rows[chosen], columns.select(self.texts, chosen))


def heads_of(texts: Column, rows: Ints) -> Heads:
    """The beginnings of texts: of several lines the first."""
    texts = columns.head(texts, fallback.LOOK_AT_BYTES)
    if columns.contains_byte(texts, 0x0A):
        texts = columns.replace(texts, r"\n(?s:.*)", "")
    return Heads(rows, texts)


def behind_sentence(
    heads: Heads, starts: Ints, sentence: str = fallback.SENTENCE
) -> Ints:
    """Which matches begin where the header is over already."""
    matched, spans = columns.extract_few_spans(heads.texts, sentence)
    if len(matched) == 0:
        return matched
    start, length = spans[0]
    after = (start + length <= starts[matched]) & (starts[matched] < NOWHERE)
    doubtful = matched[after]
    if len(doubtful) == 0:
        return doubtful
    # Once more without what stands in brackets: thread names may be sentences.
    before = columns.column(
        columns.slices(heads.texts, doubtful, doubtful * 0, starts[doubtful])
    )
    before = columns.replace(before, fallback.BRACKETED, "[]")
    return doubtful[columns.matches(before, sentence)]
