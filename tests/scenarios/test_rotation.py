"""Scenarios 24 to 43: files that move, shrink, go and come while they are read."""

from __future__ import annotations

import gzip
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.scenarios.conftest import Shared
from tests.scenarios.stage import HOST, Stage
from tests.scenarios.writer import Writer
from tocsin.records.keys import Mark

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

Lost = Callable[[], float]


def rename(path: Path, name: str) -> Path:
    return path.rename(path.with_name(name))


def test_s24_the_compressed_twin_of_a_file_that_was_shipped_is_not_shipped(
    running: Stage,
) -> None:
    path = running.logs / "app.log"
    running.write(path, 50)
    running.wait()

    rotated = rename(path, "app.log.1")
    rotated.with_name("app.log.1.gz").write_bytes(gzip.compress(rotated.read_bytes()))
    rotated.unlink()
    running.write(path)

    running.wait()
    running.check()
    assert len(running.file_ids()) == 2


def test_s25_a_renamed_file_is_read_on_through_its_old_descriptor(
    running: Stage,
) -> None:
    path = running.logs / "app.log"
    old = Writer(running, path)
    old.write()
    running.wait()

    rename(path, "app.log.1")
    old.write()
    new = Writer(running, path)
    new.write()
    old.write()
    old.close()
    new.close()

    running.expect_exactly_once()
    assert len(running.file_ids()) == 2


def test_s26_a_file_renamed_out_of_the_glob_is_read_to_its_end(
    running: Stage,
) -> None:
    path = running.logs / "app.log"
    outside = running.home.folder / f"{running.tag}.old"
    old = Writer(running, path)
    old.write()
    running.wait()

    path.rename(outside)
    old.write(50)
    running.write(path)
    old.write(50)
    old.close()

    running.expect_exactly_once()


def test_s27_five_rotations_in_a_tenth_of_a_second(running: Stage) -> None:
    path = running.logs / "app.log"
    running.write(path)
    running.wait()

    for _ in range(5):
        for number in range(5, 0, -1):
            old = path.with_name(f"app.log.{number}")
            if old.exists():
                rename(old, f"app.log.{number + 1}")
        rename(path, "app.log.1")
        running.write(path, 20)

    running.expect_exactly_once()
    assert len(running.file_ids()) == 6


def test_s28_three_files_rotate_at_the_same_moment(running: Stage) -> None:
    paths = [running.logs / f"{name}.log" for name in "abc"]
    writers = [Writer(running, path) for path in paths]
    for writer in writers:
        writer.write()
    running.wait()

    for path in paths:
        rename(path, f"{path.name}.1")
    for path, writer in zip(paths, writers, strict=True):
        writer.write(10)
        writer.close()
        running.write(path, 10)

    running.expect_exactly_once()
    assert len(running.file_ids()) == 6


def test_s31_a_truncated_file_is_read_from_its_beginning(
    running: Stage, lost: Lost
) -> None:
    path = running.logs / "app.log"
    writer = Writer(running, path)
    writer.write(20)
    running.wait()

    os.truncate(path, 0)
    writer.write(5)
    writer.close()

    running.expect_exactly_once()
    assert len(running.file_ids()) == 2
    assert lost() == 0


def test_s32_the_hole_that_a_truncation_leaves_is_no_record(running: Stage) -> None:
    path = running.logs / "app.log"
    writer = Writer(running, path, append=False)
    writer.write(200)
    running.wait()

    os.truncate(path, 0)
    writer.write(5)
    writer.write(5)
    writer.close()

    running.expect_exactly_once()
    assert not any(b"\0" in record.value for record in running.records())
    assert running.marks() == [Mark.NUL]


def test_s33_of_a_copy_only_what_was_not_read_of_its_original_is_new(
    running: Stage,
) -> None:
    path = running.logs / "app.log"
    writer = Writer(running, path)
    writer.write(100)
    running.wait()

    shutil.copy(path, path.with_name("app.log.1"))
    os.truncate(path, 0)
    writer.write(10)
    running.wait()
    # Once more, with lines that nobody can have read before they are truncated.
    writer.write(10)
    rename(path.with_name("app.log.1"), "app.log.2")
    shutil.copy(path, path.with_name("app.log.1"))
    os.truncate(path, 0)
    writer.write(10)
    writer.close()

    running.expect_exactly_once()


def test_s34_truncated_and_at_once_written_longer_than_before(running: Stage) -> None:
    path = running.logs / "app.log"
    running.write(path, 10)
    running.wait()

    lines = running.lines(50)
    running.expect(lines)
    path.write_bytes(b"".join(line + b"\n" for line in lines))

    running.expect_exactly_once()


