"""The files of one collector, and what the next transaction has to write of them.

What is decided of a file becomes true with a transaction: `changed`, `doomed` and
`new_roots` are what it has to write. The modules that decide share this one.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import NamedTuple

from collector.checkpoint import root_key, row_key
from collector.descriptors import Descriptors
from collector.framing import Framing
from collector.gone import Gone
from collector.gunzip import Gunzip
from collector.identity import FileKey, Fingerprint, Verdict
from collector.pins import Pins
from collector.source import Before, Source, Standing
from collector.stored import StoredRows
from collector.telemetry import CollectorTelemetry, Lost
from tocsin.config.model import CollectorConfig
from tocsin.records.keys import partition_of, stream_prefix


class Loss(NamedTuple):
    """Bytes that cannot be read any more; counted once that is committed."""

    path: str
    reason: Lost
    bytes_lost: int


@dataclass(frozen=True, slots=True)
class Setup:
    """What a roster works with."""

    identity: str
    config: CollectorConfig
    partitions: int
    framing: Framing
    descriptors: Descriptors
    telemetry: CollectorTelemetry
    pins: Pins = field(default_factory=Pins)
    gone: Gone = field(default_factory=Gone)

    def stream(self, service: str, file_id: str) -> tuple[str, int]:
        """What the keys of a file's records begin with, and their partition."""
        prefix = stream_prefix(service, self.config.host, file_id)
        return prefix, partition_of(prefix, self.partitions)

    def unpacker(self, *, told_to: int = 0) -> Gunzip:
        """What unpacks an archive; damage before `told_to` was told before."""
        return Gunzip(keep=self.framing.max_line + 1, told_to=told_to)

    def root_key(self, root: str) -> bytes:
        """The key of a PATH's row."""
        return root_key(self.identity, root)

    def source_key(self, source: Source) -> bytes:
        """The key of a file's row."""
        return row_key(self.identity, source.file_id)


class Ledger:
    """The files, by device and inode; `ready`: those with something to read.

    `sweeps` counts scans. `rewritten`: files that hold something else than before, to
    be read from their beginning once what was taken last is committed (`is_settled`).
    `truncated`: those that were, as long as a copy of them may appear. `losses`: what
    the next transaction makes known. The rows that it writes tell of these bytes no
    more, so whoever comes after a kill counts them neither twice nor never.
    """

    def __init__(self, stored: StoredRows) -> None:
        self.by_key: dict[FileKey, Source] = {}
        self.by_path: dict[str, Source] = {}
        self.sweeps = 0
        self.ready: deque[Source] = deque()
        self.changed: dict[Source, None] = {}
        self.is_settled = True
        self.rewritten: dict[Source, Verdict] = {}
        self.truncated: dict[Source, None] = {}
        self.losses: list[Loss] = []
        self.doomed = stored.doomed
        self._stored = stored
        self.new_roots: dict[str, float] = {}

    @property
    def has_news(self) -> bool:
        """Whether there is something to write although no line is ready."""
        return bool(self.deletable or self.new_roots or self.changed)

    @property
    def deletable(self) -> set[bytes]:
        """Keys of rows that are to be deleted now."""
        awaiting = (source.before for source in self.truncated)
        # Killed now, the next run has to know of what a copy is that comes late.
        return self._stored.deletable.difference(
            self._stored.key_of(each.file_id)
            for each in awaiting
            if each is not None and not each.taken
        )

    def holds(self, source: Source) -> bool:
        """Whether a file is still one of those that are read."""
        return self.by_key.get(source.key) is source

    def add(self, source: Source) -> None:
        """Take a file in."""
        self.by_key[source.key] = source
        # What it replaces there is needed until all that a scan found is judged.
        self.by_path.setdefault(source.path, source)

    def index(self) -> None:
        """Bring `by_path` up to date: of two files, the one that is there now."""
        self.by_path = {}
        for source in self.by_key.values():
            if source.standing is Standing.LIVE or source.path not in self.by_path:
                self.by_path[source.path] = source

    def drop(self, source: Source) -> None:
        """Read a file no more."""
        self.by_key.pop(source.key, None)
        self.changed.pop(source, None)
        self.rewritten.pop(source, None)

    def await_copy(
        self, source: Source, unread: int, reason: Lost, *, now: float
    ) -> None:
        """Keep in mind what a file held that cannot be read any more."""
        self.settle(source)
        self.truncated[source] = None
        source.before = Before(
            source.place.in_file,
            Fingerprint.of(source.trail),
            unread,
            now,
            head=source.trail.head or source.beginning,
            reason=reason,
            file_id=source.file_id,
        )

    def settle(self, source: Source) -> None:
        """Lose what a file held before: no copy of it is to be expected any more."""
        before, source.before = source.before, None
        self.truncated.pop(source, None)
        if before is not None and before.unread:
            self.losses.append(Loss(source.path, before.reason, before.unread))

    def enqueue(self, source: Source) -> None:
        """Have a file read in its turn."""
        if not source.queued:
            source.queued = True
            self.ready.append(source)

    def notice(self, source: Source, size: int, modified_at: float) -> bool:
        """Take in a file's size; whether anything changed."""
        if source not in self.rewritten:
            # So much was there; if it is no more, that is known by this.
            source.peak = max(source.peak, source.size)
        if size < source.place.in_file or (
            size < source.size and not source.trail.tail
        ):
            self.rewritten[source] = Verdict.SHRUNK
        changed = size != source.size or modified_at != source.modified_at
        if changed:
            source.size = size
            source.modified_at = modified_at
            source.finished = False
            self.enqueue(source)
        return changed
