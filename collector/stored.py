"""Checkpoints of files that were not seen yet since the start.

Each waits for its file: a scan may find it under its name, or it is looked for by inode
in the directory where it last was. What is nowhere is forgotten; after a day where that
directory cannot be looked into, for it may come back with its mount.
"""

# A Path for each file would double the cost of a scan.
# ruff: noqa: PTH116

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping

from collector.checkpoint import (
    ROOT_MARK,
    Checkpoint,
    decode_path,
    decode_root,
    decode_row,
    row_key,
    row_prefix,
)
from collector.discovery import Found
from collector.disk import list_inodes
from collector.identity import FileKey
from collector.names import base_names, family
from collector.pins import Pins
from collector.telemetry import CollectorTelemetry
from tocsin.errors import BadRecord

FORGET_S = 86_400.0
# A file that is moved while its directory is listed is found in the next listing.
GONE_S = 2.0
_SEEK_AGAIN_S = 60.0


class StoredRows:
    """The rows by file; `doomed`: keys of rows that are to be deleted.

    `since`: when each PATH was first watched. `awaited`: file-ids that are not to be
    given up, for what became of them may be there.
    """

    def __init__(
        self,
        identity: str,
        rows: Mapping[bytes, bytes],
        telemetry: CollectorTelemetry,
        pins: Pins,
    ) -> None:
        self._identity = identity
        self._pins = pins
        self._telemetry = telemetry
        self._rows: dict[FileKey, Checkpoint] = {}
        # By inode and path: a device may have another number after a restart.
        self._places: dict[tuple[int, str], FileKey] = {}
        self._sought_at: float | None = None
        self._started_at = 0.0
        self.since: dict[str, float] = {}
        self.doomed: set[bytes] = set()
        self.awaited: set[str] = set()
        self._displaced: dict[str, Checkpoint] = {}
        self._ended: list[Checkpoint] = []
        self._by_name: dict[str, list[Checkpoint]] | None = None
        prefix = row_prefix(identity)
        for key, value in rows.items():
            try:
                self._load(key.removeprefix(prefix).decode("utf-8", "replace"), value)
            except BadRecord as error:
                shown = key.decode("utf-8", "replace")
                telemetry.checkpoint_unreadable(shown, str(error))
                self.doomed.add(key)
        for file_key, row in self._rows.items():
            self._places[file_key.inode, decode_path(row.path)] = file_key

    def _load(self, name: str, value: bytes) -> None:
        if name.startswith(ROOT_MARK):
            root = decode_path(name.removeprefix(ROOT_MARK))
            self.since[root] = decode_root(value).since
            return
        row = decode_row(value)
        known = self._rows.setdefault(row.file_key, row)
        if known is not row:
            # Two rows of one inode: the older content is gone, but for a copy of it.
            older, newer = sorted((known, row), key=_birth)
            self._rows[row.file_key] = newer
            self.displace(older)
            self._ended.append(older)

    def __contains__(self, key: object) -> bool:
        return key in self._rows

    def get(self, found: Found) -> Checkpoint | None:
        """The row of a file; its key differs where the device has another number."""
        row = self._rows.get(found.key)
        if row is None:
            place = self._places.get((found.key.inode, found.path))
            row = self._rows.get(place) if place is not None else None
        return row

    def holds(self, row: Checkpoint) -> bool:
        """Whether a row still waits for its file."""
        return self._rows.get(row.file_key) is row

    def related(self, name: str) -> list[Checkpoint]:
        """The rows of files of this name or its rotated twins, in any directory."""
        if self._by_name is None:
            self._by_name = {}
            for row in (*self._rows.values(), *self._displaced.values()):
                for each in family(decode_path(row.path).rpartition("/")[2]):
                    self._by_name.setdefault(each, []).append(row)
        found = self._by_name.get(name, ())
        return [r for r in found if self.holds(r) or r.file_id in self._displaced]

    def displace(self, row: Checkpoint) -> None:
        """Delete a row whose inode another file has; an archive may be its file's."""
        self._displaced[row.file_id] = row
        self.doom(row.file_id)

    @property
    def deletable(self) -> set[bytes]:
        """Keys of rows that may be deleted now; others are still awaited."""
        if not self.awaited:
            return self.doomed
        return self.doomed.difference(map(self.key_of, self.awaited))

    def claim(self, key: FileKey) -> None:
        """Take a row out: its file was found, or is no more."""
        row = self._rows.pop(key)
        self._places.pop((key.inode, decode_path(row.path)), None)

    def doom(self, file_id: str) -> None:
        """Have a row deleted."""
        self.doomed.add(self.key_of(file_id))

    def key_of(self, file_id: str) -> bytes:
        """The key of a file's row."""
        return row_key(self._identity, file_id)

    def take_ended(self) -> list[Checkpoint]:
        """The rows that were given up since this was asked last."""
        ended, self._ended = self._ended, []
        return ended

    def is_seeking(self, *, now: float) -> bool:
        """Whether a file may still be found that was in its directory at the start."""
        return self._sought_at is None or now - self._started_at < GONE_S

    def seek(self, roots: set[str], *, now: float) -> Iterator[Found]:
        """Files that are no longer where a scan finds them; looked for each minute."""
        if self._sought_at is None:
            self._started_at = now
        elif now - self._sought_at < self._seek_again_s():
            return
        self._sought_at = now
        listed: dict[tuple[str, int], dict[int, str] | None] = {}
        for key, row in list(self._rows.items()):
            place = (row.directory, key.device)
            if place not in listed:
                listed[place] = list_inodes(*place)
            names = listed[place]
            path = None if names is None else names.get(key.inode)
            known = decode_path(row.root) in roots
            if path is None and known:
                path = self._pins.path_of(key)
            if path is not None and known:
                found = _at(path, key, row, is_pin=path == self._pins.path_of(key))
                if found is not None:
                    yield found
                    continue
            is_awaited = row.file_id in self.awaited
            if path is None and not is_awaited and self._is_gone(names, now=now):
                self._give_up(key, row)

    def _give_up(self, key: FileKey, row: Checkpoint) -> None:
        self.claim(key)
        self.doom(row.file_id)
        self._ended.append(row)
        self._pins.remove(key)

    def _seek_again_s(self) -> float:
        first = self._sought_at == self._started_at
        return GONE_S if first else _SEEK_AGAIN_S

    def _is_gone(self, names: dict[int, str] | None, *, now: float) -> bool:
        """Whether a file that is nowhere will not come back."""
        return now - self._started_at >= (GONE_S if names is not None else FORGET_S)


def _birth(row: Checkpoint) -> tuple[int, str]:
    """Orders the contents of one file, also where the clock was put back."""
    born = row.file_id.rpartition("-")[2]
    return len(born), born


def _at(path: str, key: FileKey, row: Checkpoint, *, is_pin: bool) -> Found | None:
    """The file of a row under a name that is not read; None if nothing is left of it.

    With nothing read of it yet, only its name can tell it from a file that merely got
    its inode.
    """
    was = decode_path(row.path)
    directory, _, name = path.rpartition("/")
    related = was in {path, *(f"{directory}/{base}" for base in base_names(name))}
    try:
        at = os.stat(path)
    except OSError:
        return None
    if (at.st_dev, at.st_ino) != key or not (row.offset or related or is_pin):
        return None
    if row.finished and at.st_size == row.in_file:
        return None
    root = decode_path(row.root)
    if is_pin:
        path = was
    return Found(path, key, at.st_size, at.st_mtime, root, root, twin_of=was)
