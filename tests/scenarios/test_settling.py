"""Scenarios 16 and 42: what becomes of files some seconds after they are gone.

Both happen at the same time, before one collector: waiting is what they cost.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import pytest

from tests.scenarios.conftest import installed
from tests.scenarios.program import Collector, eventually
from tests.scenarios.stage import Stage
from tests.scenarios.writer import Writer
from tocsin.records.keys import Mark

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

WAVES, FILES = 3, 60


class Settled(NamedTuple):
    """A collector, and two stages whose files are gone for some seconds."""

    collector: Collector
    partial: Stage
    brief: Stage


@pytest.fixture(scope="module")
def settled(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Settled]:
    with installed(tmp_path_factory.mktemp("settled"), "embedded", request) as home:
        partial = Stage(home, home.logs / "partial", "s16", service="partial")
        brief = Stage(home, home.logs / "brief", "s42", service="brief")
        with home.collector() as collector:
            partial.logs.mkdir()
            writer = Writer(partial, partial.logs / "app.log")
            writer.write()
            partial.wait()
            (partial.logs / "app.log").unlink()
            last = partial.lines(1)
            partial.expect(last)
            writer.raw(last[0])
            writer.close()
            for wave in range(WAVES):
                paths = [brief.logs / f"{wave}-{n}.log" for n in range(FILES)]
                for path in paths:
                    brief.write(path, 1)
                brief.wait()
                for path in paths:
                    path.unlink()
            partial.wait()
            yield Settled(collector, partial, brief)


def test_s16_an_unfinished_last_line_of_a_deleted_file_comes_once_and_marked(
    settled: Settled,
) -> None:
    settled.partial.expect_exactly_once()

    assert settled.partial.marks() == [Mark.PARTIAL]
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
