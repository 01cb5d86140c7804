"""The whole program against random lives of files: killed, stopped, the bus frozen.

What a sequence does is drawn from a seed that is printed; `TOCSIN_TEST_SEED` brings it
again. Files are rotated as they are, read or not; they are truncated only once they
were read, because what was not is then gone by right (the model of the core, beside
this, has what becomes of that).
"""

from __future__ import annotations

import os
import random
import shutil
import time
from pathlib import Path

import pytest

from tests.scenarios.conftest import BUSES, installed
from tests.scenarios.program import Collector
from tests.scenarios.stage import Stage
from tests.seed import SEED

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

STEPS = int(os.environ.get("TOCSIN_TEST_STEPS", "15"))


class Life:
    """One installation, and what happens to it."""

    def __init__(self, stage: Stage, dice: random.Random) -> None:
        self.stage = stage
        self.dice = dice
        self.number = 0
        self.collector: Collector = stage.home.collector()
        self.collector.start()
        stage.home.wait_watching()

    def path(self) -> Path:
        return self.stage.logs / self.dice.choice(["a.log", "b.log", "c.log"])

    def twin(self, path: Path) -> Path:
        self.number += 1
        return path.with_name(f"{path.name}.{self.number}")

    def write(self) -> None:
        self.stage.write(self.path(), self.dice.randrange(1, 400))

    def write_in_two_parts(self) -> None:
        path = self.path()
        (line,) = self.stage.lines(1)
        at = self.dice.randrange(1, len(line))
        self.stage.append(path, line[:at])
        time.sleep(0.05)
        self.stage.append(path, line[at:] + b"\n")
        self.stage.expect([line])

    def rename(self) -> None:
        path = self.path()
        if path.exists():
            path.rename(self.twin(path))

    def replace(self) -> None:
        path, fresh = self.path(), self.stage.home.folder / "fresh"
        if path.exists():
            path.rename(self.twin(path))
        self.stage.write(fresh, 20)
        fresh.rename(path)

    def delete(self) -> None:
        path = self.path()
        if path.exists():
            self.stage.wait()
            path.unlink()

    def copytruncate(self) -> None:
        path = self.path()
        if path.exists():
            self.stage.wait()
            shutil.copy(path, self.twin(path))
            os.truncate(path, 0)
            self.stage.write(path, 5)
            self.stage.wait()

    def freeze(self) -> None:
        with self.stage.home.frozen():
            self.write()
            time.sleep(0.3)
            self.write()

    def kill(self) -> None:
        self.collector.kill()
        self.meanwhile()

    def stop(self) -> None:
        assert self.collector.stop() == 0
        self.meanwhile()

    def meanwhile(self) -> None:
        """Files go on living, then a new collector comes."""
        self.write()
        self.dice.choice([self.rename, self.replace, self.write])()
        self.collector.start()

    def play(self, steps: int) -> None:
        """So many random steps."""
        often = [self.write, self.write_in_two_parts, self.rename, self.replace]
        seldom = [self.delete, self.copytruncate, self.freeze, self.kill, self.stop]
        for _ in range(steps):
            step = self.dice.choice([*often, *often, *seldom])
            print(step.__name__, end=" ")
            step()


@pytest.mark.parametrize("bus", BUSES)
def test_s69_a_random_life_of_files_before_the_whole_program(
    bus: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    with installed(tmp_path, bus, request) as home:
        stage = Stage(home, home.logs, "s69")
        life = Life(stage, random.Random(SEED))
        try:
            life.play(STEPS)

            stage.expect_exactly_once()
            assert life.collector.lost_bytes == 0
            assert life.collector.stop() == 0
        except BaseException:
            print(life.collector.log.read_text()[-8000:])
            raise
        finally:
            life.collector.kill()
