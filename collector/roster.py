"""All files of one collector: what a scan means for each of them.

A scan says which files there are; the roster knows which of them it has read how far.
From both it decides: new, read on, moved, rewritten, given up, gone. What is decided
becomes true with the next transaction: `changed`, `doomed` and `new_roots` are what it
has to write. Order matters in a sweep: a rewritten file is recognised before a copy of
it is met, so that both are one decision and one transaction.
"""

# A Path for each file would double the cost of a scan.
# ruff: noqa: PTH116, PTH120

from __future__ import annotations

import os
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from collector.admission import Admit, Policy, is_old_twin, judge_twin
from collector.checkpoint import Checkpoint, decode_path, root_key, row_key
from collector.descriptors import Descriptors
from collector.discovery import Found, Scan, list_inodes
from collector.framing import Framing, Place
from collector.identity import FileKey, Fingerprint, Trail, Verdict, new_file_id
from collector.names import LeftOut
from collector.service import Origin, origin_of
from collector.source import (
    Before,
    Source,
    Standing,
    line_start_before,
    trail_at,
)
from collector.stored import FORGET_S, StoredRows
from collector.telemetry import CollectorTelemetry, FileState, Lost, Rotation
from tocsin.config.model import CollectorConfig
from tocsin.records.keys import partition_of, stream_prefix
from tocsin.records.streams import OLD_S

# After that long without a new byte a renamed file is taken to be left by its writer:
# programs reopen their log within seconds of the rotation.
_ROTATED_SETTLES_S = 30.0
# Nobody can find a deleted file again, and it holds disk space while it is open.
_DELETED_SETTLES_S = 5.0
# A copy is there before its original is truncated; it only has to be noticed.
_COPY_APPEARS_S = 5.0
# The kernel's clock for files ticks every 4 ms at most.
_FILE_CLOCK_S = 0.01


@dataclass(frozen=True, slots=True)
class Setup:
    """What a roster works with."""

    identity: str
    config: CollectorConfig
    partitions: int
    framing: Framing
    descriptors: Descriptors
    telemetry: CollectorTelemetry


