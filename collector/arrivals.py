"""Files that are met for the first time since the start: new, known, or a copy."""

from __future__ import annotations

import contextlib
import os

from collector.admission import Admit, Policy, is_old_twin
from collector.checkpoint import Checkpoint, decode_path
from collector.copies import Copies, Copy
from collector.discovery import Found, Scan
from collector.disk import home_of
from collector.framing import Place
from collector.identity import Trail, Verdict, new_file_id
from collector.ledger import Ledger, Setup
from collector.names import LeftOut, base_names, is_rotated_name, unpacked_name
from collector.patterns import base_of, is_below
from collector.rewrites import KIND
from collector.service import Origin, origin_of
from collector.source import (
    Before,
    Source,
    Standing,
    line_start_before,
    note_beginning,
    trail_at,
)
from collector.stored import StoredRows
from collector.telemetry import Lost
from collector.twins import Twins
from tocsin.formats.multiline import Habit
from tocsin.records.streams import ALL_BYTES, OLD_S
from tocsin.records.text import Text, text_of


class Arrivals:
    """Decides of each new file whether it is read, and from where on."""

    def __init__(self, setup: Setup, ledger: Ledger, stored: StoredRows) -> None:
        self._setup = setup
        self._ledger = ledger
        self._stored = stored
        self._telemetry = setup.telemetry
        self._descriptors = setup.descriptors
        self._copies = Copies(ledger, stored, setup.descriptors)
        self._twins = Twins(ledger, stored, setup.descriptors)
        self._pins = setup.pins
        self._policy = Policy(setup.config.start == "end", setup.config.ignore_older)

    def may_be_copy(self, found: Found) -> bool:
        """Whether a file is to be judged together with others."""
        return self._copies.may_be_one(found)

    def meet(
        self, found: Found, *, first: bool, now: float, sought: bool = False
    ) -> LeftOut | None:
        """Begin to read a file; or why not. `sought`: no scan found it."""
        row = self._stored.get(found)
        try:
            if row is not None and self._resume(found, row, sought=sought, now=now):
                return None
            return None if sought else self._begin(found, first=first, now=now)
        except FileNotFoundError:
            pass  # it moved since the scan: the next one finds it
        except PermissionError:
            return LeftOut.UNREADABLE
        except OSError as error:
            self._telemetry.read_failed(found.path, error)
        return None

    def meet_pinned(self, scan: Scan, *, now: float) -> None:
        """Read files that only a pin tells of; other pins are of no use."""
        for pin in self._pins.left_behind():
            if pin.key in self._ledger.by_key or pin.key in self._stored:
                continue
            root = next((r for r in scan.roots if is_below(pin.path, r)), None)
            if root is None:
                self._pins.remove(pin.key)
                continue
            base = base_of(root)
            found = Found(pin.path, pin.key, pin.size, pin.modified_at, root, base)
            self._begin(found, first=False, now=now)

    def look_at_beginning(self, source: Source) -> None:
        """See whether a file of which nothing was read is still the same."""
        if source.place.in_file or source in self._ledger.rewritten:
            return
        with contextlib.suppress(OSError):
            descriptor = self._descriptors.open(source.key, source.path)
            if not note_beginning(source, descriptor):
                self._ledger.rewritten[source] = Verdict.REWRITTEN

    def bury(self, *, now: float) -> None:
        """Keep in mind what files held that are nowhere: a copy may have the rest."""
        for row in self._stored.take_ended():
            self._await_copy(row, now=now)

    def forget_absent(self, scan: Scan) -> None:
        """Forget files that were held back and are gone."""
        self._copies.forget_absent(scan.files)
        self._twins.forget_absent(scan.files)

    def note_gone(self, source: Source) -> None:
        """Note that another file has a file's inode: an archive may be what it was."""
        self._twins.note_gone(source)

    def work(self) -> bool:
        """Do a part of what takes long; whether there is more of it."""
        return self._twins.work()

    def _begin(self, found: Found, *, first: bool, now: float) -> LeftOut | None:
        since = now if first else self._stored.since.get(found.root, now)
        is_old = is_old_twin(found, since=since, first=first)
        copy: Copy | LeftOut | None = None
        if found.packed:
            copy = self._twins.judge(found, now=now)
        elif not first and (self._ledger.truncated or not is_old):
            copy = self._copies.judge(found, now=now)
        if isinstance(copy, LeftOut):
            return copy
        if copy is None and found.packed and found.chosen:
            # In a directory only what was rotated there while nobody looked.
            name = unpacked_name(found.path.rpartition("/")[2]) or ""
            if first or found.modified_at <= since or not base_names(name):
                return LeftOut.COMPRESSED
        if copy is None and is_old:
            return LeftOut.ROTATED
        source = self._new_source(found, now=now)
        is_over = copy is not None and copy.admit is Admit.SHIPPED
        if copy is not None:
            self._begin_at(source, copy.offset, is_over=is_over)
        elif self._policy.admit(found, first=first, now=now) is Admit.END:
            packed = source.archive is not None
            offset = ALL_BYTES if packed else self._last_line(found)
            self._begin_at(source, offset, is_over=packed)
        self._enter(source, found, now=now)
        self._telemetry.file_found(
            source.path,
            source.origin.service,
            size=found.size,
            offset=source.place.offset,
        )
        return None

    def _begin_at(self, source: Source, offset: int, *, is_over: bool) -> None:
        descriptor = self._descriptors.open(source.key, source.path)
        if source.archive is not None:
            self._begin_in_archive(source, descriptor, offset, is_over=is_over)
            return
        source.place = Place(offset)
        source.may_begin_with_hole = not offset
        source.begins_at = offset
        source.trail = trail_at(descriptor, offset)

    def _begin_in_archive(
        self, source: Source, descriptor: int, offset: int, *, is_over: bool
    ) -> None:
        """Begin at what it unpacks to; `is_over`: nothing of it is to be read."""
        packed = os.fstat(descriptor).st_size if is_over else 0
        source.archive = self._setup.unpacker(told_to=offset)
        source.place = Place(offset, packed=packed)
        source.begins_at = offset
        source.trail = trail_at(descriptor, packed)
        source.finished = is_over

    def _last_line(self, found: Found) -> int:
        return line_start_before(
            self._descriptors.open(found.key, found.path),
            found.size,
            self._setup.framing,
        )

    def _resume(
        self, found: Found, row: Checkpoint, *, sought: bool, now: float
    ) -> bool:
        """Go on from a checkpoint; False if it tells nothing of this file."""
        descriptor = self._descriptors.open(found.key, found.path)
        trail = trail_at(descriptor, row.in_file)
        verdict = row.fingerprint.judge(trail)
        if found.packed and row.packed is None:
            return False  # an archive got the inode of a log
        if row.file_key != found.key and verdict is not Verdict.SAME:
            return False
        self._stored.claim(row.file_key)
        if verdict is Verdict.SAME:
            source = self._known_source(found, row, trail)
            self._enter(source, found, now=now)
            self._telemetry.file_resumed(
                source.path, size=found.size, offset=row.offset
            )
            return True
        self._stored.displace(row)
        if sought:
            # Found by its inode alone: that belongs to another file now.
            self._descriptors.close(found.key)
            self._await_copy(row, now=now)
            return True
        source = self._new_source(found, now=now, after=row.file_id)
        source.before = Before(
            row.in_file, row.fingerprint, row.unread, now, file_id=row.file_id
        )
        self._ledger.truncated[source] = None
        self._enter(source, found, now=now)
        self._telemetry.file_rotated(found.path, KIND[verdict])
        return True

    def _origin(self, found: Found) -> Origin:
        return origin_of(found.path, found.base, self._setup.config.services)

    def _new_source(self, found: Found, *, now: float, after: str = "") -> Source:
        file_id = new_file_id(found.key, now=now, after=after)
        source = self._source(found, file_id, self._origin(found), now)
        if found.packed:
            source.archive = self._setup.unpacker()
            source.place = Place(0, packed=0)
            source.may_begin_with_hole = False
        return source

    def _known_source(self, found: Found, row: Checkpoint, trail: Trail) -> Source:
        # The service stays what it was: it is a part of the records' keys.
        labels = self._origin(found).labels
        origin = Origin(decode_path(row.service), labels)
        source = self._source(found, row.file_id, origin, row.first_seen_at)
        source.place = Place(row.offset, habit=row.habit, packed=row.packed)
        source.may_begin_with_hole = not row.offset and row.packed is None
        if row.packed is not None:
            source.archive = self._setup.unpacker(told_to=row.offset)
        source.begins_at = row.begins_at
        self._fit_again(source, row, trail)
        source.peak = max(row.size, row.in_file)
        source.trail = trail
        source.finished = row.finished
        source.moved |= decode_path(row.path) != found.path
        name = found.path.rpartition("/")[2]
        source.rotated = row.rotated or (source.moved and bool(base_names(name)))
        return source

    def _fit_again(self, source: Source, row: Checkpoint, trail: Trail) -> None:
        """Go on with the text that it was; under another file-id if that changed."""
        framing = self._setup.framing
        text: Text | None = row.text
        if row.packed is None:
            text = text_of(trail.head, framing.text)
        if text is None or not row.offset:
            return
        source.framing = framing.fit(text)
        if text != row.text:
            self._stored.doom(row.file_id)
            after = row.file_id
            source.file_id = new_file_id(source.key, now=row.at, after=after)
            source.prefix, source.partition = self._setup.stream(
                source.origin.service, source.file_id
            )
            source.begins_at = row.offset
            source.place = source.place._replace(habit=Habit())
            source.moved = True

    def _source(
        self, found: Found, file_id: str, origin: Origin, first_seen_at: float
    ) -> Source:
        prefix, partition = self._setup.stream(origin.service, file_id)
        return Source(
            file_id=file_id,
            key=found.key,
            path=found.path,
            home=home_of(found.path),
            root=found.root,
            base=found.base,
            origin=origin,
            prefix=prefix,
            partition=partition,
            first_seen_at=first_seen_at,
        )

    def _await_copy(self, row: Checkpoint, *, now: float) -> None:
        path, root = decode_path(row.path), decode_path(row.root)
        found = Found(path, row.file_key, row.size, row.at, root, root)
        source = self._source(found, row.file_id, self._origin(found), now)
        unread = 0 if row.finished else row.unread
        source.before = Before(
            row.in_file,
            row.fingerprint,
            unread,
            now,
            reason=Lost.DELETED,
            file_id=row.file_id,
        )
        self._ledger.truncated[source] = None

    def _enter(self, source: Source, found: Found, *, now: float) -> None:
        source.size, source.modified_at = found.size, found.modified_at
        source.quiet_since, source.found_at = found.modified_at, now
        source.seen_in = self._ledger.sweeps
        # A file that is met under such a name was renamed while nobody looked.
        source.rotated |= is_rotated_name(source.path.rpartition("/")[2])
        if found.twin_of or source.rotated:
            source.standing = Standing.ROTATED
        if found.size > source.place.in_file and source.archive is None:
            # Open from now on: whatever becomes of its name, it can be read.
            note_beginning(source, self._descriptors.open(source.key, source.path))
        self._ledger.add(source)
        self._pins.add(source.key, source.path)
        packed = source.archive is not None
        if source.is_ready and (packed or found.size > source.place.in_file):
            # Also of a file that is known: all that was written while we were away.
            source.met_bytes = ALL_BYTES if packed else found.size
            if now - found.modified_at > OLD_S:
                source.old_bytes = source.met_bytes
            source.moved = True
        if source.moved:
            self._ledger.changed[source] = None
        if source.is_ready:
            self._ledger.enqueue(source)
