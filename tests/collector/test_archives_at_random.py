"""Logs that are rotated and packed as logrotate does it, at random, with kills."""

from __future__ import annotations

import os
from pathlib import Path
from random import Random

import pytest

from tests.collector.core import Desk, ManualClock
from tests.collector.rig import ready_bus
from tests.collector.test_archives import compress
from tests.seed import SEED

SEQUENCES = int(os.environ.get("TOCSIN_TEST_SEQUENCES", "12"))
STEPS = ("append",) * 3 + ("rotate", "compress", "rotate", "work", "look", "ship")


class Life:
    """Two logs and what becomes of them; all that was written is to come once."""

    def __init__(self, desk: Desk, random: Random) -> None:
        self._desk = desk
        self._random = random
        self.wrote: list[bytes] = []

    def step(self) -> None:
        what = self._random.choice((*STEPS, "kill", "wait", "fail"))
        path = self._desk.logs / self._random.choice(["a.log", "b.log"])
        if what == "append":
            self._append(path)
        elif what == "rotate":
            self._rotate(path)
        elif what == "compress":
            plain = [x for x in path.parent.glob(f"{path.name}.*") if x.suffix != ".gz"]
            if plain:
                compress(self._random.choice(sorted(plain)))
        elif what == "look":
            self._desk.core.look()
        elif what == "ship":
            self._desk.core.shipper.ship()
        elif what == "kill":
            self._desk.kill()
            self._desk.start()
        elif what == "fail":
            self._desk.work_in_vain()
        else:
            after_s = self._random.choice([1, 6, 40]) if what == "wait" else 0
            self._desk.work(after_s=after_s)

    def settle(self) -> None:
        """Time passes, with a restart in between."""
        for _ in range(2):
            for _ in range(4):
                self._desk.work(after_s=40)
            self._desk.kill()
            self._desk.start()

    def _append(self, path: Path) -> None:
        first = len(self.wrote)
        lines = [
            b"%s %06d %s" % (path.name.encode(), n, b"x" * self._random.randrange(60))
            for n in range(first, first + self._random.choice([1, 5, 40]))
        ]
        self.wrote += lines
        with path.open("ab") as file:
            file.write(b"".join(line + b"\n" for line in lines))

    def _rotate(self, path: Path) -> None:
        if not path.exists():
            return

        def number(twin: Path) -> int:
            return int(twin.name.removeprefix(f"{path.name}.").removesuffix(".gz"))

        twins = path.parent.glob(f"{path.name}.*")
        for twin in sorted(twins, key=number, reverse=True):
            end = ".gz" if twin.suffix == ".gz" else ""
            twin.rename(path.with_name(f"{path.name}.{number(twin) + 1}{end}"))
        path.rename(path.with_name(f"{path.name}.1"))
        packed = path.with_name(f"{path.name}.{self._random.choice([1, 2])}")
        if packed.exists():
            compress(packed)


@pytest.mark.slow
@pytest.mark.parametrize("number", range(SEQUENCES))
def test_s24_whatever_logrotate_does_each_line_comes_once(
    tmp_path: Path, number: int
) -> None:
    logs, random = tmp_path / "logs", Random(f"{SEED} {number}")
    logs.mkdir()
    (tmp_path / "state").mkdir()
    paths = [str(logs if number % 2 else logs / "*")]
    with ready_bus(tmp_path / "state") as bus:
        desk = Desk(bus, logs, ManualClock(tmp_path.stat().st_mtime), {"paths": paths})
        life = Life(desk, random)
        try:
            for _ in range(random.randrange(5, 40)):
                life.step()
            life.settle()

            assert desk.lines() == sorted(life.wrote)
        finally:
            desk.core.close()
