"""Scenarios 23 and 24: gzip files are read once, and never what was read before.

One collector for all of them: it is killed in the middle of one that is still written,
and much happens before it starts again.
"""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.scenarios.clock import Clock
from tests.scenarios.conftest import installed
from tests.scenarios.program import Collector
from tests.scenarios.stage import Installation, Stage
from tocsin.records.keys import Mark

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


class Archives(NamedTuple):
    """A collector that has read all there was; `stages` by what their files are."""

    collector: Collector
    stages: dict[str, Stage]


def joined(lines: list[bytes]) -> bytes:
    return b"".join(line + b"\n" for line in lines)


def readable(packed: bytes) -> bytes:
    """What can be unpacked of the first member before the byte that is wrong."""
    unpacker, found = zlib.decompressobj(31), b""
    try:
        for at in range(len(packed)):
            found += unpacker.decompress(packed[at : at + 1])
    except zlib.error:
        pass
    return found


def compress(path: Path) -> None:
    """What `gzip` does to a file, its time included."""
    at = path.stat()
    packed = path.with_name(path.name + ".gz")
    packed.write_bytes(gzip.compress(path.read_bytes()))
    os.utime(packed, ns=(at.st_atime_ns, at.st_mtime_ns))
    path.unlink()


def write_whole(stage: Stage) -> None:
    """An archive of two members."""
    lines = stage.lines(2_000)
    stage.expect(lines)
    members = gzip.compress(joined(lines[:900])) + gzip.compress(joined(lines[900:]))
    (stage.logs / "whole.log.gz").write_bytes(members)


def write_cut(stage: Stage) -> None:
    """An archive of which the end is missing."""
    packed = gzip.compress(joined(stage.lines(5_000)))
    packed = packed[: len(packed) // 2]
    stage.expect(readable(packed).split(b"\n"))
    (stage.logs / "cut.log.gz").write_bytes(packed)


def write_damaged(stage: Stage) -> None:
    """An archive whose first member is damaged in its middle."""
    packed = gzip.compress(joined(stage.lines(5_000)))
    half = len(packed) // 2
    packed = packed[:half] + bytes(64) + packed[half + 64 :]
    stage.expect(readable(packed).split(b"\n"))
    stage.expect([b"after the damage"])
    whole = gzip.compress(b"after the damage\n")
    (stage.logs / "damaged.log.gz").write_bytes(packed + whole)


class Growing:
    """An archive that is written in two parts, with a kill in between.

    `at_least`: lines that can be read of the first part.
    """

    def __init__(self, stage: Stage) -> None:
        lines = stage.lines(5_000)
        stage.expect(lines)
        self._path = stage.logs / "growing.log.gz"
        self._packed = gzip.compress(joined(lines))
        self.at_least = (
            readable(self._packed[: len(self._packed) // 2]).count(b"\n") - 1
        )

    def write(self, part: int) -> None:
        half = len(self._packed) // 2
        with self._path.open("ab") as file:
            file.write(self._packed[half:] if part else self._packed[:half])


def stages_of(home: Installation) -> dict[str, Stage]:
    names = ("whole", "cut", "damaged", "growing", "app")
    return {
        name: Stage(home, home.logs, name, name, patterns=[f"/{name}.log*"])
        for name in names
    }


@pytest.fixture(scope="module")
def archives(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Archives]:
    with installed(tmp_path_factory.mktemp("archives"), "embedded", request) as home:
        stages, clock = stages_of(home), Clock(home.folder)
        growing, app = Growing(stages["growing"]), stages["app"]
        write_whole(stages["whole"])
        write_cut(stages["cut"])
        write_damaged(stages["damaged"])
        growing.write(0)
        app.write(home.logs / "app.log", 50)
        collector = clock.give(home.collector(home.logs / "*.log*"))
        collector.start()
        for name in ("whole", "app"):
            stages[name].wait()
        stages["growing"].wait(growing.at_least)
        collector.kill()

        app.write(home.logs / "app.log", 50)
        compress((home.logs / "app.log").rename(home.logs / "app.log.1"))
        app.write(home.logs / "app.log", 50)
        growing.write(1)
        with collector:
            for name in ("growing", "app"):
                stages[name].wait()
            clock.jump(600)
            yield Archives(collector, stages)


@pytest.mark.parametrize("kind", ["whole", "growing"])
def test_s23_an_archive_is_read_once_as_what_it_unpacks_to(
    archives: Archives, kind: str
) -> None:
    stage = archives.stages[kind]

    stage.expect_exactly_once()

    assert len(stage.file_ids()) == 1
    assert stage.marks() == []
    records = stage.records()
    ends = [r.key.offset + len(r.value) + 1 for r in records]
    assert [r.key.offset for r in records] == [0, *ends[:-1]]


@pytest.mark.parametrize("kind", ["cut", "damaged"])
def test_s23_of_a_broken_archive_all_comes_that_can_be_read(
    archives: Archives, kind: str
) -> None:
    stage = archives.stages[kind]

    stage.expect_exactly_once()

    reason = "truncated" if kind == "cut" else "corrupt"
    assert stage.marks() == ([Mark.PARTIAL] if kind == "cut" else [])
    said = archives.collector.log.read_text()
    told = [x for x in said.splitlines() if "archive_broken" in x and f"/{kind}." in x]
    assert len(told) == 1
    assert f"reason={reason}" in told[0]


def test_s24_the_packed_twin_gives_only_what_was_not_read_of_its_original(
    archives: Archives,
) -> None:
    stage = archives.stages["app"]

    stage.expect_exactly_once()

    assert len(stage.file_ids()) == 3
    assert (
        archives.collector.metric("tocsin_collector_lost_bytes_total", reason="deleted")
        == 0
    )
