"""Which files there are to read, and why the others are left out.

A scan is the truth; it is repeated, and what wakes it up earlier is only a hint. It
opens each new file once, for its first bytes, and never a FIFO, socket or device.
"""

# A Path for each file would double the cost of a scan.
# ruff: noqa: PTH100, PTH112, PTH114, PTH116, PTH120

from __future__ import annotations

import errno
import os
import stat
import time
from collections.abc import Container, Iterable
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import NamedTuple

from collector import names
from collector.disk import beginning_of
from collector.gunzip import MAGIC, is_gzip
from collector.identity import FileKey
from collector.listing import Listing, Listings, Name
from collector.names import SNIFF_BYTES, LeftOut
from collector.patterns import Glob, compile_exclude, compile_glob, is_glob
from tocsin.records.text import PLAIN, Text, text_of
from tocsin.values import Clock

# A scan asks again and again for the same names.
_judge_name = lru_cache(maxsize=32_768)(names.judge_name)
_base_names = lru_cache(maxsize=32_768)(names.base_names)
_unpacked_name = lru_cache(maxsize=32_768)(names.unpacked_name)


@dataclass(frozen=True, slots=True)
class Found:
    """A regular file that is meant, as it was at the scan.

    `root`: the PATH it belongs to; `base`: the directory that its service is named
    below. `twin_of`: the path of which it is a rotated twin by its name. `chosen`: it
    was found in a directory, so Tocsin decides what is a log. `packed`: it is a gzip
    file, and what it unpacks to is meant.
    """

    path: str
    key: FileKey
    size: int
    modified_at: float
    root: str
    base: str
    twin_of: str | None = None
    chosen: bool = False
    packed: bool = False


class _Sniffed(NamedTuple):
    """What a file's beginning told when it had `size` bytes."""

    size: int
    left: LeftOut | None
    packed: bool = False


@dataclass(slots=True)
class Scan:
    """What one scan saw.

    `roots`: the PATHs. `left`: why paths are not read. `missing`: PATHs that are not
    there; `empty`: those with nothing to read; `blank`: files without a byte yet, which
    are no files so far. `watch`: directories to watch, and whether all below, too.
    `linked`: something is reached through a link, so no watch tells of its changes.
    """

    roots: list[str] = field(default_factory=list)
    files: dict[FileKey, Found] = field(default_factory=dict)
    left: dict[str, LeftOut] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    empty: list[str] = field(default_factory=list)
    blank: int = 0
    watch: dict[str, bool] = field(default_factory=dict)
    linked: bool = False

    def add(self, found: Found) -> None:
        """Take a file in, once, under its least rotated name."""
        known = self.files.get(found.key)
        if known is None or (known.twin_of and not found.twin_of):
            self.files[found.key] = found


