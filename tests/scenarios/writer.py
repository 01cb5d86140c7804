"""A program that writes a log, as a scenario needs it."""

from __future__ import annotations

import os
from pathlib import Path

from tests.scenarios.stage import Stage


class Writer:
    """A program that keeps its file open, under whatever name it is by now."""

    def __init__(self, stage: Stage, path: Path, *, append: bool = True) -> None:
        self._stage = stage
        flags = os.O_WRONLY | os.O_CREAT | (os.O_APPEND if append else 0)
        self._fd = os.open(path, flags, 0o644)

    def write(self, count: int = 3) -> bytes:
        """Write new lines in one call, and expect them; the bytes."""
        lines = self._stage.lines(count)
        self._stage.expect(lines)
        data = b"".join(line + b"\n" for line in lines)
        os.write(self._fd, data)
        return data

    def raw(self, data: bytes) -> None:
        """Write bytes; what comes of them is for the scenario to expect."""
        os.write(self._fd, data)

    def close(self) -> None:
        os.close(self._fd)
