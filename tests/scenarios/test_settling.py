"""Scenarios 16 and 42: what becomes of files some time after they are gone.

The time passes in one jump of the collector's clock.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import pytest

from tests.scenarios.clock import Clock
from tests.scenarios.conftest import installed
from tests.scenarios.program import Collector, eventually
from tests.scenarios.stage import Stage
from tests.scenarios.writer import Writer
from tocsin.records.keys import Mark

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

WAVES, FILES = 5, 40


class Settled(NamedTuple):
    """A collector, and stages whose files are gone for ten minutes."""

    collector: Collector
    deleted: Stage
    rotated: Stage
    brief: Stage


def leave_a_partial_line(stage: Stage) -> Writer:
    """Write to a file, the last line without its end."""
    stage.logs.mkdir()
    writer = Writer(stage, stage.logs / "app.log")
    writer.write()
    stage.wait()
    last = stage.lines(1)
    stage.expect(last)
    writer.raw(last[0])
    return writer


def write_brief_files(stage: Stage) -> None:
    """Wave after wave of files that are shipped, then deleted."""
    for wave in range(WAVES):
        paths = [stage.logs / f"{wave}-{n}.log" for n in range(FILES)]
        for path in paths:
            stage.write(path, 1)
        stage.wait()
        for path in paths:
            path.unlink()


@pytest.fixture(scope="module")
def settled(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Settled]:
    with installed(tmp_path_factory.mktemp("settled"), "embedded", request) as home:
        deleted, rotated, brief = (
            Stage(home, home.logs / name, name, service=name)
            for name in ("deleted", "rotated", "brief")
        )
        clock = Clock(home.folder)
        with clock.give(home.collector()) as collector:
            leave_a_partial_line(deleted).close()
            leave_a_partial_line(rotated).close()
            (deleted.logs / "app.log").unlink()
            (rotated.logs / "app.log").rename(rotated.logs / "app.log.1")
            write_brief_files(brief)
            eventually(
                lambda: (
                    len(collector.said("kind=deleted").splitlines())
                    == WAVES * FILES + 1
                ),
                "every deletion seen",
            )
            clock.jump(600)
            yield Settled(collector, deleted, rotated, brief)


@pytest.mark.parametrize("how", ["deleted", "rotated"])
def test_s16_an_unfinished_last_line_of_a_file_that_went_comes_once_and_marked(
    settled: Settled, how: str
) -> None:
    stage = settled.deleted if how == "deleted" else settled.rotated

    stage.expect_exactly_once()

    assert stage.marks() == [Mark.PARTIAL]
    assert settled.collector.lost_bytes == 0


def test_s42_files_that_are_gone_leave_no_checkpoint(settled: Settled) -> None:
    home, brief = settled.brief.home, settled.brief
    brief.expect_exactly_once()

    def checkpoints() -> int:
        return sum(b'"service":"brief"' in row for row in home.rows().values())

    eventually(lambda: checkpoints() == 0, "no row of a deleted file")
    brief.write(brief.logs / "last.log")
    brief.wait()
    assert checkpoints() == 1
