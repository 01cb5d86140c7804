"""Files that hold something else than before: truncated, or written anew."""

from __future__ import annotations

from collector.framing import Place
from collector.identity import Fingerprint, Trail, Verdict, new_file_id
from collector.ledger import Ledger, Setup
from collector.source import Before, Source
from collector.stored import StoredRows
from collector.telemetry import Lost, Rotation

# A copy is there before its original is truncated; it only has to be noticed.
COPY_APPEARS_S = 5.0
KIND = {Verdict.SHRUNK: Rotation.TRUNCATED, Verdict.REWRITTEN: Rotation.REPLACED}
"""What a verdict is called in the log and the metrics."""


class Rewrites:
    """Has rewritten files read from their beginning, as new content."""

    def __init__(self, setup: Setup, ledger: Ledger, stored: StoredRows) -> None:
        self._setup = setup
        self._ledger = ledger
        self._stored = stored
        self._telemetry = setup.telemetry

    def restart(self, source: Source, verdict: Verdict, *, now: float) -> None:
        """Read a file from its beginning: it holds something else than before."""
        self.count_lost(source)
        self._telemetry.file_rotated(source.path, KIND[verdict])
        self._stored.doom(source.file_id)
        unread = source.unread if verdict is Verdict.SHRUNK else 0
        fingerprint = Fingerprint.of(source.trail)
        source.before = Before(source.place.offset, fingerprint, unread, now)
        source.file_id = new_file_id(source.key, now=now, after=source.file_id)
        source.prefix, source.partition = self._setup.stream(
            source.origin.service, source.file_id
        )
        source.place, source.trail, source.size = Place(0), Trail(), 0
        source.old_bytes = 0
        source.first_seen_at = now
        source.may_begin_with_hole = True
        source.finished = source.finishing = False
        source.moved = True
        self._ledger.changed[source] = None
        self._ledger.enqueue(source)

    def count_lost(self, source: Source) -> None:
        """Count what a truncation took away, once no copy of it is to be expected."""
        before, source.before = source.before, None
        if before is not None and before.unread:
            self._telemetry.lost(source.path, Lost.TRUNCATED, before.unread)
