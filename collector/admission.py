"""Whether, and from where on, a file is read that has no checkpoint.

Pure: the caller brings what it knows and reads the few bytes that are asked for. The
hard case is a rotated twin, `app.log.1` beside `app.log`. It is one of:

- old: it was rotated before this collector came; left out,
- a copy: of the file of that name, which is truncated next (copytruncate). What was
  read of the original must not be read again, and what was not is only in the copy,
- fresh: it was written and renamed between two looks; read from its beginning.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from collector.discovery import Found
from collector.identity import Fingerprint, Trail, Verdict
from collector.names import LeftOut, base_names
from collector.source import Source

TrailAt = Callable[[int], Trail]
"""Reads the trail of the file in question, were it read up to an offset."""


class Admit(Enum):
    """Where to begin."""

    BEGINNING = "it is new"
    END = "it is older than what is to be read"
    BEHIND_ORIGINAL = "it is a copy: only what was not read of the original is new"


@dataclass(frozen=True, slots=True)
class Policy:
    """What the configuration says of files that are there already."""

    at_end: bool
    ignore_older_s: float | None

    def admit(self, found: Found, *, first: bool, now: float) -> Admit:
        """Where to begin in a file that is no twin; `first`: its PATH is new, too."""
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


def judge_twin(
    found: Found, original: Source, trail_at: TrailAt
) -> Admit | LeftOut | None:
    """Tell a copy of `original`; None if it is none."""
    before = original.before
    if before is not None and _holds(before.fingerprint, before.offset, trail_at):
        return Admit.BEHIND_ORIGINAL
    offset = original.place.offset
    if offset and found.size >= offset and trail_at(offset) == original.trail:
        return LeftOut.COPY  # the original will be truncated, or it was a backup
    fingerprints = [Fingerprint.of(original.trail)]
    if before is not None:
        fingerprints.append(before.fingerprint)
    if any(_begins_like(each, found, trail_at) for each in fingerprints):
        return LeftOut.COPY  # smaller than what was read: nothing in it is new
    return None


def _holds(fingerprint: Fingerprint, offset: int, trail_at: TrailAt) -> bool:
    return offset > 0 and fingerprint.judge(trail_at(offset)) is Verdict.SAME


def _begins_like(fingerprint: Fingerprint, found: Found, trail_at: TrailAt) -> bool:
    length = fingerprint.head_length
    if not length or found.size < length:
        return False
    # A head alone says little while it is short: two files may share a first line.
    head = Fingerprint(length, fingerprint.head, 0, Fingerprint.of(Trail()).tail)
    return length >= _TELLING_BYTES and (
        head.judge(Trail(trail_at(length).head)) is Verdict.SAME
    )


_TELLING_BYTES = 512
