"""Hints that something changed, from the kernel through watchdog.

Only hints: they are late, incomplete or missing (network file systems, a full queue,
exhausted watches), and the scan is the truth. What they buy is a quick start.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from watchdog.events import (
    DirCreatedEvent,
    DirDeletedEvent,
    DirMovedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer

if TYPE_CHECKING:
    from watchdog.observers.api import BaseObserver, ObservedWatch

_EVENTS: list[type[FileSystemEvent]] = [
    DirCreatedEvent,
    DirDeletedEvent,
    DirMovedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileModifiedEvent,
    FileMovedEvent,
]
# Beyond that many names a scan is cheaper than looking at each.
_MAX_PATHS = 1_000


@dataclass(frozen=True, slots=True)
class Hints:
    """Paths that were written to, and paths that came, went or moved.

    `overflowed`: there were too many to name.
    """

    written: frozenset[str] = frozenset()
    renamed: frozenset[str] = frozenset()
    overflowed: bool = False


class Wakeup:
    """Watches directories and wakes up the one thread that waits."""

    def __init__(self, told: Callable[[str, str], None]) -> None:
        """`told(path, problem)` is called once for each directory not watched."""
        self._told = told
        self._handler = _Handler()
        self._watches: dict[tuple[str, bool], ObservedWatch | None] = {}
        self._observer: BaseObserver | None = None
        try:
            self._observer = Observer()
            self._observer.start()
        except OSError as error:
            self._observer = None
            told("/", str(error))

    @property
    def is_complete(self) -> bool:
        """Whether every directory is watched, so that waiting long costs little."""
        return self._observer is not None and None not in self._watches.values()

    def watch(self, directories: dict[str, bool]) -> None:
        """Watch these directories, with all below where the value says so."""
        if self._observer is None:
            return
        wanted = set(directories.items())
        # A watch ends with its directory; one of the same name needs a new one.
        alive = {each.watch for each in self._observer.emitters if each.is_alive()}
        for place, watch in list(self._watches.items()):
            if watch is not None and (place not in wanted or watch not in alive):
                self._observer.unschedule(watch)
                del self._watches[place]
            elif place not in wanted:
                del self._watches[place]
        for path, recursive in wanted - self._watches.keys():
            try:
                self._watches[path, recursive] = self._observer.schedule(
                    self._handler, path, recursive=recursive, event_filter=_EVENTS
                )
            except OSError as error:
                self._watches[path, recursive] = None
                self._told(path, error.strerror or str(error))

    def wait(self, timeout_s: float) -> Hints:
        """Wait for a hint, at most `timeout_s` seconds."""
        return self._handler.wait(timeout_s)

    def close(self) -> None:
        """Stop watching; blocks some milliseconds."""
        if self._observer is not None:
            self._observer.stop()
            self._observer.join()


class _Handler(FileSystemEventHandler):
    """Gathers events until they are asked for; runs in the observer's thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._woken = threading.Event()
        self._written: set[str] = set()
        self._renamed: set[str] = set()
        self._overflowed = False

    def dispatch(self, event: FileSystemEvent) -> None:
        with self._lock:
            if isinstance(event, FileModifiedEvent):
                self._written.add(_text(event.src_path))
            else:
                self._renamed.add(_text(event.src_path))
                if event.dest_path:
                    self._renamed.add(_text(event.dest_path))
            if len(self._written) + len(self._renamed) > _MAX_PATHS:
                self._overflowed = True
                self._written.clear()
                self._renamed.clear()
        self._woken.set()

    def wait(self, timeout_s: float) -> Hints:
        self._woken.wait(timeout_s)
        self._woken.clear()
        with self._lock:
            hints = Hints(
                frozenset(self._written), frozenset(self._renamed), self._overflowed
            )
            self._written.clear()
            self._renamed.clear()
            self._overflowed = False
        return hints


def _text(path: str | bytes) -> str:
    return path if isinstance(path, str) else os.fsdecode(path)
