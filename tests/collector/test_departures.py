"""Files that are renamed, moved away, deleted, replaced: read to their end."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from tests.collector.core import Desk
from tests.collector.rig import LogLines
from tests.collector.test_copies import append, expect, numbered
from tocsin.records.keys import Mark


def glob(desk: Desk) -> None:
    """Only `*.log` is read from now on."""
    desk.kill()
    desk.start(paths=[str(desk.logs / "*.log")])


def deep(desk: Desk, *, lines: int = 100) -> Path:
    """A log of which only the first lines are shipped; the rest is not read yet."""
    path = desk.logs / "app.log"
    path.write_bytes(numbered(10))
    desk.work()
    append(path, numbered(lines, start=10))
    return path


@pytest.mark.parametrize("where", ["app.log.1", "old/app.log.1", "../away.txt"])
def test_s25_a_renamed_file_is_read_on_while_it_is_written_to(
    desk: Desk, where: str
) -> None:
    path = desk.logs / "app.log"
    (desk.logs / "old").mkdir()
    writer = path.open("ab", buffering=0)
    writer.write(numbered(10))
    desk.work()

    path.rename(desk.logs / where)
    path.write_bytes(numbered(3, start=1000))
    writer.write(numbered(10, start=10))
    desk.work(after_s=4)
    writer.write(numbered(10, start=20))
    desk.work(after_s=20)
    writer.write(numbered(10, start=30))  # after a pause
    writer.close()
    desk.work(after_s=20)

    expect(desk, numbered(40), numbered(3, start=1000))
    assert desk.lost() == 0


def test_s26_rotated_out_of_the_glob(desk: Desk) -> None:
    glob(desk)
    path = deep(desk)

    path.rename(desk.logs / "app.log.1")
    path.write_bytes(numbered(3, start=1000))
    desk.work()
    append(desk.logs / "app.log.1", numbered(5, start=110))
    desk.work(after_s=100)

    expect(desk, numbered(115), numbered(3, start=1000))


def test_s27_five_rotations_between_two_looks(desk: Desk) -> None:
    path = deep(desk)

    for turn in range(5):
        for old in range(turn, 0, -1):
            Path(f"{path}.{old}").rename(f"{path}.{old + 1}")
        path.rename(f"{path}.1")
        path.write_bytes(numbered(7, start=1000 * turn + 1000))
    desk.work()
    desk.work(after_s=60)

    expect(desk, numbered(110), *(numbered(7, start=1000 * n) for n in range(1, 6)))


def test_s28_files_that_rotate_at_the_same_time(desk: Desk) -> None:
    for name in "abc":
        (desk.logs / f"{name}.log").write_bytes(numbered(10, word=name))
    desk.work()

    for name in "abc":
        path = desk.logs / f"{name}.log"
        append(path, numbered(5, start=10, word=name))
        path.rename(f"{path}.1")
        path.write_bytes(numbered(5, start=15, word=name))
    desk.work()

    expect(desk, *(numbered(20, word=name) for name in "abc"))
    assert len(desk.files()) == 6


@pytest.mark.parametrize("at_once", [False, True])
def test_s30_deleted_while_unread_and_the_bus_away(
    desk: Desk, *, at_once: bool
) -> None:
    path = deep(desk)
    if not at_once:
        desk.work_in_vain()

    path.unlink()
    desk.work_in_vain()
    desk.clock.now += 3_600
    desk.work_in_vain()
    desk.work()

    expect(desk, numbered(110))
    assert desk.lost() == 0


def test_s37_deleted_and_made_anew(desk: Desk) -> None:
    path = deep(desk)

    path.unlink()
    path.write_bytes(numbered(3, start=1000))
    desk.work()
    desk.work(after_s=60)

    expect(desk, numbered(110), numbered(3, start=1000))


def test_s38_replaced_by_another_file(desk: Desk) -> None:
    path = deep(desk)

    new = desk.logs / "app.log.tmp"
    new.write_bytes(numbered(3, start=1000))
    new.rename(path)
    desk.work()
    desk.work(after_s=60)

    expect(desk, numbered(110), numbered(3, start=1000))
    assert desk.lost() == 0


@pytest.mark.parametrize("restarted", [False, True])
def test_s39_a_link_to_another_file(desk: Desk, *, restarted: bool) -> None:
    real = desk.logs.parent / "real"
    real.mkdir()
    link, old = desk.logs / "current.log", real / "1.log"
    old.write_bytes(numbered(10))
    link.symlink_to(old)
    desk.work()
    if restarted:
        desk.kill()

    append(old, numbered(5, start=10))
    (real / "2.log").write_bytes(numbered(3, start=1000))
    link.unlink()
    link.symlink_to(real / "2.log")
    old.rename(real / "1.log.gone")
    if restarted:
        desk.start()
    desk.work()
    append(real / "1.log.gone", numbered(5, start=15))
    desk.work(after_s=60)

    expect(desk, numbered(20), numbered(3, start=1000))
    assert desk.lost() == 0


@pytest.mark.parametrize("longer", [False, True])
def test_s40_an_inode_that_another_file_got_while_nobody_looked(
    desk: Desk, *, longer: bool
) -> None:
    path = desk.logs / "app.log"
    path.write_bytes(numbered(10))
    desk.work()
    inode = path.stat().st_ino
    desk.kill()

    path.unlink()
    new = numbered(40 if longer else 2, start=1000)
    names = (desk.logs / f"{number}.log" for number in range(1000))
    for other in names:
        other.write_bytes(new)
        if other.stat().st_ino == inode:
            break
        other.unlink()
    else:
        pytest.skip("this file system does not use inodes again")
    desk.start()
    desk.work(after_s=60)

    expect(desk, numbered(10), new)
    [service] = {r.key.service for r in desk.records() if r.value in new.splitlines()}
    assert service == other.stem


def test_s16_an_unfinished_last_line_of_a_rotated_file_comes_once(desk: Desk) -> None:
    path = desk.logs / "app.log"
    path.write_bytes(b"one\nunfini")
    desk.work()

    path.rename(f"{path}.1")
    desk.work()
    desk.work(after_s=4)
    before = desk.lines()
    desk.kill()
    desk.start()
    desk.work(after_s=6)
    desk.work(after_s=60)
    desk.kill()
    desk.start()

    assert before == [b"one"]
    assert [(r.value, r.key.mark) for r in desk.records()] == [
        (b"one", Mark.NONE),
        (b"unfini", Mark.PARTIAL),
    ]


def test_s16_an_unfinished_last_line_of_a_deleted_file_comes_once(desk: Desk) -> None:
    path = desk.logs / "app.log"
    path.write_bytes(b"one\nunfini")
    desk.work()

    path.unlink()
    desk.work()
    desk.work(after_s=6)
    desk.work(after_s=60)

    assert [(r.value, r.key.mark) for r in desk.records()] == [
        (b"one", Mark.NONE),
        (b"unfini", Mark.PARTIAL),
    ]
    assert desk.rows() == []
    assert len(desk.core.descriptors) == 0


def test_a_line_that_is_ended_late_is_whole_in_its_bytes(desk: Desk) -> None:
    path = desk.logs / "app.log"
    path.write_bytes(b"one\nhal")
    desk.work()
    path.rename(f"{path}.1")
    desk.work()
    desk.work(after_s=6)

    append(Path(f"{path}.1"), b"f\ntwo\n")
    desk.work()

    assert [r.value for r in desk.records()] == [b"one", b"hal", b"f", b"two"]
    ends = [(r.key.offset, r.end) for r in desk.records()]
    assert ends == [(0, 4), (4, 7), (7, 9), (9, 13)]


def test_a_file_that_is_truncated_after_it_left_the_glob_is_read_anew(
    desk: Desk,
) -> None:
    glob(desk)
    path = desk.logs / "app.log"
    writer = path.open("ab", buffering=0)
    writer.write(numbered(10))
    desk.work()
    gone = desk.logs.parent / "gone.txt"
    path.rename(gone)
    desk.work()

    os.truncate(gone, 0)
    writer.write(numbered(3, start=1000))
    writer.close()
    desk.work()
    desk.work(after_s=60)

    expect(desk, numbered(10), numbered(3, start=1000))


@pytest.mark.parametrize("where", ["app.log.1", "app.txt"])
def test_s48_rotated_out_of_the_glob_while_stopped(desk: Desk, where: str) -> None:
    glob(desk)
    path = deep(desk)
    desk.kill()
    path.rename(desk.logs / where)
    path.write_bytes(numbered(3, start=1000))

    desk.start()
    desk.work(after_s=60)

    expect(desk, numbered(110), numbered(3, start=1000))
    assert desk.lost() == 0


def test_s47_rotated_inside_the_glob_while_stopped(desk: Desk) -> None:
    path = deep(desk)
    desk.kill()
    path.rename(f"{path}.2")
    Path(f"{path}.1").write_bytes(numbered(5, start=500))
    path.write_bytes(numbered(3, start=1000))

    desk.start()

    expect(desk, numbered(110), numbered(5, start=500), numbered(3, start=1000))


def test_what_was_deleted_unread_while_stopped_is_counted(desk: Desk) -> None:
    path = desk.logs / "app.log"
    path.write_bytes(numbered(10) + b"unfinished")
    desk.work()
    desk.kill()
    path.unlink()

    desk.start()
    assert desk.lost() == 0
    desk.work(after_s=3)
    desk.work(after_s=6)  # no copy has the rest

    assert desk.lost() == len(b"unfinished")
    assert desk.rows() == []


def test_what_is_deleted_unread_without_a_descriptor_is_counted(desk: Desk) -> None:
    path = desk.logs / "app.log"
    path.write_bytes(numbered(10) + b"unfinished")
    desk.work()
    desk.core.descriptors.close_all()
    path.unlink()

    desk.work()
    desk.work(after_s=3)
    desk.work(after_s=6)

    assert desk.lost() == len(b"unfinished")
    assert desk.rows() == []


def test_s42_short_lived_files_leave_no_state(desk: Desk) -> None:
    for turn in range(5):
        paths = [desk.logs / f"{turn}-{n}.log" for n in range(20)]
        for path in paths:
            path.write_bytes(b"job %s done\n" % path.name.encode())
        desk.work()
        for path in paths:
            path.unlink()
        desk.work(after_s=10)

    desk.work(after_s=60)
    desk.work(after_s=60)

    assert len(desk.lines()) == 100
    assert desk.rows() == []
    assert len(desk.core.roster) == 0
    assert len(desk.core.descriptors) == 0


def test_a_directory_that_is_removed_takes_its_files_along(desk: Desk) -> None:
    path = desk.logs / "api" / "app.log"
    path.parent.mkdir()
    path.write_bytes(numbered(10))
    desk.work()
    desk.core.descriptors.close_all()
    path.unlink()
    path.parent.rmdir()

    desk.work()
    desk.work(after_s=3)
    desk.work(after_s=6)  # a copy of it might have come

    assert desk.rows() == []


def test_a_file_behind_a_mount_that_is_away_is_waited_for(
    desk: Desk, log: LogLines
) -> None:
    path = desk.logs / "api" / "app.log"
    path.parent.mkdir()
    path.write_bytes(numbered(10))
    old = desk.clock.now - 10 * 86_400
    os.utime(path, (old, old))
    desk.work()
    desk.core.descriptors.close_all()
    away = desk.logs.parent / "away"
    path.parent.rename(away)
    with tempfile.TemporaryDirectory(dir="/dev/shm") as other:
        # As an empty mount point looks: it is on another device.
        path.parent.symlink_to(other)
        desk.work()
        desk.work(after_s=3_600)
    path.parent.unlink()
    away.rename(path.parent)
    append(path, numbered(5, start=10))
    desk.work()

    expect(desk, numbered(15))
    assert not log.having("bytes_lost")


def test_s16_an_unfinished_line_of_a_file_that_was_rotated_unseen(desk: Desk) -> None:
    (desk.logs / "app.log.1").write_bytes(b"one\nunfini")
    desk.work()
    desk.work(after_s=6)

    assert [r.key.mark for r in desk.records()] == [Mark.NONE, Mark.PARTIAL]
