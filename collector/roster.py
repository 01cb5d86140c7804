"""All files of one collector: what a scan means for each of them.

A scan says which files there are; the roster knows which of them it has read how far.
From both it decides: new, read on, moved, given up, gone. Rows of the table
`checkpoints` that belong to no file seen so far wait in `_stored`, and their files are
looked for by inode where they last were. What is decided here becomes true with the
next transaction: `changed`, `doomed` and `new_roots` are what it has to write.
"""

# A Path for each file would double the cost of a scan.
# ruff: noqa: PTH116, PTH120

from __future__ import annotations

import os
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

from collector.checkpoint import (
    ROOT_MARK,
    Checkpoint,
    decode_path,
    decode_root,
    decode_row,
    root_key,
    row_key,
    row_prefix,
)
from collector.descriptors import Descriptors
from collector.discovery import Found, Scan, list_inodes
from collector.framing import Framing, Place
from collector.identity import (
    HEAD_BYTES,
    FileKey,
    Trail,
    Verdict,
    new_file_id,
)
from collector.names import LeftOut, base_names
from collector.service import Origin, origin_of
from collector.source import Source, Standing, line_start_before, trail_at
from collector.telemetry import CollectorTelemetry, FileState, Lost, Rotation
from tocsin.config.model import CollectorConfig
from tocsin.errors import BadRecord
from tocsin.records.keys import partition_of, stream_prefix

