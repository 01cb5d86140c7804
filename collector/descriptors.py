"""Open files under a budget: the one used longest ago is closed first.

A descriptor is more than speed: a file that was rotated away or deleted can only be
read through it, unless it is pinned. Such files are kept, and go last.
"""

from __future__ import annotations

import errno
import os
import resource
from collections import OrderedDict

from collector.disk import open_file
from collector.identity import FileKey
from collector.pins import Pins

# Left for the bus, HTTP, inotify and the interpreter.
_RESERVED = 64


class Descriptors:
    """At most `limit` descriptors, by the file they are of."""

    def __init__(self, limit: int, pins: Pins | None = None) -> None:
        """`pins`: where files are that are no longer at their path."""
        self._pins = Pins() if pins is None else pins
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        if soft != resource.RLIM_INFINITY:
            limit = max(4, min(limit, soft - _RESERVED))
        self._limit = limit
        self._open: OrderedDict[FileKey, int] = OrderedDict()
        self._kept: set[FileKey] = set()

    def __len__(self) -> int:
        return len(self._open)

    def held(self, key: FileKey) -> int | None:
        """The descriptor of a file, if it is open."""
        return self._open.get(key)

    def open(self, key: FileKey, path: str) -> int:
        """The descriptor of a file, opened at `path` if need be.

        Raises:
            FileNotFoundError: another file is there now, or none.
            OSError: it cannot be opened.
        """
        descriptor = self._open.get(key)
        if descriptor is not None:
            self._open.move_to_end(key)
            return descriptor
        while len(self._open) >= self._limit:
            self.close(self._last_needed())
        try:
            descriptor = self._open_as(key, path)
        except FileNotFoundError:
            pin = self._pins.path_of(key)
            if pin is None:
                raise
            descriptor = self._open_as(key, pin)
        self._open[key] = descriptor
        return descriptor

    def _open_as(self, key: FileKey, path: str) -> int:
        descriptor = self._open_file(path)
        at = os.fstat(descriptor)
        if (at.st_dev, at.st_ino) != key:
            os.close(descriptor)
            raise FileNotFoundError(f"another file is at {path} now")
        return descriptor

    def _open_file(self, path: str) -> int:
        while True:
            try:
                return open_file(path)
            except OSError as error:
                # Somebody else in this process took what was reserved for files.
                if error.errno not in {errno.EMFILE, errno.ENFILE} or not self._open:
                    raise
                self.close(self._last_needed())

    def keep(self, key: FileKey) -> None:
        """Keep an open file rather than others: it may be found by no name."""
        if key in self._open:
            self._kept.add(key)

    def loosen(self, key: FileKey) -> None:
        """Let a file be closed as others are."""
        self._kept.discard(key)

    def is_kept(self, key: FileKey) -> bool:
        """Whether a file was never closed since it was to be kept."""
        return key in self._kept

    def close(self, key: FileKey) -> None:
        """Close a file, if it is open."""
        self._kept.discard(key)
        descriptor = self._open.pop(key, None)
        if descriptor is not None:
            os.close(descriptor)

    def close_all(self) -> None:
        """Close everything."""
        for key in list(self._open):
            self.close(key)

    def _last_needed(self) -> FileKey:
        loose = (key for key in self._open if key not in self._kept)
        return next(loose, next(iter(self._open)))