@pytest.mark.parametrize("head", ["a line", "a KiB"])
def test_s35_truncated_and_rewritten_with_the_same_beginning(
    running: Stage, head: str
) -> None:
    path = running.logs / "app.log"
    same = [b"# %s the header of every file" % running.tag.encode()]
    if head == "a KiB":
        same += [b"# %d " % number + b"=" * 100 for number in range(12)]
    for count in (10, 40):
        lines = [*same, *running.lines(count)]
        running.expect(lines)
        path.write_bytes(b"".join(line + b"\n" for line in lines))
        running.wait()

    running.expect_exactly_once()
    assert len(running.file_ids()) == 2


def test_s37_deleted_and_created_again(running: Stage) -> None:
    path = running.logs / "app.log"
    for _ in range(4):
        running.write(path, 10)
        running.wait()
        path.unlink()
    running.write(path, 10)

    running.expect_exactly_once()
    assert len(running.file_ids()) == 5


def test_s38_replaced_in_one_step(running: Stage) -> None:
    path = running.logs / "app.log"
    for _ in range(4):
        fresh = running.home.folder / f"{running.tag}.new"
        running.write(fresh, 10)
        fresh.rename(path)
        running.wait()

    running.expect_exactly_once()
    assert len(running.file_ids()) == 4


def test_s39_a_link_is_turned_and_its_old_target_still_written(
    running: Stage,
) -> None:
    targets = running.home.folder / f"{running.tag}-targets"
    targets.mkdir()
    old, new = targets / "app-1", targets / "app-2"
    link = running.logs / "app.log"
    running.write(old)
    link.symlink_to(old)
    running.wait()

    running.write(new)
    turned = link.with_name(".turned")
    turned.symlink_to(new)
    turned.rename(link)
    running.wait()
    running.write(old)
    running.write(new)

    running.expect_exactly_once()


TRACE = (
    b"2026-11-25 10:00:00 ERROR it broke\n"
    b"java.lang.IllegalStateException: no more\n"
    b"\tat a.B.c(B.java:1)\n"
    b"\tat a.B.d(B.java:2)\n"
    b"Caused by: java.io.IOException: gone\n"
    b"\tat a.B.e(B.java:3)\n"
)
AFTER = b"2026-11-25 10:00:01 INFO well again"


def test_s43_an_event_goes_on_in_its_file_while_that_is_renamed(
    running: Stage,
) -> None:
    path = running.logs / "app.log"
    writer = Writer(running, path)
    writer.raw(TRACE[:90])
    rename(path, "app.log.1")
    writer.raw(TRACE[90:])
    writer.close()
    running.append(path, AFTER + b"\n")

    running.expect([TRACE.rstrip(b"\n"), AFTER])
    running.expect_exactly_once()

    assert set(running.marks()) <= {Mark.OPEN}


def test_s43_of_an_event_in_two_files_both_halves_say_so(running: Stage) -> None:
    path = running.logs / "app.log"
    first, rest = (
        TRACE[: TRACE.index(b"\tat a.B.d")],
        TRACE[TRACE.index(b"\tat a.B.d") :],
    )
    running.append(path, first)

    rename(path, "app.log.1")
    running.append(path, rest + AFTER + b"\n")

    halves = first.rstrip(b"\n"), rest.rstrip(b"\n")
    running.expect([*halves, AFTER])
    running.expect_exactly_once()
    marks = {r.value: r.key.mark for r in running.records()}
    assert marks == {halves[0]: Mark.OPEN, halves[1]: Mark.REST, AFTER: Mark.NONE}


def test_s68_verify_proves_all_that_the_scenarios_here_left_behind(
    shared: Shared, running: Stage
) -> None:
    running.write(running.logs / "app.log")
    running.wait()
    home = shared.home
    where = ["--bus", home.url, "--topic-prefix", home.prefix]
    where += ["--state-dir", str(home.state)]

    told = subprocess.run(
        [sys.executable, "-m", "tocsin", "verify", str(home.logs), *where],
        env={**os.environ, "TOCSIN_COLLECTOR_HOST": HOST},
        capture_output=True,
        text=True,
        check=False,
    )

    assert told.returncode == 0, told.stdout
    assert told.stdout.endswith("every byte exactly once\n")


@pytest.fixture
def devices(stage: Stage) -> Iterator[list[Path]]:
    """Two file systems of their own, so their files have the same inode numbers."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount file systems")
    places = [stage.logs / "one", stage.logs / "two"]
    for place in places:
        place.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "s41", place], check=True)
    yield places
    for place in places:
        subprocess.run(["umount", "-l", place], check=True)


def test_s41_the_same_inode_number_on_two_devices(
    stage: Stage, devices: list[Path]
) -> None:
    one, two = (place / "app.log" for place in devices)
    stage.write(one)
    stage.write(two)
    assert one.stat().st_ino == two.stat().st_ino
    with stage.home.collector():
        stage.wait()
        stage.write(two)
        stage.write(one)

        stage.expect_exactly_once()
    assert len(stage.file_ids()) == 2
