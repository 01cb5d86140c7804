"""The names in directories, listed anew where they may have changed.

A directory has another time of change once a name in it came, went or was replaced. As
long as it has not, only its files are looked at. Not trusted is a time so near that
another change may bear it, too (file systems count in steps of up to two seconds), and
none for longer than a minute: clocks of file servers differ, and a link may lead
elsewhere by now.
"""

# A Path for each file would double the cost of a scan.
# ruff: noqa: PTH116

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from collector.names import LeftOut
from tocsin.values import Clock

if TYPE_CHECKING:
    from collector.discovery import Found

_MAX_DEPTH = 64
_STEP_S = 2.5
_TRUSTED_S = 60.0
# A look at a file by its name alone saves a third, opening its directory costs two.
_WORTH_OPENING = 8


@dataclass(slots=True)
class Name:
    """A name that may be read; `twin`: see `Found`; `found`: what it was last."""

    path: str
    name: str
    twin: str | None
    found: Found | None = None


@dataclass(slots=True)
class Listing:
    """What stands in a directory, as far as it concerns a PATH.

    `left`: names that are not read, whatever they are. `linked`: a file or directory
    is a link, so that no watch of this directory tells of its changes.
    """

    path: str
    directories: list[str] = field(default_factory=list)
    files: list[Name] = field(default_factory=list)
    left: dict[str, LeftOut] = field(default_factory=dict)
    state: tuple[int, int, int] = (0, 0, 0)
    listed_at: float = 0.0
    is_settled: bool = False
    linked: bool = False

    @contextlib.contextmanager
    def opened(self) -> Iterator[int | None]:
        """A descriptor to look at its files by; None if they are few, or it fails."""
        descriptor = None
        if len(self.files) >= _WORTH_OPENING:
            with contextlib.suppress(OSError):
                flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
                descriptor = os.open(self.path, flags)
        try:
            yield descriptor
        finally:
            if descriptor is not None:
                os.close(descriptor)


Choose = Callable[[Listing, list["os.DirEntry[str]"]], None]
"""Takes in a directory's entries."""


class Listings:
    """Remembers the listings of one scan for the next."""

    def __init__(self, clock: Clock) -> None:
        """`clock`: the time that directories are compared with."""
        self._clock = clock
        self._known: dict[tuple[str, str], Listing] = {}
        self._fresh: dict[tuple[str, str], Listing] = {}

    def begin(self) -> None:
        """Begin a scan: what the last one did not meet is forgotten."""
        self._known, self._fresh = self._fresh, {}

    def walk(
        self,
        root: str,
        base: str,
        depth: int | None,
        *,
        choose: Choose,
        left: dict[str, LeftOut],
    ) -> Iterator[Listing]:
        """All directories from `base` on, so many levels deep; no loops."""
        limit = _MAX_DEPTH if depth is None else depth
        seen: set[tuple[int, int]] = set()
        todo = [(base, 0)]
        while todo:
            directory, level = todo.pop()
            try:
                at = os.stat(directory)
                if (at.st_dev, at.st_ino) in seen:
                    continue
                listing = self._listing(root, directory, at, choose)
            except FileNotFoundError:
                continue
            except OSError:
                left[directory] = LeftOut.UNREADABLE
                continue
            seen.add((at.st_dev, at.st_ino))
            left.update(listing.left)
            if level < limit:
                todo += [(path, level + 1) for path in listing.directories]
            yield listing

    def _listing(
        self, root: str, directory: str, at: os.stat_result, choose: Choose
    ) -> Listing:
        now, state = self._clock(), (at.st_dev, at.st_ino, at.st_mtime_ns)
        known = self._known.get((root, directory))
        if (
            known is None
            or known.state != state
            or not known.is_settled
            or not 0.0 <= now - known.listed_at < _TRUSTED_S
        ):
            listing = Listing(directory, state=state, listed_at=now)
            listing.is_settled = now - at.st_mtime >= _STEP_S
            with os.scandir(directory) as entries:
                choose(listing, list(entries))
            _remember(listing, known)
            known = listing
        self._fresh[root, directory] = known
        return known


def _remember(listing: Listing, before: Listing | None) -> None:
    """Take over what was found under the same names."""
    if before is None:
        return
    found = {name.path: name.found for name in before.files}
    for name in listing.files:
        was = found.get(name.path)
        if was is not None and was.twin_of == name.twin:
            name.found = was
