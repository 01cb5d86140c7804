"""Files that moved, went away, or are read to their end."""

# A Path for each file would double the cost of a scan.
# ruff: noqa: PTH116

from __future__ import annotations

import os

from collector.disk import home_of, list_inodes
from collector.ledger import Ledger, Setup
from collector.names import base_names
from collector.source import Source, Standing
from collector.stored import FORGET_S, GONE_S, StoredRows
from collector.telemetry import Lost, Rotation

# After that long without a new byte the unfinished last line of a rotated or deleted
# file is taken for all that there will be of it: programs write whole lines.
_LAST_WORDS_S = 5.0
# An archive that is written compresses for a while before it writes a block.
_CUT_SHORT_S = 30.0
# A file without a name is lost once it is closed, though its writer may have a pause.
# A deleted one holds disk space, and few programs write to one for long; one that was
# moved to where nobody looks may be written to until its program is restarted.
_DELETED_HELD_S = 30.0
_MOVED_HELD_S = 300.0


class Departures:
    """Follows files whose name is not one that is read any more, to their end."""

    def __init__(self, setup: Setup, ledger: Ledger, stored: StoredRows) -> None:
        self._ledger = ledger
        self._stored = stored
        self._telemetry = setup.telemetry
        self._descriptors = setup.descriptors
        self._pins = setup.pins

    def move(
        self, source: Source, path: str, standing: Standing, *, now: float
    ) -> None:
        """Take in under which name, if any, a file stands."""
        source.found_at = now
        if path != source.path:
            self._telemetry.file_rotated(source.path, Rotation.RENAMED, now_at=path)
            source.path, source.home = path, home_of(path)
            source.rotated = bool(base_names(path.rpartition("/")[2]))
            source.moved = True
            self._ledger.changed[source] = None
        if standing is Standing.LIVE and source.rotated:
            standing = Standing.ROTATED
        if standing is not source.standing:
            source.standing = standing
            source.quiet_since = now
            if standing is not Standing.LIVE:
                self._descriptors.keep(source.key)

    def look_for_missing(self, *, now: float) -> None:
        """Follow the files that a scan did not find, through inode or descriptor."""
        listed: dict[tuple[str, int], dict[int, str] | None] = {}
        for source in list(self._ledger.by_key.values()):
            if source.seen_in == self._ledger.sweeps:
                continue
            place = (source.home, source.key.device)
            if place not in listed:
                listed[place] = list_inodes(*place)
            self._miss(source, listed[place], now=now)

    def _miss(
        self, source: Source, names: dict[int, str] | None, *, now: float
    ) -> None:
        """Follow a file that the scan did not find under a name that is read."""
        path = None if names is None else names.get(source.key.inode)
        descriptor = self._descriptors.held(source.key)
        reachable = path or self._pins.path_of(source.key)
        try:
            if reachable is not None:
                at = os.stat(reachable)
            elif descriptor is not None:
                at = os.fstat(descriptor)
            else:
                self._is_nowhere(source, names, now=now)
                return
        except OSError:
            return
        if (at.st_dev, at.st_ino) != source.key:
            return
        source.named = path is not None
        if at.st_nlink > self._pins.links(source.key):
            self.move(source, path or source.path, Standing.ROTATED, now=now)
        else:
            if source.standing is not Standing.DELETED:
                self._telemetry.file_rotated(source.path, Rotation.DELETED)
            self.move(source, source.path, Standing.DELETED, now=now)
        if self._ledger.notice(source, at.st_size, at.st_mtime):
            source.quiet_since = now
        self.settle(source, now=now)

    def _is_nowhere(
        self, source: Source, names: dict[int, str] | None, *, now: float
    ) -> None:
        if source.file_id in self._stored.awaited:
            return  # its archive may be there
        after_s = FORGET_S if names is None else GONE_S
        if not self._ledger.is_settled:
            return  # how far it was shipped is not known
        if now - source.found_at >= after_s:
            self.forget(source, now=now)

    def settle(self, source: Source, *, now: float) -> None:
        """Give a rotated file up once it is read and nobody writes to it any more."""
        is_left = source.standing is not Standing.LIVE or source.archive is not None
        if not is_left or source.queued or not self._ledger.is_settled:
            return
        quiet_s = now - source.quiet_since
        if not source.finished:
            packed = source.archive is not None
            if quiet_s >= (_CUT_SHORT_S if packed else _LAST_WORDS_S):
                source.finishing = True
                self._ledger.enqueue(source)
        elif not source.named and source.file_id not in self._stored.awaited:
            deleted = source.standing is Standing.DELETED
            if quiet_s >= (_DELETED_HELD_S if deleted else _MOVED_HELD_S):
                self._drop(source)

    def finish(self, source: Source) -> None:
        """Note that a file was read to its end and its last words were taken."""
        source.finishing, source.finished = False, True
        self._ledger.changed[source] = None
        self._telemetry.file_finished(source.path, offset=source.place.offset)

    def release(self, source: Source) -> None:
        """Close a finished file once that is committed, if it can be found again."""
        if source.named:
            self._descriptors.close(source.key)
            self._pins.remove(source.key)
        else:
            self._descriptors.loosen(source.key)

    def forget(self, source: Source, *, now: float) -> None:
        """Give up a file that cannot be read any more; its copy may have the rest.

        What has nothing more to tell is kept in mind, too: it may have been packed.
        """
        unread = 0 if source.finished else source.unread
        if not source.finished:
            self._telemetry.file_rotated(source.path, Rotation.DELETED)
        self._ledger.await_copy(source, unread, Lost.DELETED, now=now)
        self._drop(source)

    def _drop(self, source: Source) -> None:
        self._descriptors.close(source.key)
        self._pins.remove(source.key)
        self._ledger.drop(source)
        source.finished = True
        self._stored.doom(source.file_id)
