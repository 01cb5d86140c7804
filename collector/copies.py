"""Files that may be copies of others, until it is certain what they are.

A copy beside its original is not read: its bytes are read there. It becomes news when
the original is truncated with bytes unread, so until then it is looked at again and
again. If nothing happens to the original it was a backup: it is entered as read to its
end, so that nobody takes it for something new later.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import partial

from collector.admission import (
    Admit,
    Likeness,
    compare_live,
    compare_truncated,
    compare_vanished,
)
from collector.checkpoint import Checkpoint
from collector.descriptors import Descriptors
from collector.discovery import Found
from collector.identity import HEAD_BYTES, FileKey, Trail, Verdict
from collector.ledger import Ledger
from collector.names import LeftOut, base_names, is_rotated_name
from collector.source import Before, Source, trail_at
from collector.stored import StoredRows

# A copy is truncated at once; a backup never is.
_SETTLES_S = 5.0
# One that is no rotated twin by its name needs that many equal bytes to be held back
# for long: two files of one program may begin alike.
_TELLING_BYTES = 4096
_JOINT = re.compile(r"[._~-]")
# Originals of one name in other directories, as with logrotate's `olddir`.
_MAX_NAMESAKES = 16


@dataclass(frozen=True, slots=True)
class Copy:
    """What a file is that is no file of its own: where to begin in it."""

    admit: Admit
    offset: int


@dataclass(slots=True)
class _Held:
    """A file that is held back: as it was, and whose copy it seems to be."""

    size: int
    modified_at: float
    original: Source
    file_id: str
    likeness: Likeness
    since: float


class Copies:
    """Judges files by the files that they may be copies of."""

    def __init__(
        self, ledger: Ledger, stored: StoredRows, descriptors: Descriptors
    ) -> None:
        self._ledger = ledger
        self._stored = stored
        self._descriptors = descriptors
        self._held: dict[FileKey, _Held] = {}
        self._names: dict[str, list[Source]] = {}
        self._named_in = -1

    def may_be_one(self, found: Found) -> bool:
        """Whether there is a file that it may be a copy of."""
        return bool(
            found.key in self._held or self._originals(found) or self._rows(found)
        )

    def judge(self, found: Found, *, now: float) -> Copy | LeftOut | None:
        """Tell a copy; None if it is none.

        Raises:
            OSError: it cannot be read.
        """
        held = self._held.get(found.key)
        if (
            held is not None
            and self._is_unchanged(held, found)
            and now - held.since < _SETTLES_S
        ):
            return LeftOut.COPY
        originals = self._originals(found)
        if held is not None and held.original not in originals:
            originals.insert(0, held.original)
        rows = self._rows(found)
        if not (originals or rows):
            return None
        descriptor = self._descriptors.open(found.key, found.path)
        try:
            here = partial(trail_at, descriptor)
            copy = self._judge(found, originals, here, now=now)
            if copy is None and any(
                self._is_alike(found, row, here, now=now) for row in rows
            ):
                # Of a file that may still be found.
                return LeftOut.COPY
            return copy
        finally:
            self._descriptors.close(found.key)

    def forget_absent(self, present: dict[FileKey, Found]) -> None:
        """Forget files that are not there any more."""
        for key in self._held.keys() - present.keys():
            del self._held[key]

    def _judge(
        self,
        found: Found,
        originals: list[Source],
        here: partial[Trail],
        *,
        now: float,
    ) -> Copy | LeftOut | None:
        for original in originals:
            if original.before is not None:
                likeness = compare_truncated(found, original.before, here)
                if likeness is not Likeness.NONE:
                    self._held.pop(found.key, None)
                    return self._of_truncated(
                        found, original, original.before, likeness
                    )
        for original in originals:
            likeness = self._compare(found, original, here)
            if likeness is not Likeness.NONE:
                held = self._hold(found, original, likeness, now=now)
                is_settled = now - held.since >= _SETTLES_S
                settled = self._settle(held, found) if is_settled else None
                return settled or LeftOut.COPY
        self._held.pop(found.key, None)
        return None

    def _of_truncated(
        self, found: Found, original: Source, before: Before, likeness: Likeness
    ) -> Copy:
        if likeness is Likeness.SHIPPED:
            return Copy(Admit.SHIPPED, found.size)
        # What was written between the copy and the truncation is nowhere.
        missing = max(0, before.offset + before.unread - found.size)
        original.before = replace(before, unread=missing, taken=True)
        return Copy(Admit.BEHIND_ORIGINAL, before.offset)

    def _compare(
        self, found: Found, original: Source, here: partial[Trail]
    ) -> Likeness:
        if original in self._ledger.rewritten:
            return Likeness.UNKNOWN
        if not self._ledger.holds(original):
            # Nothing was read of it, and nothing will be: there is nothing to compare.
            if not original.place.in_file:
                return Likeness.NONE
            return compare_vanished(found, original, here)
        try:
            descriptor = self._descriptors.open(original.key, original.path)
            there = partial(trail_at, descriptor)
            likeness = compare_live(found, original, here, there)
        except FileNotFoundError:
            return compare_vanished(found, original, here)
        except OSError:
            return Likeness.NONE
        if likeness is Likeness.UNKNOWN:
            # Noticed here before a read noticed it.
            self._ledger.rewritten[original] = Verdict.REWRITTEN
        return likeness

    def _hold(
        self, found: Found, original: Source, likeness: Likeness, *, now: float
    ) -> _Held:
        held = self._held.get(found.key)
        same = held is not None and self._is_unchanged(held, found)
        since = held.since if held is not None and same else now
        held = _Held(
            found.size, found.modified_at, original, original.file_id, likeness, since
        )
        self._held[found.key] = held
        return held

    def _is_unchanged(self, held: _Held, found: Found) -> bool:
        return (
            held.likeness is Likeness.COPY
            and held.size == found.size
            and held.modified_at == found.modified_at
            and held.file_id == held.original.file_id
            and held.original not in self._ledger.rewritten
            and held.original not in self._ledger.truncated
        )

    def _settle(self, held: _Held, found: Found) -> Copy | None:
        """What a copy is whose original was not truncated."""
        original = held.original
        name = found.path.rpartition("/")[2]
        if not self._ledger.is_settled or held.likeness is not Likeness.COPY:
            return None
        copy = None
        if not is_rotated_name(name) and found.size < _TELLING_BYTES:
            copy = Copy(Admit.BEGINNING, 0)
        elif original.place.in_file >= found.size:
            copy = Copy(Admit.SHIPPED, found.size)
        elif not self._ledger.holds(original):
            # It went away with bytes unread: they are here.
            copy = Copy(Admit.BEHIND_ORIGINAL, original.place.offset)
        if copy is not None:
            del self._held[found.key]
        return copy

    def _originals(self, found: Found) -> list[Source]:
        """The files that `found` may be a copy of: of a related name, or truncated."""
        directory, _, name = found.path.rpartition("/")
        bases = list(base_names(name))
        joints = [name[: match.start()] for match in _JOINT.finditer(name)]
        by_path = self._ledger.by_path
        wanted = {f"{directory}/{base}": None for base in (*bases, *joints) if base}
        found_at = [by_path[path] for path in wanted if path in by_path]
        for base in bases:
            found_at += self._namesakes(base)[:_MAX_NAMESAKES]
        names = {name, *bases}
        for source in self._ledger.truncated:
            was = source.path.rpartition("/")[2]
            # Any name will do where the bytes tell enough.
            if _is_telling(source.before) or names & {was, *base_names(was)}:
                found_at.append(source)
        unique = dict.fromkeys(found_at)
        # What replaces a file under its own name is no copy of it.
        return [s for s in unique if s.key != found.key and s.path != found.path]

    def _rows(self, found: Found) -> list[Checkpoint]:
        """Checkpoints of files that are not found so far, and may be its originals."""
        name = found.path.rpartition("/")[2]
        rows = [
            row for each in (name, *base_names(name)) for row in self._related(each)
        ]
        return [row for row in rows if row.packed is None and not row.is_at(found.path)]

    def _related(self, name: str) -> list[Checkpoint]:
        return self._stored.related(name)[:_MAX_NAMESAKES]

    def _is_alike(
        self, found: Found, row: Checkpoint, here: partial[Trail], *, now: float
    ) -> bool:
        before = Before(row.in_file, row.fingerprint, row.unread, now)
        if not row.offset and not self._stored.is_seeking(now=now):
            return False
        return compare_truncated(found, before, here) is not Likeness.NONE

    def _namesakes(self, name: str) -> list[Source]:
        if self._named_in != self._ledger.sweeps:
            self._named_in = self._ledger.sweeps
            self._names = {}
            for path, source in self._ledger.by_path.items():
                self._names.setdefault(path.rpartition("/")[2], []).append(source)
        return self._names.get(name, [])


def _is_telling(before: Before | None) -> bool:
    return before is not None and before.offset >= HEAD_BYTES
