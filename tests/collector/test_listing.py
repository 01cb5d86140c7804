"""Directories that did not change are not listed anew; their files are looked at."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from collector.discovery import Discovery, Found
from collector.identity import FileKey
from tests.collector.core import ManualClock

NAMES = [f"{number}.log" for number in range(10)]


class Eye:
    """Scans a directory, as a collector that reads what it found."""

    def __init__(self, logs: Path) -> None:
        self.logs = logs
        self.clock = ManualClock(logs.stat().st_mtime + 100.0)
        self._discovery = Discovery([str(logs)], clock=self.clock)
        self._found: dict[FileKey, Found] = {}

    def look(self, *, after_s: float = 0.0) -> dict[str, int]:
        """The sizes of the files, by name."""
        self.clock.now += after_s
        self._found = dict(self._discovery.scan(self._found).files)
        return {f.path.rpartition("/")[2]: f.size for f in self._found.values()}

    def change_unseen(self, name: str) -> None:
        """Make a file; the directory bears the time that it had."""
        at = self.logs.stat()
        (self.logs / name).write_bytes(b"line\n")
        os.utime(self.logs, ns=(at.st_atime_ns, at.st_mtime_ns))


@pytest.fixture
def eye(tmp_path: Path) -> Eye:
    for name in NAMES:
        (tmp_path / name).write_bytes(b"line\n")
    return Eye(tmp_path)


def test_a_directory_that_did_not_change_is_listed_again_after_a_minute(
    eye: Eye,
) -> None:
    eye.look()
    eye.change_unseen("new.log")

    trusted = eye.look(after_s=59.0)
    again = eye.look(after_s=2.0)

    assert set(trusted) == set(NAMES)
    assert set(again) == {*NAMES, "new.log"}


def test_a_clock_that_was_set_back_does_not_keep_it_from_that(eye: Eye) -> None:
    eye.look()
    eye.change_unseen("new.log")

    assert "new.log" in eye.look(after_s=-10.0)


def test_another_change_may_bear_the_same_time_as_one_just_now(eye: Eye) -> None:
    eye.clock.now = eye.logs.stat().st_mtime + 1.0
    eye.look()
    eye.change_unseen("new.log")

    assert "new.log" in eye.look()


def test_files_grow_in_a_directory_that_does_not_change(eye: Eye) -> None:
    eye.look()
    with (eye.logs / "3.log").open("ab") as file:
        file.write(b"more\n")

    assert eye.look() == dict.fromkeys(NAMES, 5) | {"3.log": 10}


def test_a_change_of_names_shows_at_once(eye: Eye) -> None:
    eye.look()
    (eye.logs / "3.log").rename(eye.logs / "3.log.1")
    (eye.logs / "4.log").unlink()

    assert set(eye.look()) == {*NAMES, "3.log.1"} - {"3.log", "4.log"}


def test_a_file_behind_a_link_is_another_one_once_the_link_is_turned(
    eye: Eye, tmp_path_factory: pytest.TempPathFactory
) -> None:
    old, new = (tmp_path_factory.mktemp("there") / name for name in ("old", "new"))
    old.write_bytes(b"old\n")
    new.write_bytes(b"newer\n")
    middle = old.with_name("middle")
    middle.symlink_to(old)
    (eye.logs / "link.log").symlink_to(middle)
    os.utime(eye.logs, (0.0, 0.0))
    first = eye.look()["link.log"]
    middle.unlink()
    middle.symlink_to(new)

    assert (first, eye.look()["link.log"]) == (4, 6)


@pytest.mark.parametrize("kind", ["file", "directory", "path", "none"])
def test_what_is_reached_through_a_link_is_told_by_no_watch(
    eye: Eye, tmp_path: Path, kind: str
) -> None:
    outside = tmp_path.with_name(f"{tmp_path.name}-outside")
    (outside / "deep").mkdir(parents=True)
    (outside / "pod.log").write_bytes(b"line\n")
    (outside / "deep" / "pod.log").write_bytes(b"line\n")
    link = eye.logs / "linked.log"
    link.symlink_to(outside if kind == "directory" else outside / "pod.log")
    paths = {"path": [str(link)], "none": [str(outside)]}

    scan = Discovery(paths.get(kind, [str(eye.logs)]), clock=eye.clock).scan()

    assert scan.linked is (kind != "none")