class Discovery:
    """Finds the files of PATHs: a file, a directory, or a glob."""

    def __init__(  # noqa: PLR0913 - what there is to know of PATHs
        self,
        paths: Iterable[str],
        *,
        exclude: Iterable[str] = (),
        own: str | None = None,
        archives: bool = True,
        text: Text = PLAIN,
        clock: Clock = time.time,
    ) -> None:
        """`own`: a directory of this program's, with names that nobody else sees.

        `archives`: gzip files are to be unpacked, not left out. `text`: what is in
        files without a byte order mark. `clock`: the one of the file systems.
        """
        self._text = text
        self._own = own
        self._archives = archives
        self._roots = list(dict.fromkeys(os.path.abspath(path) for path in paths))
        self._globs = {
            root: compile_glob(root) for root in self._roots if is_glob(root)
        }
        self._exclude = [compile_exclude(pattern) for pattern in exclude]
        self._sniffed: dict[FileKey, _Sniffed] = {}
        self._known: dict[FileKey, _Sniffed] = {}
        self._tailed: Container[FileKey] = frozenset()
        self._listings = Listings(clock)

    @property
    def roots(self) -> list[str]:
        """The PATHs, absolute."""
        return self._roots

    def concerns(self, path: str) -> bool:
        """Whether a change of this path may change what a scan finds."""
        for root in self._roots:
            if path == root or path.startswith(root.rstrip("/") + "/"):
                return True
            glob = self._globs.get(root)
            if glob is not None and (
                glob.matches(path)
                or (glob.depth != 0 and path.startswith(glob.base.rstrip("/") + "/"))
            ):
                return True
            # A parent of it came or went.
            if root.startswith(path.rstrip("/") + "/"):
                return True
        return False

    def look(self, path: str) -> Scan:
        """Scan one path that appeared; empty if a whole scan has to look.

        So a new file does not wait for a scan of thousands of others. What may be a
        rotated twin does: it is judged together with its original.
        """
        scan = Scan(self._roots)
        name = path.rpartition("/")[2]
        if _base_names(name) or _unpacked_name(name) or os.path.isdir(path):
            return scan
        for root in self._roots:
            below = path.startswith(root.rstrip("/") + "/")
            if below and root not in self._globs and not self._is_below_excluded(path):
                left = _judge_name(name)
                if left is not None:
                    scan.left[path] = left
                else:
                    self._consider(path, scan, root=root, base=root)
                break
        return scan

    def _is_below_excluded(self, path: str) -> bool:
        parts = path.split("/")
        return any(
            self._is_excluded("/".join(parts[:end])) for end in range(2, len(parts) + 1)
        )

    def scan(self, tailed: Container[FileKey] = frozenset()) -> Scan:
        """Look at everything; costs some microseconds a file.

        `tailed`: files that are known already, whatever they begin with now.
        """
        scan = Scan(self._roots)
        self._tailed = tailed
        self._known, self._sniffed = self._sniffed, {}
        self._listings.begin()
        for root in self._roots:
            before = len(scan.files) + scan.blank
            if os.path.isdir(root):
                self._tree(root, scan)
            elif root in self._globs and not os.path.lexists(root):
                self._glob(root, self._globs[root], scan)
            else:
                self._single(root, scan)
                continue
            found = len(scan.files) + scan.blank > before
            if not found and root not in scan.missing:
                scan.empty.append(root)
        return scan

    def _tree(self, root: str, scan: Scan) -> None:
        scan.watch[root] = True
        for listing in self._listings.walk(
            root, root, None, choose=self._choose, left=scan.left
        ):
            self._look_at(listing, scan, root=root, base=root)

    def _choose(self, listing: Listing, entries: list[os.DirEntry[str]]) -> None:
        files = self._split(listing, entries)
        here = {entry.name for entry in files}
        for entry in files:
            left = _judge_name(entry.name)
            if left is not None and _unpacked_name(entry.name) is None:
                listing.left[entry.path] = left
                continue
            twin = _twin(listing.path, entry.name, here)
            listing.linked |= entry.is_symlink()
            listing.files.append(Name(entry.path, entry.name, twin))

    def _glob(self, root: str, glob: Glob, scan: Scan) -> None:
        if not os.path.isdir(glob.base):
            scan.missing.append(root)
            return
        scan.watch[glob.base] = scan.watch.get(glob.base, False) or glob.depth != 0
        choose = partial(self._match, glob)
        for listing in self._listings.walk(
            root, glob.base, glob.depth, choose=choose, left=scan.left
        ):
            self._look_at(listing, scan, root=root, base=glob.base, chosen=False)

    def _match(
        self, glob: Glob, listing: Listing, entries: list[os.DirEntry[str]]
    ) -> None:
        files = self._split(listing, entries)
        meant = [entry for entry in files if glob.matches(entry.path)]
        here = {entry.name for entry in files} if meant else set()
        for entry in meant:
            packed = names.is_compressed_name(entry.name)
            if packed and _unpacked_name(entry.name) is None:
                listing.left[entry.path] = LeftOut.COMPRESSED
                continue
            twin = _twin(listing.path, entry.name, here)
            listing.linked |= entry.is_symlink()
            listing.files.append(Name(entry.path, entry.name, twin))

    def _split(
        self, listing: Listing, entries: list[os.DirEntry[str]]
    ) -> list[os.DirEntry[str]]:
        """Take directories in; the other entries that are not excluded."""
        files = []
        for entry in entries:
            if self._is_excluded(entry.path):
                listing.left[entry.path] = LeftOut.EXCLUDED
            elif _is_directory(entry):
                listing.linked |= entry.is_symlink()
                listing.directories.append(entry.path)
            else:
                files.append(entry)
        return files

    def _look_at(
        self, listing: Listing, scan: Scan, *, root: str, base: str, chosen: bool = True
    ) -> None:
        """Look at the files of a directory; most are what they were."""
        scan.linked |= listing.linked
        files, tailed = scan.files, self._tailed
        with listing.opened() as directory:
            for name in listing.files:
                was = name.found
                if was is not None:
                    try:
                        at = (
                            os.stat(name.path)
                            if directory is None
                            else os.stat(name.name, dir_fd=directory)
                        )
                    except OSError:
                        at = None
                    if at is not None and _is_as_before(was, at) and was.key in tailed:
                        if was.packed:
                            self._sniffed[was.key] = _Sniffed(
                                was.size, None, was.packed
                            )
                        if was.key in files:
                            scan.add(was)
                        else:
                            files[was.key] = was
                        continue
                name.found = self._consider(
                    name.path, scan, root=root, base=base, twin=name.twin, chosen=chosen
                )

    def _single(self, root: str, scan: Scan) -> None:
        directory = os.path.dirname(root)
        if os.path.isdir(directory):
            scan.watch.setdefault(directory, False)
        if not os.path.lexists(root):
            scan.missing.append(root)
        else:
            scan.linked |= os.path.islink(root)
            self._consider(root, scan, root=root, base=directory, chosen=False)

    def _is_excluded(self, path: str) -> bool:
        return path == self._own or any(p.match(path) for p in self._exclude)

    def _consider(  # noqa: PLR0913 - what Found is made of
        self,
        path: str,
        scan: Scan,
        *,
        root: str,
        base: str,
        twin: str | None = None,
        chosen: bool = True,
    ) -> Found | None:
        try:
            at = os.stat(path)
        except OSError as error:
            if os.path.lexists(path):
                denied = isinstance(error, PermissionError)
                scan.left[path] = LeftOut.UNREADABLE if denied else LeftOut.DANGLING
            return None
        if not stat.S_ISREG(at.st_mode):
            scan.left[path] = LeftOut.NOT_A_FILE
            return None
        key = FileKey(at.st_dev, at.st_ino)
        if not at.st_size and key not in self._known and key not in self._tailed:
            # Nothing to judge, nothing to lose: it is met with its first byte.
            scan.blank += 1
            return None
        try:
            sniffed = self._sniff(path, key, at.st_size, chosen=chosen)
        except OSError as error:
            if not _is_short_of_descriptors(error):
                gone = isinstance(error, FileNotFoundError)
                scan.left[path] = LeftOut.DANGLING if gone else LeftOut.UNREADABLE
            return None
        if sniffed is None:
            scan.blank += 1
        elif sniffed.left is not None:
            scan.left[path] = sniffed.left
        else:
            size, modified_at, packed = at.st_size, at.st_mtime, sniffed.packed
            found = Found(
                path, key, size, modified_at, root, base, twin, chosen, packed
            )
            scan.add(found)
            return found
        return None

    def _sniff(
        self, path: str, key: FileKey, size: int, *, chosen: bool
    ) -> _Sniffed | None:
        """Judge the beginning; once, unless it was short or the file shrank.

        None: it is too short to tell what it is.

        Raises:
            OSError: it cannot be read.
        """
        known = self._known.get(key)
        named_so = _unpacked_name(path.rpartition("/")[2]) is not None
        if named_so and known is not None and not known.packed:
            known = None  # an archive got the inode of a log
        elif key in self._tailed and not (named_so and known is None):
            known = known or _Sniffed(size, None)
            self._sniffed[key] = known
            return known
        if known is not None and (
            known.left is None or size >= known.size >= SNIFF_BYTES
        ):
            self._sniffed[key] = known
            return known
        data = beginning_of(path, SNIFF_BYTES)
        if named_so and MAGIC.startswith(data) and data != MAGIC:
            return None
        if is_gzip(data) and (named_so or not chosen) and self._archives:
            sniffed = _Sniffed(size, None, packed=True)
        elif named_so or (not chosen and names.is_compressed(data)):
            sniffed = _Sniffed(size, LeftOut.COMPRESSED)
        else:
            left = self._judge(data) if chosen else None
            sniffed = _Sniffed(size, left)
        if data:
            self._sniffed[key] = sniffed
        return sniffed

    def _judge(self, data: bytes) -> LeftOut | None:
        text = text_of(data, self._text)
        if text is not None and not text.is_plain and not names.is_compressed(data):
            value, _ = text.decode_beginning(data)
            data = value.replace(text.ending.encode(), b"\n")
        return names.judge_beginning(data)


def _is_as_before(was: Found, at: os.stat_result) -> bool:
    """Whether a file is what the last scan found."""
    return (
        was.size == at.st_size
        and was.modified_at == at.st_mtime
        and was.key == (at.st_dev, at.st_ino)
    )


def _is_short_of_descriptors(error: OSError) -> bool:
    return error.errno in {errno.EMFILE, errno.ENFILE}


def _is_directory(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a loop of links
        return False


def _twin(directory: str, name: str, here: set[str]) -> str | None:
    """The path of which `name` is the rotated twin, where that is in `here`."""
    stem = _unpacked_name(name)
    if stem is not None:
        name = stem
        if stem in here:
            return f"{directory.rstrip('/')}/{stem}"
    for base in _base_names(name):
        if base in here:
            return f"{directory.rstrip('/')}/{base}"
    return None
