"""A clock that jumps, for a program that is not told of it."""

from __future__ import annotations

from pathlib import Path

from tests.scenarios.program import Collector

# Imported by the interpreter before anything else, so all of the program has it.
_SITE = """
import os, time
_real, _path = time.time, os.environ["JUMPED_S"]
def _jumped():
    with open(_path) as file:
        return _real() + float(file.read() or 0)
time.time = _jumped
"""


class Clock:
    """The wall clock of collectors; it is right until it jumps."""

    def __init__(self, folder: Path) -> None:
        self._site = folder / "site"
        self._site.mkdir()
        (self._site / "sitecustomize.py").write_text(_SITE)
        self._jumped = folder / "jumped"
        self._jumped.write_text("0")

    def give(self, collector: Collector) -> Collector:
        """Have a collector, not started yet, look at this clock."""
        places = {"PYTHONPATH": str(self._site), "JUMPED_S": str(self._jumped)}
        collector.environment = places
        return collector

    def jump(self, by_s: float) -> None:
        """So far off it is from now on."""
        fresh = self._jumped.with_suffix(".new")
        fresh.write_text(str(by_s))
        fresh.rename(self._jumped)
