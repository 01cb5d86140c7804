"""The files that records came from: found by identity, read at positions."""

# A Path for each of thousands of files would cost more than what is done with it.
# ruff: noqa: PTH120

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from collector.descriptors import Descriptors
from collector.discovery import Discovery, Found
from collector.disk import list_inodes
from collector.gunzip import MAGIC, Gunzip, is_gzip
from collector.identity import FileKey
from tocsin.records.text import PLAIN, Text

_MAX_OPEN = 256
_LOOK = 1 << 16
# Archives that stay unpacked up to where they were read; each holds 1 MB or so.
_MAX_UNPACKED = 16
_KEEP = 1 << 20
# What is looked at once more: a delimiter across the border of two reads.
_BACK = 256


@dataclass(frozen=True, slots=True)
class Extent:
    """How much there was of a file, or of what it unpacks to, when it was looked at.

    `lines_end`: after its last newline; what follows is an unfinished line.
    """

    path: str
    size: int
    lines_end: int


class Files:
    """The files of PATHs, and those that rotated away from there, by identity.

    What a file holds is asked once, before records are read: what is written later is
    not missed in them.
    """

    def __init__(
        self, paths: Sequence[str], exclude: Sequence[str], text: Text = PLAIN
    ) -> None:
        """`text`: what the collector takes files without a byte order mark for."""
        self._discovery = Discovery(paths, exclude=exclude, text=text)
        self._descriptors = Descriptors(_MAX_OPEN)
        self._paths: dict[FileKey, str] = {}
        self._archives: dict[FileKey, Gunzip] = {}
        self._extents: dict[tuple[FileKey, Text], Extent | None] = {}
        self._sizes: dict[FileKey, int] = {}
        self._listed: dict[tuple[str, int], Mapping[int, str]] = {}
        scan = self._discovery.scan()
        self.found: dict[FileKey, Found] = scan.files
        self.missing = scan.missing
        for key, found in scan.files.items():
            self._paths[key] = found.path
            self.extent(key)

    @property
    def named(self) -> list[str]:
        """The PATHs, absolute."""
        return self._discovery.roots

    def concerns(self, path: str) -> bool:
        """Whether a path is one of those that were named, or below."""
        return self._discovery.concerns(path)

    def locate(self, key: FileKey, path: str) -> bool:
        """Look for a file that was last seen at `path`; whether it is there.

        Under another name it is found among its directory's entries.
        """
        if key in self._paths:
            return True
        place = (os.path.dirname(path), key.device)
        if place not in self._listed:
            self._listed[place] = list_inodes(*place) or {}
        found = self._listed[place].get(key.inode)
        if found is None:
            return False
        self._paths[key] = found
        return self.extent(key) is not None

    def extent(self, key: FileKey, text: Text = PLAIN) -> Extent | None:
        """How much there was of a file; None if it cannot be read."""
        if (key, text) not in self._extents:
            self._extents[key, text] = self._measure(key, text)
        return self._extents[key, text]

    def read(self, key: FileKey, start: int, size: int) -> bytes | None:
        """Bytes of a file, or of what it unpacks to; None where it is not there."""
        path = self._paths.get(key)
        if path is None:
            return None
        try:
            descriptor = self._descriptors.open(key, path)
            if key in self._archives:
                return self._unpack(key, descriptor, start, size)
            return os.pread(descriptor, size, start)
        except OSError:
            return None

    def close(self) -> None:
        """Close all files."""
        self._descriptors.close_all()

    def _measure(self, key: FileKey, text: Text) -> Extent | None:
        path = self._paths.get(key)
        if path is None:
            return None
        try:
            descriptor = self._descriptors.open(key, path)
            if is_gzip(os.pread(descriptor, len(MAGIC), 0)):
                self._archives.setdefault(key, Gunzip(keep=_KEEP))
                return self._measure_archive(key, path, descriptor, text)
            size = self._sizes.setdefault(key, os.fstat(descriptor).st_size)
            return Extent(path, size, _lines_end(descriptor, size, text))
        except OSError:
            return None

    def _measure_archive(
        self, key: FileKey, path: str, descriptor: int, text: Text
    ) -> Extent:
        size = lines_end = 0
        most = self._sizes.get(key, 1 << 62)
        overlap = len(text.delimiter) - 1
        while size < most and (
            data := self._unpack(key, descriptor, size, min(_KEEP, most - size))
        ):
            begin = max(lines_end, size - overlap)
            data = self._unpack(key, descriptor, begin, size - begin + len(data))
            found = text.rfind(data, at=begin)
            if found >= 0:
                lines_end = begin + found + len(text.delimiter)
            size = begin + len(data)
        return Extent(path, self._sizes.setdefault(key, size), lines_end)

    def _unpack(self, key: FileKey, descriptor: int, start: int, size: int) -> bytes:
        archive = self._archives.pop(key)
        self._archives[key] = archive
        active = [each for each in self._archives.values() if each.is_active]
        if len(active) > _MAX_UNPACKED:
            active[0].rest()
        found = b""
        while len(found) < size:
            at = start + len(found)
            data = archive.read(
                descriptor, at, size - len(found), low=max(0, start - _BACK)
            )
            found += data
            if not data and archive.is_at_end:
                break
        return found


def _lines_end(descriptor: int, size: int, text: Text) -> int:
    at, ending = size, len(text.delimiter)
    while at > 0:
        begin = max(0, at - _LOOK)
        found = text.rfind(os.pread(descriptor, at - begin, begin), at=begin)
        if found >= 0:
            return begin + found + ending
        # A delimiter may stand across the border.
        at = begin + ending - 1 if begin else 0
    return 0
