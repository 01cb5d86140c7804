"""Archives that may be what became of a file that was read: `app.log.1.gz`.

By its name an archive is the twin of a file; bytes decide. It is unpacked up to where
that file was read to, and what stands there is compared. While the file is still there
it is read itself, so its twin is held back. Once it is gone, its twin is read from
there on: nothing comes twice, and what was not read yet comes once.

Unpacking takes time: `work` does a part of it between transactions, and `judge` says
what is known so far.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field

from collector.admission import Admit
from collector.checkpoint import Checkpoint
from collector.copies import Copy
from collector.descriptors import Descriptors
from collector.discovery import Found
from collector.gunzip import Gunzip
from collector.identity import (
    HEAD_BYTES,
    FileKey,
    Fingerprint,
    Trail,
    Verdict,
    digest,
)
from collector.ledger import Ledger
from collector.names import LeftOut, family
from collector.source import Source, trail_at
from collector.stored import GONE_S, StoredRows

# Unpacked between two transactions: some 20 ms.
_WORK_BYTES = 4 * 1024**2
_PIECE = 256 * 1024
# Opening a file and reading a block costs as much.
_LEAST_WORK = 16 * 1024
# One that is not whole, and to which nothing was written for that long, is cut short.
_QUIET_S = 30.0
_SAME_TIME_S = 1.0
# Rotated twins, and files of other directories, as with logrotate's `olddir`.
_MOST_RELATIVES = 32


@dataclass(slots=True, eq=False)
class _Original:
    """A file that was read up to `offset`; `source` or `row` says which.

    `is_final`: it is not read any further under this file-id.
    """

    file_id: str
    offset: int
    fingerprint: Fingerprint
    source: Source | None = None
    row: Checkpoint | None = None
    is_final: bool = False


@dataclass(slots=True, eq=False)
class _Probe:
    """An archive on its way to `offset`, to where an original was read.

    `verdict`: `SHRUNK` if it ends before. `waits_at`: how large the archive was when
    all of it was unpacked, and it was not whole.
    """

    path: str
    offset: int
    fingerprint: Fingerprint
    archive: Gunzip = field(default_factory=lambda: Gunzip(keep=_PIECE))
    trail: Trail = field(default_factory=Trail)
    at: int = 0
    verdict: Verdict | None = None
    waits_at: int | None = None


@dataclass(slots=True)
class _Held:
    """An archive and the files that it may be the twin of; not those of `others`."""

    originals: list[_Original] = field(default_factory=list)
    probes: dict[str, _Probe] = field(default_factory=dict)
    others: set[str] = field(default_factory=set)


class Twins:
    """Judges archives by the files that they may have been."""

    def __init__(
        self, ledger: Ledger, stored: StoredRows, descriptors: Descriptors
    ) -> None:
        self._ledger = ledger
        self._stored = stored
        self._descriptors = descriptors
        self._held: dict[FileKey, _Held] = {}
        # Those that are no twins, with size and time.
        self._none: dict[FileKey, tuple[int, float]] = {}
        self._names: dict[str, list[Source]] = {}
        self._named_in = -1
        self._now = 0.0
        self._gone: list[tuple[int, Source]] = []

    def judge(self, found: Found, *, now: float) -> Copy | LeftOut | None:
        """Tell a twin, or hold it back until that is known; None if it is none."""
        self._now = now
        state = found.size, found.modified_at
        if self._none.get(found.key) == state:
            return None
        held = self._held.setdefault(found.key, _Held())
        self._meet(held, found)
        is_quiet = now - found.modified_at >= _QUIET_S
        # Those first of which most is known.
        originals = sorted(held.originals, key=lambda each: -each.offset)
        probes = [self._probe(held, found, original) for original in originals]
        for original, probe in zip(originals, probes, strict=True):
            if probe.verdict is None and not (is_quiet and probe.waits_at):
                return LeftOut.COPY
            if self._is_alive(original) and self._may_be(original, probe):
                return LeftOut.COPY
            copy = _copy_of(original, probe)
            if copy is not None:
                self._settle(original)
                self._forget(found.key)
                return copy
            self._discard(held, original)
        self._forget(found.key)
        self._none[found.key] = state
        return None

    def note_gone(self, source: Source) -> None:
        """Note a file that is no more, found out before archives are judged."""
        self._gone = [each for each in self._gone if each[0] == self._ledger.sweeps]
        self._gone.append((self._ledger.sweeps, source))

    def work(self) -> bool:
        """Unpack some more of what is to be compared; whether there is more to do."""
        worked = 0
        for key, held in self._held.items():
            for probe in held.probes.values():
                if probe.verdict is None and probe.waits_at is None:
                    if worked >= _WORK_BYTES:
                        return True
                    before = probe.at
                    self._advance(key, probe)
                    worked += probe.at - before + _LEAST_WORK
        return worked >= _WORK_BYTES

    def forget_absent(self, present: dict[FileKey, Found]) -> None:
        """Forget archives that are not there any more."""
        for key in self._held.keys() - present.keys():
            self._forget(key)
        for key in self._none.keys() - present.keys():
            del self._none[key]

    # Originals

    def _meet(self, held: _Held, found: Found) -> None:
        """Take in which files it may have been, and how far they were read by now."""
        known = held.others.union(each.file_id for each in held.originals)
        for original in self._originals(found):
            if original.file_id not in known:
                held.originals.append(original)
                self._stored.awaited.add(original.file_id)
        for original in held.originals:
            self._follow(original)

    def _originals(self, found: Found) -> Iterator[_Original]:
        names = family(found.path.rpartition("/")[2])
        sources = [s for each in names for s in self._relatives(each, found)]
        sources += [
            s for s in self._ledger.truncated if set(names) & set(family(s.name))
        ]
        for source in dict.fromkeys(sources):
            yield from self._of_source(source, found)
        rows = [row for each in names for row in self._stored.related(each)]
        for row in {row.file_id: row for row in rows}.values():
            # One of which nothing was read tells nothing but that it is not lost.
            since = self._stored.since.get(found.root, self._now)
            is_new = found.modified_at > since
            if row.packed is None and (row.offset or (row.unread and is_new)):
                yield _Original(row.file_id, row.offset, row.fingerprint, row=row)

    def _relatives(self, name: str, found: Found) -> list[Source]:
        """Files of a name and its rotated twins, those first that this scan missed.

        What was renamed and packed between two looks is still known by its old name,
        which another file has now.
        """
        if self._named_in != self._ledger.sweeps:
            self._named_in = self._ledger.sweeps
            self._names = {}
            gone = [s for sweep, s in self._gone if sweep == self._ledger.sweeps]
            for source in (*self._ledger.by_key.values(), *gone):
                for each in family(source.name) if source.archive is None else ():
                    self._names.setdefault(each, []).append(source)
        directory = found.path.rpartition("/")[0]

        def order(source: Source) -> tuple[bool, bool]:
            is_here = source.path.rpartition("/")[0] == directory
            return source.seen_in == self._ledger.sweeps, not is_here

        return sorted(self._names.get(name, ()), key=order)[:_MOST_RELATIVES]

    def _of_source(self, source: Source, found: Found) -> Iterator[_Original]:
        before = source.before
        if before is not None and before.offset:
            name = f"before {source.file_id}"
            offset, fingerprint = before.offset, before.fingerprint
            yield _Original(name, offset, fingerprint, source, is_final=True)
        offset, trail = source.place.offset, source.trail
        if not offset and self._ledger.holds(source):
            # Nothing was read of it so far: its first bytes have to do.
            offset = min(source.size, HEAD_BYTES)
            try:
                descriptor = self._descriptors.open(source.key, source.path)
                trail = trail_at(descriptor, offset)
            except OSError:
                # It went before a byte of it was read. `gzip` keeps the time.
                after_s = found.modified_at - (source.modified_at or found.modified_at)
                if abs(after_s) < _SAME_TIME_S:
                    print_ = Fingerprint.of(Trail())
                    yield _Original(source.file_id, 0, print_, source)
                return
        if offset:
            yield _Original(source.file_id, offset, Fingerprint.of(trail), source)

    def _follow(self, original: _Original) -> None:
        row = original.row
        if row is not None and not self._stored.holds(row):
            found = self._ledger.by_key.get(row.file_key)
            if found is not None and found.file_id == row.file_id:
                # Its file was found after all.
                original.source, original.row = found, None
        source = original.source
        if source is None or original.is_final:
            return
        if source.file_id != original.file_id:
            original.is_final = True
            if source.before is not None and source.before.offset:
                original.offset = source.before.offset
                original.fingerprint = source.before.fingerprint
        elif source.place.offset:
            original.offset = source.place.offset
            original.fingerprint = Fingerprint.of(source.trail)

    def _is_alive(self, original: _Original) -> bool:
        """Whether its file is read itself, or may still be found."""
        if original.row is not None:
            return self._ledger.sweeps <= 1
        source = original.source
        if source is None or original.is_final or source.finished:
            return False
        is_open = self._descriptors.held(source.key) is not None
        is_there = is_open or self._now - source.found_at < GONE_S
        return self._ledger.holds(source) and is_there

    def _may_be(self, original: _Original, probe: _Probe) -> bool:
        """Whether an archive may hold the bytes of a file that is still there."""
        source = original.source
        if probe.verdict is not Verdict.SHRUNK or source is None:
            return probe.verdict is not Verdict.REWRITTEN
        # It ends before where the file was read to: it is its beginning, or none of it.
        try:
            descriptor = self._descriptors.open(source.key, source.path)
            return trail_at(descriptor, probe.at) == probe.trail
        except OSError:
            return True

    def _settle(self, original: _Original) -> None:
        """The twin is read in its stead from now on."""
        row, source = original.row, original.source
        if row is not None and self._stored.holds(row):
            self._stored.claim(row.file_key)
            self._stored.doom(row.file_id)
        if source is None:
            return
        if source in self._ledger.truncated:
            self._ledger.truncated.pop(source)
            source.before = None
        if not original.is_final and self._now - source.found_at >= GONE_S:
            self._ledger.drop(source)
            self._stored.doom(source.file_id)

    def _discard(self, held: _Held, original: _Original) -> None:
        held.originals.remove(original)
        held.others.add(original.file_id)
        held.probes.pop(original.file_id, None)
        self._stored.awaited.discard(original.file_id)

    def _forget(self, key: FileKey) -> None:
        for original in self._held.pop(key).originals:
            self._stored.awaited.discard(original.file_id)

    # Probes

    def _probe(self, held: _Held, found: Found, original: _Original) -> _Probe:
        probe = held.probes.get(original.file_id)
        if probe is not None and probe.offset != original.offset:
            # As long as the file is there, it need not be certain to the last byte.
            is_good = self._is_alive(original) and probe.verdict is not Verdict.SHRUNK
            probe = probe if is_good else None
        if probe is None:
            probe = _Probe(found.path, original.offset, original.fingerprint)
            held.probes[original.file_id] = probe
        probe.path = found.path
        if probe.waits_at != found.size:
            probe.waits_at = None
        return probe

    def _advance(self, key: FileKey, probe: _Probe) -> None:
        try:
            descriptor = self._descriptors.open(key, probe.path)
            size = os.fstat(descriptor).st_size
            for _ in range(_WORK_BYTES // _PIECE):
                wanted = min(_PIECE, probe.offset - probe.at)
                data = probe.archive.read(descriptor, probe.at, wanted, low=probe.at)
                probe.trail = probe.trail.after(data, len(data))
                probe.at += len(data)
                if not _goes_on(probe):
                    break
            else:
                return
        except OSError:
            size = -1  # it is tried again after the next scan
        if probe.verdict is None:
            probe.waits_at = size
        else:
            probe.archive.rest()


def _goes_on(probe: _Probe) -> bool:
    """Whether more is to be unpacked now; sets the verdict as soon as it is clear."""
    wanted = probe.fingerprint
    if probe.at >= min(probe.offset, HEAD_BYTES):
        head = probe.trail.head[: wanted.head_length]
        if digest(head) != wanted.head:
            probe.verdict = Verdict.REWRITTEN
            return False
    if probe.at >= probe.offset:
        probe.verdict = wanted.judge(probe.trail)
    elif not probe.archive.is_at_end:
        return True
    elif probe.archive.is_whole:
        probe.verdict = Verdict.SHRUNK
    return False


def _copy_of(original: _Original, probe: _Probe) -> Copy | None:
    """What an archive is whose original is gone; None if it is not its twin."""
    source = original.source
    if probe.verdict is Verdict.REWRITTEN:
        return None
    is_read = source is None or original.is_final or source.place.offset > 0
    if not (is_read and original.offset):
        return Copy(Admit.BEGINNING, 0)
    if probe.verdict is Verdict.SAME:
        return Copy(Admit.BEHIND_ORIGINAL, original.offset)
    # It ends before that; only if many bytes are the same, there is no doubt.
    is_telling = original.fingerprint.head_length == HEAD_BYTES <= probe.at
    return Copy(Admit.SHIPPED, probe.at) if is_telling else None