class Roster:
    """The files, by device and inode; `ready`: those with something to read."""

    def __init__(self, setup: Setup, rows: Mapping[bytes, bytes]) -> None:
        """`rows`: the collector's committed rows of `checkpoints`."""
        self._setup = setup
        self._telemetry = setup.telemetry
        self._descriptors = setup.descriptors
        self._policy = Policy(setup.config.start == "end", setup.config.ignore_older)
        self._stored = StoredRows(setup.identity, rows, setup.telemetry)
        self._sources: dict[FileKey, Source] = {}
        self._by_path: dict[str, Source] = {}
        self._since = self._stored.since
        self._sweeps = 0
        self._left_paths: frozenset[str] = frozenset()
        self.ready: deque[Source] = deque()
        self.changed: dict[Source, None] = {}
        self.rewritten: dict[Source, Verdict] = {}
        self.doomed = self._stored.doomed
        self.new_roots: dict[str, float] = {}

    def __len__(self) -> int:
        return len(self._sources)

    @property
    def has_news(self) -> bool:
        """Whether there is something to write although no line is ready."""
        return bool(self.doomed or self.new_roots or self.changed)

    def holds(self, source: Source) -> bool:
        """Whether a file is still one of those that are read."""
        return self._sources.get(source.key) is source

    def sources(self) -> list[Source]:
        """The files."""
        return list(self._sources.values())

    # A scan

    def sweep(self, scan: Scan, *, now: float, settled: bool = True) -> None:
        """Take a scan in.

        Not `settled`: what was taken last may have to be put back. What a rewritten
        file held is decided later, for its copy is read from what is committed.
        """
        self._sweeps += 1
        fresh = set(scan.roots) - self._since.keys()
        left = dict(scan.left)
        unknown = []
        for found in scan.files.values():
            source = self._sources.get(found.key)
            if source is None:
                unknown.append(found)
            else:
                self._see(source, found, now=now)
        if settled:
            self._restart_rewritten(now=now)
        unknown.sort(key=lambda found: found.key not in self._stored)
        for found in unknown:
            why = self._meet(found, first=found.root in fresh, now=now)
            if why is not None:
                left[found.path] = why
        self._look_for_missing(now=now)
        for found in self._stored.seek(set(scan.roots), now=now):
            self._meet(found, first=False, now=now, sought=True)
        for root in fresh:
            self._since[root] = self.new_roots[root] = now - _FILE_CLOCK_S
        self._by_path = {s.path: s for s in self._sources.values()}
        self._left_paths = frozenset(left)
        self._telemetry.left_out(left)
        self._telemetry.roots(scan.missing, scan.empty)
        self._count(len(left), now=now)

    def greet(self, scan: Scan, *, now: float) -> bool:
        """Take in a look at one path; False if a scan has to look."""
        known = self._sources.keys() & scan.files.keys()
        if known or any(found.root not in self._since for found in scan.files.values()):
            return False
        for found in scan.files.values():
            # It replaces what was read under its name: to be judged with that.
            if found.path in self._by_path or found.key in self._stored:
                return False
            self._meet(found, first=False, now=now)
        return bool(scan.files or scan.blank or scan.left)

    def poke(self, path: str) -> bool:
        """Look at one file that was written to; False if a scan has to look."""
        source = self._by_path.get(path)
        if source is None:
            return path in self._left_paths
        try:
            at = os.stat(path)
        except OSError:
            return False
        if (at.st_dev, at.st_ino) != source.key:
            return False
        self._notice(source, at.st_size, at.st_mtime)
        return True

    def enqueue(self, source: Source) -> None:
        """Have a file read in its turn."""
        if not source.queued:
            source.queued = True
            self.ready.append(source)

    def _see(self, source: Source, found: Found, *, now: float) -> None:
        source.seen_in = self._sweeps
        standing = Standing.ROTATED if found.twin_of else Standing.LIVE
        self._move(source, found.path, standing, now=now)
        if self._notice(source, found.size, found.modified_at):
            source.quiet_since = now
        self._settle(source, now=now)

    def _move(
        self, source: Source, path: str, standing: Standing, *, now: float
    ) -> None:
        if standing is not source.standing:
            source.standing = standing
            source.quiet_since = now
            if standing is not Standing.LIVE:
                self._descriptors.pin(source.key)
        if path != source.path:
            self._telemetry.file_rotated(source.path, Rotation.RENAMED, now_at=path)
            source.path = path
            source.moved = True
            self.changed[source] = None

    def _notice(self, source: Source, size: int, modified_at: float) -> bool:
        """Take in a file's size; whether anything changed."""
        if size < source.place.offset:
            self.rewritten[source] = Verdict.SHRUNK
        changed = size != source.size or modified_at != source.modified_at
        if changed:
            # The largest size tells how much a truncation took away.
            shrunk = source in self.rewritten
            source.size = max(size, source.size) if shrunk else size
            source.modified_at = modified_at
            source.finished = False
            self.enqueue(source)
        return changed

    # New files

    def _meet(
        self, found: Found, *, first: bool, now: float, sought: bool = False
    ) -> LeftOut | None:
        """Begin to read a file; or why not. `sought`: no scan found it."""
        row = self._stored.get(found.key)
        try:
            if row is not None:
                self._resume(found, row, sought=sought, now=now)
            else:
                return self._begin(found, first=first, now=now)
        except FileNotFoundError:
            pass  # it moved since the scan: the next one finds it
        except PermissionError:
            return LeftOut.UNREADABLE
        except OSError as error:
            self._telemetry.read_failed(found.path, error)
        return None

    def _begin(self, found: Found, *, first: bool, now: float) -> LeftOut | None:
        original = self._by_path.get(found.twin_of or "")
        verdict: Admit | LeftOut | None = None
        if original is not None and not first:
            verdict = self._judge_twin(found, original)
        since = now if first else self._since.get(found.root, now)
        if verdict is None and is_old_twin(found, since=since, first=first):
            verdict = LeftOut.ROTATED
        if isinstance(verdict, LeftOut):
            return verdict
        verdict = verdict or self._policy.admit(found, first=first, now=now)
        source = self._new_source(found, now=now)
        if verdict is Admit.BEHIND_ORIGINAL and original is not None:
            before, original.before = original.before, None
            self._begin_at(source, before.offset if before is not None else 0)
        elif verdict is Admit.END:
            self._begin_at(source, self._last_line(found))
        self._enter(source, found, now=now)
        self._telemetry.file_found(
            source.path,
            source.origin.service,
            size=found.size,
            offset=source.place.offset,
        )
        return None

    def _judge_twin(self, found: Found, original: Source) -> Admit | LeftOut | None:
        descriptor = self._descriptors.open(found.key, found.path)
        try:
            return judge_twin(found, original, partial(trail_at, descriptor))
        finally:
            self._descriptors.close(found.key)

    def _begin_at(self, source: Source, offset: int) -> None:
        descriptor = self._descriptors.open(source.key, source.path)
        source.place = Place(offset)
        source.trail = trail_at(descriptor, offset)

    def _last_line(self, found: Found) -> int:
        return line_start_before(
            self._descriptors.open(found.key, found.path),
            found.size,
            max_line=self._setup.framing.max_line,
        )

    def _resume(
        self, found: Found, row: Checkpoint, *, sought: bool, now: float
    ) -> None:
        descriptor = self._descriptors.open(found.key, found.path)
        trail = trail_at(descriptor, row.offset)
        verdict = row.fingerprint.judge(trail)
        self._stored.claim(found.key)
        if verdict is Verdict.SAME:
            source = self._known_source(found, row, trail)
            self._enter(source, found, now=now)
            self._telemetry.file_resumed(
                source.path, size=found.size, offset=row.offset
            )
            return
        self._stored.doom(row.file_id)
        if sought:
            # Found by its inode alone: that belongs to another file now.
            self._descriptors.close(found.key)
            return
        source = self._new_source(found, now=now, after=row.file_id)
        source.may_begin_with_hole = True
        source.before = Before(row.offset, row.fingerprint, 0, now)
        self._enter(source, found, now=now)
        self._telemetry.file_rotated(found.path, _KIND[verdict])

    def _new_source(self, found: Found, *, now: float, after: str = "") -> Source:
        file_id = new_file_id(found.key, now=now, after=after)
        return self._source(found, file_id, origin_of(found.path, found.base), now)

    def _known_source(self, found: Found, row: Checkpoint, trail: Trail) -> Source:
        # The service stays what it was: it is a part of the records' keys.
        labels = origin_of(found.path, found.base).labels
        origin = Origin(decode_path(row.service), labels)
        source = self._source(found, row.file_id, origin, row.first_seen_at)
        source.place = Place(row.offset)
        source.trail = trail
        source.finished = row.finished
        source.moved = decode_path(row.path) != found.path
        return source

    def _source(
        self, found: Found, file_id: str, origin: Origin, first_seen_at: float
    ) -> Source:
        prefix = self._prefix(origin, file_id)
        return Source(
            file_id=file_id,
            key=found.key,
            path=found.path,
            root=found.root,
            origin=origin,
            prefix=prefix,
            partition=partition_of(prefix, self._setup.partitions),
            first_seen_at=first_seen_at,
        )

    def _enter(self, source: Source, found: Found, *, now: float) -> None:
        source.size, source.modified_at = found.size, found.modified_at
        source.quiet_since = found.modified_at
        source.seen_in = self._sweeps
        source.standing = Standing.ROTATED if found.twin_of else Standing.LIVE
        self._sources[source.key] = source
        self._by_path[source.path] = source
        if now - found.modified_at > OLD_S and found.size > source.place.offset:
            # Also of a file that is known: all that was written while we were away.
            source.old_bytes = found.size
            source.moved = True
        if source.moved:
            self.changed[source] = None
        if found.size > source.place.offset:
            self.enqueue(source)

    # Rewritten, moved and gone files

    def _restart_rewritten(self, *, now: float) -> None:
        for source, verdict in self.rewritten.items():
            if not self.holds(source):
                continue
            if source.seen_in == self._sweeps:
                self._restart(source, verdict, now=now)
            else:
                # Followed by its inode alone: that belongs to another file now.
                self._forget(source)
        self.rewritten.clear()

    def _restart(self, source: Source, verdict: Verdict, *, now: float) -> None:
        """Read a file from its beginning: it holds something else than before."""
        self._count_lost(source)
        self._telemetry.file_rotated(source.path, _KIND[verdict])
        self._stored.doom(source.file_id)
        unread = source.unread if verdict is Verdict.SHRUNK else 0
        fingerprint = Fingerprint.of(source.trail)
        source.before = Before(source.place.offset, fingerprint, unread, now)
        source.file_id = new_file_id(source.key, now=now, after=source.file_id)
        source.prefix = self._prefix(source.origin, source.file_id)
        source.partition = partition_of(source.prefix, self._setup.partitions)
        source.place, source.trail, source.size = Place(0), Trail(), 0
        source.old_bytes = 0
        source.first_seen_at = now
        source.may_begin_with_hole = True
        source.finished = source.finishing = False
        source.moved = True
        self.changed[source] = None
        self.enqueue(source)

    def _count_lost(self, source: Source) -> None:
        """Count what a truncation took away, once no copy of it is to be expected."""
        before, source.before = source.before, None
        if before is not None and before.unread:
            self._telemetry.lost(source.path, Lost.TRUNCATED, before.unread)

    def _look_for_missing(self, *, now: float) -> None:
        listed: dict[tuple[str, int], dict[int, str] | None] = {}
        for source in list(self._sources.values()):
            if source.seen_in == self._sweeps:
                continue
            place = (os.path.dirname(source.path), source.key.device)
            if place not in listed:
                listed[place] = list_inodes(*place)
            self._miss(source, listed[place], now=now)

    def _miss(
        self, source: Source, names: dict[int, str] | None, *, now: float
    ) -> None:
        """Follow a file that the scan did not find under a name that is read."""
        path = None if names is None else names.get(source.key.inode)
        descriptor = self._descriptors.held(source.key)
        try:
            if path is not None:
                at = os.stat(path)
            elif descriptor is not None:
                at = os.fstat(descriptor)
            elif names is not None or now - source.quiet_since > FORGET_S:
                self._forget(source)
                return
            else:
                return
        except OSError:
            return
        if (at.st_dev, at.st_ino) != source.key:
            return
        if at.st_nlink:
            self._move(source, path or source.path, Standing.ROTATED, now=now)
        elif source.standing is not Standing.DELETED:
            self._move(source, source.path, Standing.DELETED, now=now)
            self._telemetry.file_rotated(source.path, Rotation.DELETED)
        if self._notice(source, at.st_size, at.st_mtime):
            source.quiet_since = now
        self._settle(source, now=now)

    def _settle(self, source: Source, *, now: float) -> None:
        """Give a rotated file up once it is read and nobody writes to it any more."""
        if source.standing is Standing.LIVE or source.finished or source.queued:
            return
        deleted = source.standing is Standing.DELETED
        settles_s = _DELETED_SETTLES_S if deleted else _ROTATED_SETTLES_S
        if now - source.quiet_since >= settles_s:
            source.finishing = True
            self.enqueue(source)

    def finish(self, source: Source) -> None:
        """Note that a file was read to its end and is given up."""
        source.finishing, source.finished = False, True
        self.changed[source] = None
        self._telemetry.file_finished(source.path, offset=source.place.offset)

    def release(self, source: Source) -> None:
        """Let go of a finished file once that is committed."""
        self._descriptors.close(source.key)
        if source.standing is Standing.DELETED:
            self._drop(source)

    def _forget(self, source: Source) -> None:
        if not source.finished:
            self._telemetry.file_rotated(source.path, Rotation.DELETED)
            if source.unread:
                self._telemetry.lost(source.path, Lost.DELETED, source.unread)
        self._drop(source)

    def _drop(self, source: Source) -> None:
        self._descriptors.close(source.key)
        self._sources.pop(source.key, None)
        self.changed.pop(source, None)
        source.finished = True
        self._stored.doom(source.file_id)

    # Small things

    def _prefix(self, origin: Origin, file_id: str) -> str:
        return stream_prefix(origin.service, self._setup.config.host, file_id)

    def root_key(self, root: str) -> bytes:
        """The key of a PATH's row."""
        return root_key(self._setup.identity, root)

    def source_key(self, source: Source) -> bytes:
        """The key of a file's row."""
        return row_key(self._setup.identity, source.file_id)

    def _count(self, left: int, *, now: float) -> None:
        counts = {FileState.LEFT_OUT: left}
        unread: dict[str, int] = {}
        for source in self._sources.values():
            state = _state(source)
            counts[state] = counts.get(state, 0) + 1
            service = source.origin.service
            unread[service] = unread.get(service, 0) + source.unread
            if source.before and now - source.before.at > _COPY_APPEARS_S:
                self._count_lost(source)
        self._telemetry.files(counts, open_files=len(self._descriptors))
        self._telemetry.unread(unread)


_KIND = {Verdict.SHRUNK: Rotation.TRUNCATED, Verdict.REWRITTEN: Rotation.REPLACED}


def _state(source: Source) -> FileState:
    if source.finished:
        return FileState.FINISHED
    if source.standing is not Standing.LIVE:
        return FileState.ROTATED
    return FileState.READING if source.queued else FileState.CAUGHT_UP
