"""All files of one collector: what a scan means for each of them.

A scan says which files there are; the roster knows which of them it has read how far.
From both it decides: new, read on, moved, rewritten, given up, gone. Order matters in a
sweep: a rewritten file is recognised before a copy of it is met, so that both are one
decision and one transaction.
"""

# A Path for each file would double the cost of a scan.
# ruff: noqa: PTH116

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping

from collector.arrivals import Arrivals
from collector.departures import Departures
from collector.discovery import Found, Scan
from collector.ledger import Ledger, Setup
from collector.names import LeftOut
from collector.rewrites import Rewrites
from collector.source import Source, Standing
from collector.stored import StoredRows
from collector.telemetry import FileState

# The kernel's clock for files ticks every 4 ms at most.
_FILE_CLOCK_S = 0.01


class Roster:
    """Takes scans in; what they mean stands in `ledger`."""

    def __init__(self, setup: Setup, rows: Mapping[bytes, bytes]) -> None:
        """`rows`: the collector's committed rows of `checkpoints`."""
        self._telemetry = setup.telemetry
        self._descriptors = setup.descriptors
        self._pins = setup.pins
        self._stored = StoredRows(setup.identity, rows, setup.telemetry, setup.pins)
        self.ledger = Ledger(self._stored)
        parts = setup, self.ledger, self._stored
        self._arrivals = Arrivals(*parts)
        self._departures = Departures(*parts)
        self._rewrites = Rewrites(*parts)
        self._left_paths: frozenset[str] = frozenset()

    def __len__(self) -> int:
        return len(self.ledger.by_key)

    def __contains__(self, key: object) -> bool:
        """Whether a file is known, also by its checkpoint alone."""
        return key in self.ledger.by_key or key in self._stored

    def sources(self) -> list[Source]:
        """The files."""
        return list(self.ledger.by_key.values())

    # A scan

    def sweep(self, scan: Scan, *, now: float, settled: bool = True) -> None:
        """Take a scan in.

        Not `settled`: what was taken last may have to be put back. What a rewritten
        file held is decided later, for its copy is read from what is committed.
        """
        ledger, since = self.ledger, self._stored.since
        ledger.sweeps += 1
        ledger.is_settled = settled
        fresh = set(scan.roots) - since.keys()
        stored, unknown = self._see_known(scan, now=now)
        # What became of every known file comes first: by that others are judged.
        left = scan.left | self._meet(stored, fresh, now=now)
        self._departures.look_for_missing(now=now)
        for found in self._stored.seek(set(scan.roots), now=now):
            self._arrivals.meet(found, first=False, now=now, sought=True)
        self._arrivals.bury(now=now)
        if settled:
            self._restart_rewritten(now=now)
        self._arrivals.forget_absent(scan)
        left |= self._meet(unknown, fresh, now=now)
        if ledger.sweeps == 1:
            self._arrivals.meet_pinned(scan, now=now)
        for root in fresh:
            since[root] = ledger.new_roots[root] = now - _FILE_CLOCK_S
        ledger.index()
        self._left_paths = frozenset(left)
        self._telemetry.left_out(left)
        self._telemetry.roots(scan.missing, scan.empty)
        self._rewrites.give_up_copies(now=now)
        self._count(len(left))

    def greet(self, scan: Scan, *, now: float) -> bool:
        """Take in a look at one path; False if a scan has to look."""
        files = scan.files.values()
        if self.ledger.by_key.keys() & scan.files.keys() or any(
            found.root not in self._stored.since for found in files
        ):
            return False
        for found in files:
            # It replaces what was read under its name, or may be a copy: to be judged
            # with all others.
            known = found.path in self.ledger.by_path or found.key in self._stored
            if known or self._arrivals.may_be_copy(found):
                return False
            self._arrivals.meet(found, first=False, now=now)
        return bool(scan.files or scan.blank or scan.left)

    def poke(self, path: str) -> bool:
        """Look at one file that was written to; False if a scan has to look."""
        source = self.ledger.by_path.get(path)
        if source is None:
            return path in self._left_paths
        try:
            at = os.stat(path)
        except OSError:
            return False
        if (at.st_dev, at.st_ino) != source.key:
            return False
        if self.ledger.notice(source, at.st_size, at.st_mtime):
            self._arrivals.look_at_beginning(source)
        return True

    def work(self) -> bool:
        """Do a part of what takes long; whether there is more of it."""
        return self._arrivals.work()

    def finish(self, source: Source) -> None:
        """Note that a file was read to its end and is given up."""
        self._departures.finish(source)

    def release(self, source: Source) -> None:
        """Let go of a finished file once that is committed."""
        self._departures.release(source)

    def _see_known(self, scan: Scan, *, now: float) -> tuple[list[Found], list[Found]]:
        """Take in what became of known files; those of checkpoints, and the others."""
        stored: list[Found] = []
        unknown: list[Found] = []
        by_key, sweeps = self.ledger.by_key, self.ledger.sweeps
        for found in scan.files.values():
            source = by_key.get(found.key)
            if source is not None and _is_idle(source, found):
                source.seen_in, source.found_at = sweeps, now
                continue
            if source is not None and found.packed and source.archive is None:
                # An archive got the inode of a log that is no more.
                self._arrivals.note_gone(source)
                self._departures.forget(source, now=now)
                source = None
            if source is not None:
                self._see(source, found, now=now)
            elif self._stored.get(found) is not None:
                stored.append(found)
            else:
                unknown.append(found)
        # Archives last: they may be twins of the others.
        unknown.sort(key=lambda found: found.packed)
        return stored, unknown

    def _see(self, source: Source, found: Found, *, now: float) -> None:
        source.seen_in, source.named = self.ledger.sweeps, True
        standing = Standing.ROTATED if found.twin_of else Standing.LIVE
        self._departures.move(source, found.path, standing, now=now)
        if self.ledger.notice(source, found.size, found.modified_at):
            source.quiet_since = now
            self._pins.add(source.key, source.path)
            self._arrivals.look_at_beginning(source)
        self._departures.settle(source, now=now)

    def _meet(
        self, unknown: list[Found], fresh: set[str], *, now: float
    ) -> dict[str, LeftOut]:
        """Begin to read new files; why the others are not read."""
        left = {}
        for found in unknown:
            why = self._arrivals.meet(found, first=found.root in fresh, now=now)
            if why is not None:
                left[found.path] = why
        return left

    def _restart_rewritten(self, *, now: float) -> None:
        rewritten = dict(self.ledger.rewritten)
        self.ledger.rewritten.clear()
        for source, verdict in rewritten.items():
            if not self.ledger.holds(source):
                continue
            if not self._rewrites.is_one(source):
                self.ledger.enqueue(source)
                continue
            followed = self._descriptors.is_kept(source.key) or source.key in self._pins
            if source.seen_in == self.ledger.sweeps or followed:
                self._rewrites.restart(source, verdict, now=now)
            else:
                # Followed by its inode alone: that belongs to another file now.
                self._departures.forget(source, now=now)

    def _count(self, left: int) -> None:
        sources = self.ledger.by_key.values()
        counts: Counter[FileState] = Counter(map(_state, sources))
        counts[FileState.LEFT_OUT] = left
        unread = dict.fromkeys((source.origin.service for source in sources), 0)
        for source in sources:
            if source.size != source.place.in_file:
                unread[source.origin.service] += source.unread
            if source.peak > source.size:
                self._rewrites.count_shrunk(source)
        self._telemetry.files(counts, open_files=len(self._descriptors))
        self._telemetry.unread(unread)


def _is_idle(source: Source, found: Found) -> bool:
    """Whether a scan says of a file that is read what is known of it."""
    return (
        source.size == found.size
        and source.modified_at == found.modified_at
        and source.standing is Standing.LIVE
        and source.path == found.path
        and found.twin_of is None
        and source.archive is None
    )


def _state(source: Source) -> FileState:
    if source.finished:
        return FileState.FINISHED
    if source.standing is not Standing.LIVE:
        return FileState.ROTATED
    return FileState.READING if source.queued else FileState.CAUGHT_UP
