"""One file that is being read: its identity, its position, and one step of reading."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass, field
from enum import Enum
from functools import partial

from collector.checkpoint import PLAIN_VERSION, VERSION, Checkpoint, encode_path
from collector.framing import Framing, Place, Span, Taken
from collector.gunzip import Gunzip
from collector.identity import (
    HEAD_BYTES,
    TAIL_BYTES,
    FileKey,
    Fingerprint,
    Trail,
    Verdict,
    file_key_of,
)
from collector.service import Origin
from collector.telemetry import Lost
from tocsin.records.keys import Mark
from tocsin.records.text import LONGEST_BOM, PLAIN, Text, bom_bytes, text_of

# A character of UTF-16 or UTF-32 may begin with up to three zeros that somebody wrote.
_LEAST_HOLE = 4


class Standing(Enum):
    """Where a file is in its life."""

    LIVE = "its name is one that is read"
    ROTATED = "it was renamed; its writer may still write to it"
    DELETED = "it has no name any more"


@dataclass(frozen=True, slots=True)
class Before:
    """What a truncated or lost file held: where its copy, if there is one, has news.

    `unread`: bytes that are lost if there is none, for `reason`. `head`: its first
    bytes, where they are still known. `taken`: a copy was found that has the news.
    `file_id`: its row is kept so long, for a copy that another run has to judge.
    """

    offset: int
    fingerprint: Fingerprint
    unread: int
    at: float
    head: bytes = b""
    taken: bool = False
    reason: Lost = Lost.TRUNCATED
    file_id: str = ""


@dataclass(slots=True, eq=False)
class Source:
    """A file and how far it was read; everything before `place` is on its way.

    `home`: the directory that it is in, where `path` may be a link to it. `begins_at`:
    what is before was not to be read, or was read of the file that it is a copy of.
    `size`, `modified_at`: as last seen; `peak`: how large the present content was seen
    to be. `found_at`: when it was last seen at all. `named`: it was seen under some
    name. `rotated`: it got the name of a rotated file. `moved`: its row of `streams`,
    which tells `met_bytes`, is to be written. `may_begin_with_hole`: it may have been
    truncated under a writer that goes on at its old position. `archive`: what unpacks
    it, if it is packed; then `place` is in what it unpacks to, all sizes are its own.
    `framing`: how it is cut into records, once its first bytes told what text it is.
    `beginning`: its first bytes, while nothing was read of it.
    """

    file_id: str
    key: FileKey
    path: str
    root: str
    origin: Origin
    prefix: str
    partition: int
    first_seen_at: float
    home: str = ""
    base: str = ""
    begins_at: int = 0
    met_bytes: int = 0
    old_bytes: int = 0
    place: Place = field(default_factory=partial(Place, 0))
    trail: Trail = field(default_factory=Trail)
    size: int = 0
    peak: int = 0
    modified_at: float = 0.0
    found_at: float = 0.0
    named: bool = True
    rotated: bool = False
    standing: Standing = Standing.LIVE
    quiet_since: float = 0.0
    finished: bool = False
    finishing: bool = False
    moved: bool = True
    queued: bool = False
    seen_in: int = 0
    may_begin_with_hole: bool = True
    mark: Mark = Mark.NONE
    before: Before | None = None
    archive: Gunzip | None = None
    framing: Framing | None = None
    beginning: bytes = b""

    @property
    def name(self) -> str:
        """Its name in its directory."""
        return self.path.rpartition("/")[2]

    @property
    def text(self) -> Text:
        """What is in the file, as far as that is known."""
        return PLAIN if self.framing is None else self.framing.text

    @property
    def unread(self) -> int:
        """Bytes that are not taken, an unfinished line included."""
        return max(0, self.size - self.place.in_file)

    @property
    def is_ready(self) -> bool:
        """Whether there may be something to read."""
        if self.archive is not None and not self.finished:
            return True
        return self.size > self.place.in_file

    def checkpoint(self, *, at: float) -> Checkpoint:
        """What the next start needs to go on from here."""
        print_ = Fingerprint.of(self.trail)
        text = self.text
        is_plain = self.place.packed is None and text.is_plain
        parent = self.path.rpartition("/")[0] or "/"
        return Checkpoint(
            v=PLAIN_VERSION if is_plain else VERSION,
            file_id=self.file_id,
            path=encode_path(self.path),
            root=encode_path(self.root),
            service=encode_path(self.origin.service),
            offset=self.place.offset,
            head_length=print_.head_length,
            head=print_.head,
            tail_length=print_.tail_length,
            tail=print_.tail,
            first_seen_at=self.first_seen_at,
            at=at,
            habit=self.place.habit,
            finished=self.finished,
            rotated=self.rotated,
            begins_at=self.begins_at,
            size=max(self.size, self.peak),
            home=encode_path(self.home) if self.home != parent else "",
            key=self.key if self.key != file_key_of(self.file_id) else None,
            packed=self.place.packed,
            encoding=text.encoding,
            delimiter=text.ending,
        )


@dataclass(frozen=True, slots=True)
class Step:
    """What one read gave. `more`: it was no look at the file's end.

    `mark` belongs to the first line. `skipped`: bytes of a hole before it.
    """

    taken: Taken
    mark: Mark
    more: bool
    skipped: int = 0


def step(
    source: Source, descriptor: int, framing: Framing, *, ends_at: int | None = None
) -> Step | Verdict:
    """Read once, and move the source on; at most a chunk, or one long line.

    `ends_at`: do not wait for more of an event that is open to there.

    A verdict says that the file no longer is what was read before, and that nothing
    was taken.

    Raises:
        OSError: it cannot be read.
    """
    was = source.place
    if source.may_begin_with_hole:
        _skip_hole(source, descriptor, framing)
        if source.may_begin_with_hole:
            # No byte was written there so far; what is written now is read next.
            nothing = Taken(source.place, source.place.offset, [])
            skipped = source.place.offset - was.offset
            return Step(nothing, Mark.NONE, more=source.place != was, skipped=skipped)
    skipped = source.place.offset - was.offset
    if source.framing is None and not _fit(source, descriptor, framing):
        nothing = Taken(source.place, source.place.offset, [])
        return Step(nothing, Mark.NONE, more=False, skipped=skipped)
    framing = source.framing or framing
    place = source.place
    span = framing.want(place)
    data = _read(source, descriptor, span)
    # Compared after the read: had the file been rewritten before it, this would show.
    if not _is_same(source, descriptor):
        return _verdict(descriptor, place)
    source.peak = max(source.peak, source.size)
    source.beginning = b"" if source.trail.head else source.beginning
    if source.archive is not None:
        if len(data) < span.size and not source.archive.is_at_end:
            # What was read before is still being unpacked once more.
            return Step(Taken(place, place.offset, []), Mark.NONE, more=True)
        taken = framing.take(place, data, ends_at=ends_at)
        full = len(data) == span.size or taken.place.length is not None
        return _in_archive(source, source.archive, descriptor, taken, more=full)
    taken = framing.take(place, data, ends_at=ends_at)
    end = taken.place.offset - place.offset
    if end:
        if span.at == place.offset and end <= len(data):
            source.trail = source.trail.after(data, end)
        else:
            source.trail = trail_at(descriptor, taken.place.offset)
    mark = source.mark
    if taken.lines:
        source.mark = Mark.NONE
    source.place = taken.place
    full = len(data) == span.size or taken.place.length is not None
    mark = Mark.CUT if taken.dropped else mark
    return Step(taken, mark, full, skipped=skipped)


def _read(source: Source, descriptor: int, span: Span) -> bytes:
    if source.archive is None:
        return os.pread(descriptor, span.size, span.at)
    low = source.place.offset
    return source.archive.read(descriptor, span.at, span.size, low=low)


def _in_archive(
    source: Source, archive: Gunzip, descriptor: int, taken: Taken, *, more: bool
) -> Step:
    source.place = taken.place._replace(packed=archive.consumed)
    source.trail = trail_at(descriptor, archive.consumed)
    # Nothing is written to an archive that is whole.
    source.finishing |= not more and archive.is_whole
    return Step(taken, Mark.CUT if taken.dropped else Mark.NONE, more)


def last_words(source: Source, descriptor: int, framing: Framing) -> Step:
    """Take an unfinished last line as it is: its file is given up.

    Raises:
        OSError: it cannot be read.
    """
    place, archive = source.place, source.archive
    size = os.fstat(descriptor).st_size if archive is None else archive.position
    framing = source.framing or framing
    length = max(0, size - place.offset)
    span = Span(place.offset, min(length, framing.max_line))
    data = _read(source, descriptor, span)
    after = Place(place.offset + length, habit=place.habit, packed=place.packed)
    if archive is not None:
        archive.end()
    else:
        source.trail = trail_at(descriptor, after.offset)
    source.place = after
    taken = Taken(after, place.offset, [])
    if data:
        taken = framing.take_one(place.offset, data, after, whole=length)
    return Step(taken, Mark.CUT if taken.dropped else Mark.PARTIAL, more=False)


def trail_at(descriptor: int, offset: int) -> Trail:
    """The trail of a file that was read up to `offset`; short if it is smaller."""
    before = min(TAIL_BYTES, offset)
    return Trail(
        os.pread(descriptor, min(HEAD_BYTES, offset), 0),
        os.pread(descriptor, before, offset - before) if before else b"",
    )


def note_beginning(source: Source, descriptor: int) -> bool:
    """Keep a file's first bytes while nothing is read of it; False if others are there.

    So it shows what becomes of a file that is never read: rewritten, or copied.

    Raises:
        OSError: it cannot be read.
    """
    if source.archive is not None or source.place.in_file:
        return True
    found = os.pread(descriptor, HEAD_BYTES, 0)
    if not found.startswith(source.beginning):
        return False
    source.beginning = found
    return True


def _is_same(source: Source, descriptor: int) -> bool:
    at = source.place.in_file
    return holds(source.trail, descriptor, at) and note_beginning(source, descriptor)


def holds(trail: Trail, descriptor: int, offset: int) -> bool:
    """Whether a file that was read up to `offset` still holds what was read."""
    tail, head = trail.tail, trail.head
    return os.pread(descriptor, len(tail), offset - len(tail)) == tail and (
        offset <= TAIL_BYTES or os.pread(descriptor, len(head), 0) == head
    )


def _fit(source: Source, descriptor: int, framing: Framing) -> bool:
    """See from its first bytes what text a file is; False while there are too few."""
    beginning = _read(source, descriptor, Span(0, LONGEST_BOM))
    text = text_of(beginning, framing.text)
    if text is None:
        return False
    source.framing = framing.fit(text)
    # The table of streams tells what is not plain.
    source.moved |= not text.is_plain
    mark = bom_bytes(beginning)
    if source.place.offset < mark:
        source.place = source.place._replace(offset=mark)
        source.begins_at = mark
        if source.archive is None:
            source.trail = trail_at(descriptor, mark)
    return True


def line_start_before(descriptor: int, offset: int, framing: Framing) -> int:
    """The start of the line that `offset` is in, so that no line is split."""
    beginning = os.pread(descriptor, LONGEST_BOM, 0)
    text = text_of(beginning, framing.text) or framing.text
    ending = len(text.delimiter)
    low = max(0, offset - framing.max_line)
    at = offset
    while at > low:
        begin = max(low, at - 65_536)
        found = text.rfind(os.pread(descriptor, at - begin, begin), at=begin)
        if found >= 0:
            return begin + found + ending
        # A delimiter may stand across the border.
        at = begin + ending - 1 if begin > low else low
    return bom_bytes(beginning) if low == 0 else offset - offset % text.unit


def _verdict(descriptor: int, place: Place) -> Verdict:
    size = os.fstat(descriptor).st_size
    return Verdict.SHRUNK if size < place.in_file else Verdict.REWRITTEN


def _skip_hole(source: Source, descriptor: int, framing: Framing) -> None:
    """Step over the NUL bytes that a truncation under a writer left at the front.

    A writer that does not append goes on at its old position: the file system shows
    zeros before it, which nobody wrote.
    """
    at = source.place.offset
    if os.pread(descriptor, 1, at) not in {b"", b"\0"}:
        source.may_begin_with_hole = False
        return
    # An error: a file system that does not know, or nothing but a hole. Read it.
    with contextlib.suppress(OSError):
        at = max(at, os.lseek(descriptor, at, os.SEEK_DATA))
    data = os.pread(descriptor, framing.chunk, at)
    kept = data.lstrip(b"\0")
    at += len(data) - len(kept)
    if at - source.place.offset >= _LEAST_HOLE or source.mark is Mark.NUL:
        source.place = Place(at)
        source.trail = trail_at(descriptor, at)
        source.mark = Mark.NUL
    if kept:
        source.may_begin_with_hole = False
