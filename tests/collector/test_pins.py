"""Pinned files outlive their names until they are shipped, and no longer."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from collector.identity import FileKey
from collector.pins import Pins
from tests.collector.core import Desk
from tests.collector.rig import LogLines
from tests.collector.test_copies import append, expect, numbered


@pytest.fixture
def pinned(desk: Desk) -> Iterator[Desk]:
    """A collector that pins; it reads only `*.log`."""
    desk.kill()
    paths = [str(desk.logs / "*.log")]
    desk.start(paths=paths, pins=desk.logs.parent / "pins")
    yield desk
    for after_s in (0, 60, 400):  # noticed, read to its end, given up
        desk.work(after_s=after_s)
    live = {path.stat().st_ino for path in desk.logs.rglob("*.log")}
    left = list(pins_of(desk).iterdir())
    assert {path.stat().st_ino for path in left if path.suffix != ".was"} <= live
    assert len(left) == 2 * len(desk.core.pins)


def pins_of(desk: Desk) -> Path:
    """The directory of pins."""
    return desk.logs.parent / "pins"


def test_rotated_away_and_deleted_while_stopped_loses_nothing(pinned: Desk) -> None:
    path = pinned.logs / "app.log"
    path.write_bytes(numbered(10))
    pinned.work()
    pinned.kill()

    append(path, numbered(5, start=10) + b"unfinished")
    path.rename(pinned.logs.parent / "away")
    path.write_bytes(numbered(3, start=1000))
    (pinned.logs.parent / "away").unlink()
    pinned.start()
    pinned.work()
    pinned.work(after_s=6)

    expect(pinned, numbered(15), b"unfinished\n", numbered(3, start=1000))
    assert pinned.lost() == 0
    assert {stream.path for stream in pinned.streams().values()} == {str(path)}


def test_a_file_that_was_never_committed_is_found_by_its_pin(pinned: Desk) -> None:
    path = pinned.logs / "app.log"
    path.write_bytes(numbered(10))
    pinned.work_in_vain()
    pinned.kill()

    path.unlink()
    pinned.start()

    expect(pinned, numbered(10))
    assert pinned.records()[0].key.service == "app"


def test_a_deleted_file_is_read_again_after_its_descriptor_was_needed(
    pinned: Desk,
) -> None:
    path = pinned.logs / "app.log"
    path.write_bytes(numbered(10))
    pinned.work()
    append(path, numbered(5, start=10))
    path.unlink()

    pinned.core.descriptors.close_all()
    pinned.work()

    expect(pinned, numbered(15))
    assert pinned.lost() == 0


def test_a_pin_goes_with_its_file(pinned: Desk) -> None:
    path = pinned.logs / "app.log"
    path.write_bytes(numbered(10))
    pinned.work()
    assert len(list(pins_of(pinned).iterdir())) == 2

    path.unlink()
    pinned.work()
    pinned.work(after_s=6)
    pinned.work(after_s=40)

    assert list(pins_of(pinned).iterdir()) == []
    assert pinned.rows() == []


def test_a_file_read_to_its_end_and_rotated_is_not_held(pinned: Desk) -> None:
    path = pinned.logs / "app.log"
    path.write_bytes(numbered(10))
    pinned.work()
    path.rename(pinned.logs / "app.log.1")
    pinned.work()
    pinned.work(after_s=6)

    assert list(pins_of(pinned).iterdir()) == []


def test_a_pin_of_a_path_that_is_read_no_more_goes(pinned: Desk) -> None:
    path = pinned.logs / "app.log"
    path.write_bytes(numbered(10))
    pinned.work()
    pinned.kill()
    path.unlink()
    (pinned.logs / "other").mkdir()

    pinned.start(paths=[str(pinned.logs / "other")])
    pinned.work(after_s=10)

    assert list(pins_of(pinned).iterdir()) == []
    pinned.start(paths=[str(pinned.logs / "*.log")])


def test_pins_below_the_path_are_not_read(desk: Desk) -> None:
    desk.kill()
    desk.start(pins=desk.logs / "state" / "pins")
    path = desk.logs / "app.log"
    path.write_bytes(numbered(10))
    desk.work()

    path.rename(desk.logs / "app.log.1")
    desk.work()

    expect(desk, numbered(10))
    paths = {stream.path for stream in desk.streams().values()}
    assert paths == {str(path) + ".1"}


def test_another_file_system_is_told_once(desk: Desk, log: LogLines) -> None:
    desk.kill()
    with tempfile.TemporaryDirectory(dir="/dev/shm") as other:
        for name in "ab":
            (Path(other) / f"{name}.log").write_bytes(numbered(2, word=name))
        desk.start(paths=[other], pins=desk.logs.parent / "pins")
        desk.work()

    assert len(log.having("pin_failed", "another file system")) == 1
    assert len(desk.lines()) == 4
    assert list(pins_of(desk).iterdir()) == []


def test_half_a_pin_is_cleared_away(tmp_path: Path) -> None:
    (tmp_path / "1-2.was").symlink_to("/logs/a.log")

    pins = Pins(str(tmp_path))

    assert len(pins) == 0
    assert list(tmp_path.iterdir()) == []


def test_a_linked_name_pins_the_file_and_not_the_link(tmp_path: Path) -> None:
    path, link = tmp_path / "a.log", tmp_path / "link.log"
    path.write_bytes(b"one\n")
    link.symlink_to(path)
    at = path.stat()
    key = FileKey(at.st_dev, at.st_ino)
    pins = Pins(str(tmp_path / "pins"))

    pins.add(key, str(link))

    assert key in pins
    assert Path(pins.path_of(key) or "").stat().st_ino == at.st_ino
    assert path.stat().st_nlink == 2


def test_a_directory_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    told: list[str] = []
    (tmp_path / "file").write_bytes(b"")

    pins = Pins(str(tmp_path / "file" / "pins"), told=lambda *words: told.extend(words))
    pins.add(FileKey(1, 1), str(tmp_path / "file"))

    assert told == [str(tmp_path / "file" / "pins"), "Not a directory"]
    assert len(pins) == 0
