"""Writes the demo's story into files, at the pace of life or at once."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Self, TextIO

from tocsin.app.demo.story import Line, render
from tocsin.values import Clock

ROTATE_BYTES = 8 * 1024**2
"""A file that grows over this is renamed to `.1`, as logrotate does it."""


class LogFiles:
    """One file a service below a folder: `payments/payments.log`."""

    def __init__(self, folder: Path, *, rotate_bytes: int = ROTATE_BYTES) -> None:
        self._folder = folder
        self._rotate_bytes = rotate_bytes
        self._open: dict[Path, TextIO] = {}

    def append(self, line: Line, text: str) -> None:
        """Write a line so that readers see it at once."""
        path = self._folder / line.service.name / line.service.file
        file = self._open.get(path) or self._opened(path)
        file.write(text)
        file.flush()
        if file.tell() > self._rotate_bytes:
            file.close()
            del self._open[path]
            path.replace(path.with_name(path.name + ".1"))

    def _opened(self, path: Path) -> TextIO:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = self._open[path] = path.open("a", encoding="utf-8")
        return file

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for file in self._open.values():
            file.close()
        self._open.clear()


def write(
    files: LogFiles,
    lines: Iterable[Line],
    *,
    stop: threading.Event,
    clock: Clock,
    seed: int = 7,
) -> None:
    """Write each line when its time has come, until `stop`; earlier ones at once."""
    rng = random.Random(seed)
    start_at = clock()
    for line in lines:
        wait_s = start_at + line.after_s - clock()
        if stop.wait(wait_s) if wait_s > 0 else stop.is_set():
            return
        files.append(line, render(line, start_at=start_at, rng=rng))


def write_at_once(
    files: LogFiles, lines: Iterable[Line], *, start_at: float, seed: int = 7
) -> int:
    """Write all lines without waiting, as if it had begun at `start_at`; how many."""
    rng = random.Random(seed)
    count = 0
    for line in lines:
        files.append(line, render(line, start_at=start_at, rng=rng))
        count += 1
    return count
