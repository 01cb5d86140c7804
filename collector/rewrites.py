"""Files that hold something else than before: truncated, or written anew."""

from __future__ import annotations

import contextlib
import os

from collector.framing import Place
from collector.gunzip import MAGIC, Gunzip, is_gzip
from collector.identity import Trail, Verdict, new_file_id
from collector.ledger import Ledger, Loss, Setup
from collector.service import origin_of
from collector.source import Source, Standing, holds, note_beginning
from collector.stored import StoredRows
from collector.telemetry import Lost, Rotation
from tocsin.records.keys import Mark

# A copy is there before its original is truncated; it only has to be noticed.
_COPY_APPEARS_S = 5.0
KIND = {Verdict.SHRUNK: Rotation.TRUNCATED, Verdict.REWRITTEN: Rotation.REPLACED}
"""What a verdict is called in the log and the metrics."""


class Rewrites:
    """Has rewritten files read from their beginning, as new content."""

    def __init__(self, setup: Setup, ledger: Ledger, stored: StoredRows) -> None:
        self._setup = setup
        self._ledger = ledger
        self._stored = stored
        self._telemetry = setup.telemetry
        self._descriptors = setup.descriptors

    def is_one(self, source: Source) -> bool:
        """Whether a file does not hold any more what was read of it.

        A network file system may tell the size of a moment ago: bytes are the truth.
        """
        if not source.trail.tail:
            return True
        try:
            descriptor = self._descriptors.open(source.key, source.path)
            return not holds(source.trail, descriptor, source.place.in_file)
        except OSError:
            return True

    def restart(self, source: Source, verdict: Verdict, *, now: float) -> None:
        """Read a file from its beginning: it holds something else than before."""
        self._telemetry.file_rotated(source.path, KIND[verdict])
        self._stored.doom(source.file_id)
        self._ledger.await_copy(
            source, max(0, source.peak - source.place.in_file), Lost.TRUNCATED, now=now
        )
        source.file_id = new_file_id(source.key, now=now, after=source.file_id)
        if source.standing is Standing.LIVE:
            # Its inode may have got another name with its other content.
            patterns = self._setup.config.services
            source.origin = origin_of(source.path, source.base, patterns)
        source.prefix, source.partition = self._setup.stream(
            source.origin.service, source.file_id
        )
        source.place, source.trail = Place(0), Trail()
        source.archive, source.framing = self._unpacker(source), None
        if source.archive is not None:
            source.place = Place(0, packed=0)
        source.peak = source.begins_at = source.met_bytes = source.old_bytes = 0
        source.beginning = b""
        with contextlib.suppress(OSError):
            descriptor = self._descriptors.open(source.key, source.path)
            note_beginning(source, descriptor)
        source.first_seen_at = now
        source.may_begin_with_hole = source.archive is None
        source.mark = Mark.NONE
        source.finished = source.finishing = False
        source.moved = True
        self._ledger.changed[source] = None
        self._ledger.enqueue(source)

    def _unpacker(self, source: Source) -> Gunzip | None:
        """What unpacks it, if it was an archive and is one again."""
        if source.archive is None:
            return None
        try:
            descriptor = self._descriptors.open(source.key, source.path)
            is_packed = is_gzip(os.pread(descriptor, len(MAGIC), 0))
        except OSError:
            return None
        return self._setup.unpacker() if is_packed else None

    def give_up_copies(self, *, now: float) -> None:
        """Count what truncations took away where no copy appeared."""
        for source in list(self._ledger.truncated):
            before = source.before
            if before is None or now - before.at > _COPY_APPEARS_S:
                self._ledger.settle(source)

    def count_shrunk(self, source: Source) -> None:
        """Count what was cut off behind the position, if all before is as it was."""
        if source not in self._ledger.rewritten and not self.is_one(source):
            gone, source.peak = source.peak - source.size, source.size
            self._ledger.losses.append(Loss(source.path, Lost.TRUNCATED, gone))
            self._ledger.changed[source] = None
