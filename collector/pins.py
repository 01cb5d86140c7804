"""Hard links to the files that are read, so that nothing that happens to them is fatal.

A file that is rotated out of the PATHs and deleted while the collector is down is gone,
unless it has one more name. Each file has two entries in the directory of pins:
`inode-device`, the link, and `inode-device.was`, a symbolic link that only tells where
it was found, for a file that no checkpoint tells of so far. The price: a deleted file
holds disk space until it is shipped. Links go no further than their file system.
"""

# A Path for each file would double the cost of a scan.
# ruff: noqa: PTH103, PTH108, PTH115, PTH116, PTH211

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from collector.identity import FileKey

_WAS = ".was"


@dataclass(frozen=True, slots=True)
class Pinned:
    """A pin that was there at the start, and the path at which its file was found."""

    key: FileKey
    path: str
    size: int
    modified_at: float


class Pins:
    """The pins of one collector; without a directory there are none."""

    def __init__(
        self,
        directory: str | None = None,
        *,
        told: Callable[[str, str], None] | None = None,
    ) -> None:
        """`told(path, problem)` is called once for each device that cannot be used."""
        self.directory = directory
        self._told = told or _tell_nobody
        self._names: dict[FileKey, str] = {}
        self._useless: set[int] = set()
        if directory is not None:
            try:
                os.makedirs(directory, mode=0o700, exist_ok=True)
                self._load(directory)
            except OSError as error:
                self.directory = None
                self._told(directory, _problem(error))

    def __len__(self) -> int:
        return len(self._names)

    def __contains__(self, key: FileKey) -> bool:
        return key in self._names

    def add(self, key: FileKey, path: str) -> None:
        """Pin the file at `path`, if it is there, can be, and is not yet."""
        if self.directory is None or key in self._names or key.device in self._useless:
            return
        name = f"{self.directory}/{key.inode:x}-{key.device:x}"
        try:
            with contextlib.suppress(FileExistsError):
                os.symlink(path, name + _WAS)
            # link() would link the link.
            os.link(os.path.realpath(path), name)
        except FileNotFoundError:
            self._unlink(name)
            return
        except FileExistsError:
            pass
        except OSError as error:
            self._unlink(name)
            self._useless.add(key.device)
            self._told(path, _problem(error))
            return
        if _key_at(name) == key:
            self._names[key] = name
        else:
            self._unlink(name)  # another file has taken the path

    def path_of(self, key: FileKey) -> str | None:
        """The path of a file's pin."""
        return self._names.get(key)

    def links(self, key: FileKey) -> int:
        """How many of a file's names are pins."""
        return int(key in self._names)

    def remove(self, key: FileKey) -> None:
        """Give a file free."""
        name = self._names.pop(key, None)
        if name is not None:
            self._unlink(name)

    def left_behind(self) -> Iterator[Pinned]:
        """The pins, with what their files are now."""
        for key, name in list(self._names.items()):
            try:
                at = os.stat(name)
                was = os.readlink(name + _WAS)
            except OSError:
                self.remove(key)
                continue
            yield Pinned(key, was, at.st_size, at.st_mtime)

    def _load(self, directory: str) -> None:
        with os.scandir(directory) as entries:
            names = {entry.path for entry in entries}
        for name in names:
            base = name.removesuffix(_WAS)
            if base != name:
                if base not in names:
                    self._unlink(base)  # the link was never made
                continue
            key = _key_at(name)
            if key is not None:
                self._names[key] = name

    def _unlink(self, name: str) -> None:
        for each in (name, name + _WAS):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(each)


def _key_at(path: str) -> FileKey | None:
    try:
        at = os.lstat(path)
    except OSError:
        return None
    return FileKey(at.st_dev, at.st_ino)


def _problem(error: OSError) -> str:
    if error.errno == errno.EXDEV:
        return "it is on another file system than the state directory"
    return error.strerror or str(error)


def _tell_nobody(path: str, problem: str) -> None:
    """Without a directory there is nothing to tell."""
