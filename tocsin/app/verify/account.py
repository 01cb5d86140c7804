"""The account of one file: what its records cover, and what is wrong with them. Pure.

Records come in columns. Those that follow each other (the next offset is the last one
plus its length plus one) are taken as one piece: one span, one comparison with the
file. Only what does not fit is looked at record by record; so is each record of a file
in another encoding or with another delimiter, as its bytes in the file are others.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from hashlib import blake2b
from itertools import pairwise
from operator import add

from tocsin.app.verify.coverage import Coverage, Span
from tocsin.app.verify.written import Read, WrittenRecord, end_of_line
from tocsin.records.keys import Mark
from tocsin.records.text import PLAIN, Text

MAX_FINDINGS = 1_000
_LOOK = 1 << 20


class Kind(Enum):
    """What is wrong with a range of bytes; the value is what a person reads."""

    HOLE = "hole"
    OVERLAP = "overlap"
    DIFFERENCE = "difference"
    ORDER = "out of order"


@dataclass(frozen=True, slots=True)
class Finding:
    """A range of bytes that is not there exactly once, or is not what the file has."""

    kind: Kind
    start: int
    end: int


@dataclass(slots=True)
class Account:
    """What the records of one file-id cover.

    `findings` holds the first `MAX_FINDINGS`, `more` counts the others. `left_out`:
    bytes that are in no record, as the marks of records say: cut, or NUL bytes.
    `dead`: bytes whose records were refused and are dead letters.
    """

    covered: Coverage = field(default_factory=Coverage)
    records: int = 0
    findings: list[Finding] = field(default_factory=list)
    more: int = 0
    left_out: int = 0
    dead: int = 0
    is_compared: bool = True
    text: Text = PLAIN
    _cut_ends: set[int] = field(default_factory=set)
    _nul_ends: set[int] = field(default_factory=set)
    _digest: blake2b | None = field(default_factory=lambda: blake2b(digest_size=16))
    _digested: int = 0

    def take(
        self,
        offsets: Sequence[int],
        values: Sequence[bytes],
        marks: Sequence[Mark] | None,
        read: Read,
    ) -> None:
        """Take records in, in the order of the topic; no `marks`: none has one."""
        self.records += len(values)
        if not self.text.is_plain:
            self._take_text(offsets, values, marks, read)
            return
        ends = list(map(add, offsets, map(len, values)))
        if marks is None:
            ends = [end + 1 for end in ends]
            for low, high in _pieces(offsets, ends):
                self._piece(offsets[low:high], ends[low:high], values[low:high], read)
            return
        for i, mark in enumerate(marks):
            # An unfinished line has no newline, and one that was cut not known where.
            closed = mark not in {Mark.PARTIAL, Mark.CUT}
            if mark is Mark.CUT:
                self._cut_ends.add(ends[i])
            elif mark is Mark.NUL:
                self._nul_ends.add(offsets[i])
            end = ends[i] + closed
            self._piece(offsets[i : i + 1], [end], values[i : i + 1], read)

    def take_dead(self, offset: int, size: int) -> None:
        """Take in a record that the bus refused: a dead letter stands for its bytes."""
        # Dead letters are another topic: they are in no order with the records.
        end = offset + size + 1
        if not self.text.is_plain:
            # What was refused is not known; an unfinished event may have many lines.
            end = next((s.start for s in self.covered.spans if s.start > offset), end)
        for span in self.covered.add(offset, end):
            self.find(Kind.OVERLAP, span)
        self.dead += end - offset

    def conclude(self, begin: int, end: int, read: Read) -> None:
        """Find the holes: `[begin, end)` are the bytes that should be covered."""
        if self._cut_ends and self.covered.end in self._cut_ends:
            end = max(end, self.covered.end)
        for hole in self.covered.holes(begin, end):
            if self._is_explained(hole, read):
                self.left_out += hole.size
            else:
                self.find(Kind.HOLE, hole)

    def find(self, kind: Kind, span: Span) -> None:
        """Note something wrong; a range that goes on is one finding."""
        last = self.findings[-1] if self.findings else None
        if last is not None and last.kind is kind and last.end == span.start:
            self.findings[-1] = Finding(kind, last.start, span.end)
        elif len(self.findings) < MAX_FINDINGS:
            self.findings.append(Finding(kind, span.start, span.end))
        else:
            self.more += 1

    def not_compared(self) -> None:
        """Take back what a comparison found: the file holds something else now."""
        self.is_compared = False
        self.findings = [x for x in self.findings if x.kind is not Kind.DIFFERENCE]

    @property
    def content(self) -> tuple[int, str] | None:
        """Length and hash of its bytes, if they came in order from the first one on."""
        if self._digest is None or not self._digested:
            return None
        return self._digested, self._digest.hexdigest()

    def _piece(
        self,
        offsets: Sequence[int],
        ends: Sequence[int],
        values: Sequence[bytes],
        read: Read,
    ) -> None:
        start, end = offsets[0], ends[-1]
        self._cover(start, end)
        data = b"\n".join(values)
        if len(data) < end - start:
            data += b"\n"
        self._hash(start, data)
        if not self.is_compared:
            return
        there = read(start, len(data))
        if there is None:
            self.not_compared()
        elif there != data:
            for low, high, value in zip(offsets, ends, values, strict=True):
                text = value + b"\n" * (high - low - len(value))
                if there[low - start : high - start] != text:
                    self.find(Kind.DIFFERENCE, Span(low, high))

    def _take_text(
        self,
        offsets: Sequence[int],
        values: Sequence[bytes],
        marks: Sequence[Mark] | None,
        read: Read,
    ) -> None:
        chosen = marks if marks is not None else [Mark.NONE] * len(values)
        for offset, value, mark in zip(offsets, values, chosen, strict=True):
            written = WrittenRecord(offset, value, mark)
            end = written.end(self.text, read)
            if end is None:  # nobody can tell any more how many bytes it was
                self._cut_ends.add(offset)
                continue
            if mark is Mark.CUT:
                self._cut_ends.add(end)
            elif mark is Mark.NUL:
                self._nul_ends.add(offset)
            self._cover(offset, end)
            self._digest = None
            if not self.is_compared:
                continue
            there = read(offset, end - offset)
            if there is None:
                self.not_compared()
            elif not written.stands_for(there, self.text):
                self.find(Kind.DIFFERENCE, Span(offset, end))

    def _cover(self, start: int, end: int) -> None:
        is_late = start < self.covered.end
        before = self.covered.add(start, end)
        for span in before:
            self.find(Kind.OVERLAP, span)
        if is_late and not before:
            self.find(Kind.ORDER, Span(start, end))

    def _hash(self, start: int, data: bytes) -> None:
        if start != self._digested:
            self._digest = None
        if self._digest is not None:
            self._digest.update(data)
            self._digested += len(data)

    def _is_explained(self, hole: Span, read: Read) -> bool:
        """Whether the marks beside a hole say why it is there, and the file agrees."""
        if hole.end in self._nul_ends and _holds_only_nul(hole, read):
            return True
        return hole.start in self._cut_ends and _ends_one_line(hole, read, self.text)


def _pieces(offsets: Sequence[int], ends: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Ranges of records that follow each other."""
    if ends[:-1] == offsets[1:]:
        yield 0, len(offsets)
        return
    follows = zip(ends, offsets[1:], strict=False)
    breaks = [i for i, (end, offset) in enumerate(follows, 1) if end != offset]
    yield from pairwise([0, *breaks, len(offsets)])


def _chunks(span: Span, read: Read) -> Iterator[bytes | None]:
    at = span.start
    while at < span.end:
        data = read(at, min(_LOOK, span.end - at))
        yield data
        at += len(data) if data else span.size


def _holds_only_nul(hole: Span, read: Read) -> bool:
    return all(data is None or not data.strip(b"\0") for data in _chunks(hole, read))


def _ends_one_line(hole: Span, read: Read, text: Text) -> bool:
    """Whether it is the rest of one line; without the file, that is believed."""
    end = end_of_line(hole.start, read, text)
    return end is None or end == hole.end
