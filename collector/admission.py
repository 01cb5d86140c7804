"""Whether, and from where on, a file is read that has no checkpoint.

Pure: the caller brings what it knows and reads the few bytes that are asked for. The
hard case is a file that stands beside another one of a related name, `app.log.1` beside
`app.log`. It is one of:

- old: it was rotated before this collector came; left out,
- a copy: of the file of that name, which is truncated next (copytruncate). What was
  read of the original must not be read again, and what was not is only in the copy,
- fresh: it was written and renamed between two looks; read from its beginning.

Bytes decide between the last two. Until the original is truncated a copy is the
original's beginning, to its last byte; a file that merely has the same first line is
not. Once the original is truncated, the copy holds what was read before, and more.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from collector.discovery import Found
from collector.identity import HEAD_BYTES, Fingerprint, Trail, Verdict
from collector.names import base_names
from collector.source import Before, Source

TrailAt = Callable[[int], Trail]
"""Reads the trail of a file, were it read up to an offset; short if it is smaller."""


class Admit(Enum):
    """Where to begin."""

    BEGINNING = "it is new"
    END = "it is older than what is to be read"
    BEHIND_ORIGINAL = "it is a copy: only what was not read of the original is new"
    SHIPPED = "it is a copy: all of it was read of the original"


class Likeness(Enum):
    """What a file has to do with one of a related name."""

    NONE = "it is a file of its own"
    COPY = "it is all in the other one so far: that may be truncated next"
    HAS_NEWS = "it is a copy of what was truncated: what was not read is only here"
    SHIPPED = "it is a copy of what was truncated, and nothing in it is new"
    UNKNOWN = "the other one is being rewritten: its copy shows once that is settled"


@dataclass(frozen=True, slots=True)
class Policy:
    """What the configuration says of files that are there already."""

    at_end: bool
    ignore_older_s: float | None

    def admit(self, found: Found, *, first: bool, now: float) -> Admit:
        """Where to begin in a file that is no copy; `first`: its PATH is new, too."""
        older = self.ignore_older_s
        if older is not None and found.modified_at < now - older:
            return Admit.END
        return Admit.END if first and self.at_end else Admit.BEGINNING


def is_old_twin(found: Found, *, since: float, first: bool) -> bool:
    """Whether it was rotated before its PATH was watched.

    Later the name alone tells: while the original is being rotated there is none.
    """
    if not found.chosen or found.modified_at > since:
        return False
    name = found.path.rpartition("/")[2]
    return found.twin_of is not None or (not first and bool(base_names(name)))


def compare_truncated(found: Found, before: Before, trail_at: TrailAt) -> Likeness:
    """Tell a copy of what a file held before it was truncated."""
    offset, fingerprint = before.offset, before.fingerprint
    if not offset:
        alike = not before.taken and _is_copy_of_unread(found, before, trail_at)
        return Likeness.HAS_NEWS if alike else Likeness.NONE
    if found.size >= offset:
        if fingerprint.judge(trail_at(offset)) is not Verdict.SAME:
            return Likeness.NONE
        return Likeness.SHIPPED if before.taken else Likeness.HAS_NEWS
    # Smaller than what was read: it was copied while the original still grew.
    head = trail_at(min(found.size, HEAD_BYTES)).head
    if before.head:
        alike = before.head.startswith(head) and bool(head)
    else:
        telling = fingerprint.head_length == len(head) == HEAD_BYTES
        alike = telling and Fingerprint.of(Trail(head)).head == fingerprint.head
    return Likeness.SHIPPED if alike else Likeness.NONE


def compare_live(
    found: Found, original: Source, trail_at: TrailAt, original_at: TrailAt
) -> Likeness:
    """Tell a copy of a file that was not truncated so far, as it seems."""
    here = trail_at(found.size)
    if original_at(found.size) == here:
        return Likeness.COPY
    offset = original.place.in_file
    if original_at(offset) != original.trail:
        return Likeness.UNKNOWN
    return Likeness.NONE


def compare_vanished(found: Found, original: Source, trail_at: TrailAt) -> Likeness:
    """Tell a copy of a file that cannot be found, for now or for ever."""
    offset = original.place.in_file
    if not offset:
        if not original.beginning:
            return Likeness.UNKNOWN
        alike = _begins_with(found, original.beginning, trail_at)
        return Likeness.COPY if alike else Likeness.NONE
    alike = found.size >= offset and trail_at(offset) == original.trail
    return Likeness.COPY if alike else Likeness.NONE


def _is_copy_of_unread(found: Found, before: Before, trail_at: TrailAt) -> bool:
    if before.head:
        return _begins_with(found, before.head, trail_at)
    # Not even its first bytes are known: its copy shows by its size alone.
    return found.size >= before.unread > 0


def _begins_with(found: Found, beginning: bytes, trail_at: TrailAt) -> bool:
    """Whether a file, or as much as there is of it, begins so."""
    length = min(found.size, len(beginning))
    return length > 0 and trail_at(length).head == beginning[:length]