# After that long without a new byte a renamed file is taken to be left by its writer:
# programs reopen their log within seconds of the rotation.
_ROTATED_SETTLES_S = 30.0
# Nobody can find a deleted file again, and it holds disk space while it is open.
_DELETED_SETTLES_S = 5.0
# A file that is nowhere may come back with the mount it was on.
_FORGET_S = 86_400.0
_SEEK_AGAIN_S = 60.0


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
        self._config = setup.config
        self._telemetry = setup.telemetry
        self._descriptors = setup.descriptors
        self._sources: dict[FileKey, Source] = {}
        self._by_path: dict[str, Source] = {}
        self._stored: dict[FileKey, Checkpoint] = {}
        self._since: dict[str, float] = {}
        self._sweeps = 0
        self._sought_at: float | None = None
        self._started_at = 0.0
        self._left_paths: frozenset[str] = frozenset()
        self.ready: deque[Source] = deque()
        self.changed: dict[Source, None] = {}
        self.doomed: set[bytes] = set()
        self.new_roots: dict[str, float] = {}
        self._load(rows)

    def _load(self, rows: Mapping[bytes, bytes]) -> None:
        prefix = row_prefix(self._setup.identity)
        for key, value in rows.items():
            name = key.removeprefix(prefix).decode("utf-8", "replace")
            try:
                if name.startswith(ROOT_MARK):
                    root = decode_path(name.removeprefix(ROOT_MARK))
                    self._since[root] = decode_root(value).since
                else:
                    self._store(decode_row(value))
            except BadRecord as error:
                shown = key.decode("utf-8", "replace")
                self._telemetry.checkpoint_unreadable(shown, str(error))
                self.doomed.add(key)

    def _store(self, row: Checkpoint) -> None:
        known = self._stored.get(row.file_key)
        if known is None:
            self._stored[row.file_key] = row
            return
        # Two rows of one inode: the older content is gone.
        older, newer = sorted((known, row), key=lambda each: each.at)
        self._stored[row.file_key] = newer
        self.doomed.add(self._row_key(older.file_id))

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

    def sweep(self, scan: Scan, *, now: float) -> None:
        """Take a scan in."""
        self._sweeps += 1
        fresh = set(scan.roots) - self._since.keys()
        left = dict(scan.left)
        for found in scan.files.values():
            source = self._sources.get(found.key)
            if source is not None:
                self._see(source, found, now=now)
            else:
                why = self._meet(found, first=found.root in fresh, now=now)
                if why is not None:
                    left[found.path] = why
        self._look_for_missing(now=now)
        self._seek_stored(set(scan.roots), now=now)
        for root in fresh:
            self._since[root] = self.new_roots[root] = now
        self._by_path = {s.path: s for s in self._sources.values()}
        self._left_paths = frozenset(left)
        self._telemetry.left_out(left)
        self._telemetry.roots(scan.missing, scan.empty)
        self._count(len(left))

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
        changed = size != source.size or modified_at != source.modified_at
        if changed:
            source.size, source.modified_at = size, modified_at
            source.finished = False
            self.enqueue(source)
        return changed

    # New files

    def _meet(self, found: Found, *, first: bool, now: float) -> LeftOut | None:
        """Begin to read a file; or why not."""
        row = self._stored.get(found.key)
        try:
            if row is not None:
                self._resume(found, row, now=now)
            else:
                return self._begin(found, first=first, now=now)
        except FileNotFoundError:
            pass  # it moved since the scan: the next one finds it
        except OSError as error:
            self._telemetry.read_failed(found.path, error)
            return LeftOut.UNREADABLE
        return None

    def _begin(self, found: Found, *, first: bool, now: float) -> LeftOut | None:
        if found.twin_of is not None:
            since = now if first else self._since.get(found.root, now)
            if found.chosen and found.modified_at <= since:
                return LeftOut.ROTATED
            if self._is_copy(found):
                return LeftOut.COPY
        older = self._config.ignore_older
        is_old = older is not None and found.modified_at < now - older
        at_end = is_old or (first and self._config.start == "end")
        source = self._new_source(found, now=now)
        if at_end:
            descriptor = self._descriptors.open(found.key, found.path)
            start = line_start_before(
                descriptor, found.size, max_line=self._setup.framing.max_line
            )
            source.place = Place(start)
            source.trail = trail_at(descriptor, start)
        self._enter(source, found)
        self._telemetry.file_found(
            source.path,
            source.origin.service,
            size=found.size,
            offset=source.place.offset,
        )
        return None

    def _is_copy(self, found: Found) -> bool:
        """Whether a rotated twin begins with the very bytes of the file it is named of.

        Then it is a copy, made before the original is truncated.
        """
        original = self._by_path.get(found.twin_of or "")
        head = original.trail.head if original is not None else b""
        if not head:
            return False
        descriptor = self._descriptors.open(found.key, found.path)
        beginning = os.pread(descriptor, HEAD_BYTES, 0)
        self._descriptors.close(found.key)
        return bool(beginning) and head.startswith(beginning[: len(head)])

    def _resume(self, found: Found, row: Checkpoint, *, now: float) -> None:
        descriptor = self._descriptors.open(found.key, found.path)
        trail = trail_at(descriptor, row.offset)
        verdict = row.fingerprint.judge(trail)
        if found.size < row.offset:
            verdict = Verdict.SHRUNK
        del self._stored[found.key]
        if verdict is Verdict.SAME:
            source = self._known_source(found, row, trail)
            self._enter(source, found)
            self._telemetry.file_resumed(
                source.path, size=found.size, offset=row.offset
            )
            return
        self.doomed.add(self._row_key(row.file_id))
        source = self._new_source(found, now=now, after=row.file_id)
        source.may_begin_with_hole = True
        self._enter(source, found)
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
        prefix = stream_prefix(origin.service, self._config.host, file_id)
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

    def _enter(self, source: Source, found: Found) -> None:
        source.size, source.modified_at = found.size, found.modified_at
        source.quiet_since = found.modified_at
        source.seen_in = self._sweeps
        source.standing = Standing.ROTATED if found.twin_of else Standing.LIVE
        self._sources[source.key] = source
        self._by_path[source.path] = source
        if source.moved:
            self.changed[source] = None
        if found.size > source.place.offset:
            self.enqueue(source)

    # Rewritten, moved and gone files

    def restart(self, source: Source, verdict: Verdict, *, now: float) -> None:
        """Read a file from its beginning: it holds something else than before."""
        if source.seen_in != self._sweeps:
            # Found by its inode alone: that belongs to another file now.
            self._forget(source)
            return
        lost = source.size - source.place.offset
        if verdict is Verdict.SHRUNK and lost > 0:
            self._telemetry.lost(source.path, Lost.TRUNCATED, lost)
        self._telemetry.file_rotated(source.path, _KIND[verdict])
        self.doomed.add(self._row_key(source.file_id))
        source.file_id = new_file_id(source.key, now=now, after=source.file_id)
        source.prefix = stream_prefix(
            source.origin.service, self._config.host, source.file_id
        )
        source.partition = partition_of(source.prefix, self._setup.partitions)
        source.place, source.trail = Place(0), Trail()
        source.first_seen_at = now
        source.may_begin_with_hole = True
        source.finished = False
        source.moved = True
        self.changed[source] = None
        self.enqueue(source)

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
            elif names is not None or now - source.quiet_since > _FORGET_S:
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
        self.doomed.add(self._row_key(source.file_id))

    def _seek_stored(self, roots: set[str], *, now: float) -> None:
        """Look for files that were being read before the last stop."""
        if not self._stored or (
            self._sought_at is not None and now - self._sought_at < _SEEK_AGAIN_S
        ):
            return
        if self._sought_at is None:
            self._started_at = now
        self._sought_at = now
        listed: dict[tuple[str, int], dict[int, str] | None] = {}
        for key, row in list(self._stored.items()):
            path = decode_path(row.path)
            place = (os.path.dirname(path), key.device)
            if place not in listed:
                listed[place] = list_inodes(*place)
            names = listed[place]
            found = None if names is None else names.get(key.inode)
            if found is not None and decode_path(row.root) in roots:
                self._rejoin(found, key, row, now=now)
            elif found is None and self._is_forgotten(row, names, now=now):
                del self._stored[key]
                self.doomed.add(self._row_key(row.file_id))

    def _is_forgotten(
        self, row: Checkpoint, names: dict[int, str] | None, *, now: float
    ) -> bool:
        """Whether a file that is nowhere will not come back."""
        # Where its directory cannot be looked into, what counts is how long we looked.
        since = row.at if names is not None else self._started_at
        return now - since > _FORGET_S

    def _rejoin(self, path: str, key: FileKey, row: Checkpoint, *, now: float) -> None:
        """Read on in a file that rotated out of the names that are read."""
        was = decode_path(row.path)
        directory, _, name = path.rpartition("/")
        # With nothing read of it, only its name can tell it from one that merely got
        # its inode.
        related = was in {path, *(f"{directory}/{b}" for b in base_names(name))}
        try:
            at = os.stat(path)
            if (at.st_dev, at.st_ino) != key or not (row.offset or related):
                return
            if row.finished and at.st_size == row.offset:
                return
            trail = trail_at(self._descriptors.open(key, path), row.offset)
        except OSError:
            return
        if row.fingerprint.judge(trail) is not Verdict.SAME:
            self._descriptors.close(key)
            del self._stored[key]
            self.doomed.add(self._row_key(row.file_id))
            return
        root = decode_path(row.root)
        found = Found(path, key, at.st_size, at.st_mtime, root, root, twin_of=was)
        self._meet(found, first=False, now=now)

    # Small things

    def _row_key(self, file_id: str) -> bytes:
        return row_key(self._setup.identity, file_id)

    def root_key(self, root: str) -> bytes:
        """The key of a PATH's row."""
        return root_key(self._setup.identity, root)

    def source_key(self, source: Source) -> bytes:
        """The key of a file's row."""
        return self._row_key(source.file_id)

    def _count(self, left: int) -> None:
        counts = {FileState.LEFT_OUT: left}
        unread: dict[str, int] = {}
        for source in self._sources.values():
            state = _state(source)
            counts[state] = counts.get(state, 0) + 1
            service = source.origin.service
            unread[service] = unread.get(service, 0) + source.unread
        self._telemetry.files(counts, open_files=len(self._descriptors))
        self._telemetry.unread(unread)


_KIND = {Verdict.SHRUNK: Rotation.TRUNCATED, Verdict.REWRITTEN: Rotation.REPLACED}


def _state(source: Source) -> FileState:
    if source.finished:
        return FileState.FINISHED
    if source.standing is not Standing.LIVE:
        return FileState.ROTATED
    return FileState.READING if source.queued else FileState.CAUGHT_UP
