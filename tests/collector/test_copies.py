"""Truncated files and their copies: each byte once, whoever has it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.collector.core import Desk
from tests.collector.faults import Fault
from tocsin.errors import TransactionAborted


def numbered(count: int, *, start: int = 0, word: str = "line") -> bytes:
    """Lines that are all different."""
    return b"".join(b"%s %06d\n" % (word.encode(), start + i) for i in range(count))


def expect(desk: Desk, *parts: bytes) -> None:
    """What was shipped is these lines, each once."""
    assert desk.lines() == sorted(b"".join(parts).splitlines())


def append(path: Path, data: bytes) -> None:
    """Append bytes."""
    with path.open("ab") as file:
        file.write(data)


NAMES = [
    "app.log.1",
    "app.log-20251125",
    "app.1.log",
    "app.log.copy",
    "old/app.log.1",
    "elsewhere.log",
]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("unread", [0, 40])
@pytest.mark.parametrize("seen_between", [False, True])
def test_s33_a_copy_is_read_from_where_its_original_was_read_to(
    desk: Desk, name: str, unread: int, *, seen_between: bool
) -> None:
    path, copy = desk.logs / "app.log", desk.logs / name
    copy.parent.mkdir(exist_ok=True)
    path.write_bytes(numbered(60))
    desk.work()
    append(path, numbered(unread, start=60))

    shutil.copyfile(path, copy)
    if seen_between and name != "elsewhere.log":
        desk.core.look()  # but nothing was shipped so far
        desk.core.look()
    os.truncate(path, 0)
    append(path, numbered(3, start=1000))
    desk.work()
    desk.work(after_s=60)

    expect(desk, numbered(60 + unread), numbered(3, start=1000))
    assert desk.lost() == 0


@pytest.mark.parametrize("name", NAMES)
def test_s49_copied_and_truncated_while_stopped(desk: Desk, name: str) -> None:
    path, copy = desk.logs / "app.log", desk.logs / name
    copy.parent.mkdir(exist_ok=True)
    path.write_bytes(numbered(60))
    desk.work()
    desk.kill()
    append(path, numbered(40, start=60))
    shutil.copyfile(path, copy)
    os.truncate(path, 0)
    append(path, numbered(3, start=1000))

    desk.start()
    desk.work(after_s=60)

    expect(desk, numbered(100), numbered(3, start=1000))
    assert desk.lost() == 0


def test_a_copy_that_is_still_being_written_is_not_read(desk: Desk) -> None:
    path, copy = desk.logs / "app.log", desk.logs / "app.log.1"
    path.write_bytes(numbered(100))
    desk.work()
    whole = path.read_bytes()

    for end in (1, 700, len(whole)):
        copy.write_bytes(whole[:end])
        desk.work()
    os.truncate(path, 0)
    desk.work(after_s=60)

    expect(desk, numbered(100))


def test_a_copy_that_ends_before_what_was_read_brings_nothing_again(desk: Desk) -> None:
    path, copy = desk.logs / "app.log", desk.logs / "app.log.1"
    path.write_bytes(numbered(10))
    desk.work()
    shutil.copyfile(path, copy)
    append(path, numbered(5, start=10))  # between the copy and the truncation
    desk.work()

    os.truncate(path, 0)
    desk.work()
    desk.work(after_s=60)

    expect(desk, numbered(15))
    assert desk.lost() == 0


def test_what_a_copy_lacks_is_counted_as_lost(desk: Desk) -> None:
    path, copy = desk.logs / "app.log", desk.logs / "app.log.1"
    path.write_bytes(numbered(10))
    desk.work()
    append(path, numbered(5, start=10))
    shutil.copyfile(path, copy)
    append(path, numbered(4, start=15))
    desk.core.look()

    os.truncate(path, 0)
    desk.work()
    desk.work(after_s=60)

    expect(desk, numbered(15))
    assert desk.lost() == len(numbered(4))


def test_a_backup_is_never_shipped_not_even_once_its_original_is_gone(
    desk: Desk,
) -> None:
    path, backup = desk.logs / "app.log", desk.logs / "app.log.bak"
    path.write_bytes(numbered(100))
    desk.work()
    shutil.copyfile(path, backup)
    desk.work()
    desk.work(after_s=10)

    path.rename(desk.logs / "app.log.1")
    path.write_bytes(numbered(3, start=1000))
    desk.work()
    desk.kill()
    desk.start()
    desk.work(after_s=60)

    expect(desk, numbered(100), numbered(3, start=1000))


def test_a_fresh_file_with_the_same_first_lines_is_no_copy(desk: Desk) -> None:
    header = b"# the same header in every file\n" * 30
    path = desk.logs / "app.log"
    path.write_bytes(header)
    desk.work()
    desk.kill()

    # Rotated while nobody looked: the first one is known, the second is not.
    append(path, b"first\n")
    path.rename(desk.logs / "app.log.2")
    (desk.logs / "app.log.1").write_bytes(header + b"second\n")
    path.write_bytes(header + b"third\n")
    desk.start()
    desk.work(after_s=60)

    expect(desk, header * 3, b"first\nsecond\nthird\n")


def test_numbered_files_that_are_alike_are_all_read(desk: Desk) -> None:
    desk.work()
    for name in ("worker.log", "worker-1.log", "worker-2.log"):
        (desk.logs / name).write_bytes(b"worker started\n")
        desk.work()

    desk.work(after_s=10)

    assert desk.lines() == [b"worker started"] * 3


@pytest.mark.parametrize(
    "header", [b"one line\n", b"x" * 99 + b"\n", b"y" * 1023 + b"\n"]
)
def test_s35_rewritten_with_the_same_beginning(desk: Desk, header: bytes) -> None:
    path = desk.logs / "app.log"
    path.write_bytes(header + numbered(30))
    desk.work()

    path.write_bytes(header + numbered(90, word="more"))
    desk.work()

    expect(desk, header + header, numbered(30), numbered(90, word="more"))
    assert desk.lost() == 0


def test_s35_rewritten_with_the_same_end(desk: Desk) -> None:
    path, tail = desk.logs / "app.log", b"all quiet\n" * 60
    path.write_bytes(b"one\n" + tail)
    desk.work()

    path.write_bytes(b"two\n" + tail + b"more\n")
    desk.work()

    expect(desk, b"one\ntwo\nmore\n", tail + tail)


@pytest.mark.parametrize("longer", [False, True])
def test_s36_truncated_while_the_bus_is_away(desk: Desk, *, longer: bool) -> None:
    path = desk.logs / "app.log"
    path.write_bytes(numbered(50))
    desk.work()
    append(path, numbered(50, start=50))
    desk.work_in_vain()

    os.truncate(path, 0)
    new = numbered(300 if longer else 2, word="after")
    append(path, new)
    desk.work()
    desk.work(after_s=60)

    expect(desk, numbered(50), new)
    assert desk.lost() == len(numbered(50))


def test_s36_copied_and_truncated_twice_while_the_bus_is_away(desk: Desk) -> None:
    path = desk.logs / "app.log"
    path.write_bytes(numbered(50))
    desk.work()
    append(path, numbered(50, start=50))
    desk.work_in_vain()

    for number in (1, 2):
        for old in range(number - 1, 0, -1):
            shutil.move(f"{path}.{old}", f"{path}.{old + 1}")
        shutil.copyfile(path, f"{path}.1")
        os.truncate(path, 0)
        append(path, numbered(20, start=1000 * number))
        desk.work_in_vain()
    desk.work()
    desk.work(after_s=60)

    expect(desk, numbered(100), numbered(20, start=1000), numbered(20, start=2000))
    assert desk.lost() == 0


def test_s32_a_hole_under_a_writer_that_does_not_append(desk: Desk) -> None:
    path = desk.logs / "app.log"
    writer = os.open(path, os.O_WRONLY | os.O_CREAT)
    os.write(writer, numbered(900))
    desk.work()

    for turn in (1, 2):
        shutil.copyfile(path, f"{path}.{turn}")
        os.truncate(path, 0)
        os.write(writer, numbered(5, start=1000 * turn))
        desk.work()
        desk.kill()
        os.write(writer, numbered(5, start=1000 * turn + 5))
        desk.start()
    os.close(writer)
    desk.work(after_s=60)

    expect(desk, numbered(900), numbered(10, start=1000), numbered(10, start=2000))
    assert desk.lost() == 0


def test_s32_the_unread_rest_of_a_sparse_copy_is_read(desk: Desk) -> None:
    path = desk.logs / "app.log"
    writer = os.open(path, os.O_WRONLY | os.O_CREAT)
    os.write(writer, numbered(900))
    desk.work()
    os.truncate(path, 0)
    os.write(writer, numbered(5, start=1000))
    desk.work()

    desk.kill()
    os.write(writer, numbered(5, start=1005))
    shutil.copyfile(path, f"{path}.1")
    os.truncate(path, 0)
    os.write(writer, numbered(5, start=2000))
    os.close(writer)
    desk.start()
    desk.work(after_s=60)

    expect(desk, numbered(900), numbered(10, start=1000), numbered(5, start=2000))
    assert desk.lost() == 0


def test_what_a_truncation_took_while_nobody_looked_is_counted(desk: Desk) -> None:
    path = desk.logs / "app.log"
    path.write_bytes(numbered(10) + b"unfinished")
    desk.work()
    desk.kill()
    os.truncate(path, 0)
    append(path, b"new\n")

    desk.start()
    desk.work(after_s=60)

    expect(desk, numbered(10), b"new\n")
    assert desk.lost() == len(b"unfinished")


def test_a_copy_of_what_was_never_read_is_read_whole(desk: Desk) -> None:
    path = desk.logs / "app.log"
    path.write_bytes(numbered(50))
    desk.work_in_vain()

    shutil.copyfile(path, f"{path}.1")
    os.truncate(path, 0)
    desk.work()
    desk.work(after_s=60)

    expect(desk, numbered(50))
    assert desk.lost() == 0


@pytest.mark.parametrize("cut", [0, 5])
def test_what_was_cut_off_before_anything_was_read_is_counted(
    desk: Desk, cut: int
) -> None:
    path = desk.logs / "app.log"
    path.write_bytes(b"unfinished")
    desk.work()

    os.truncate(path, cut)
    desk.work()
    append(path, b"new\n")
    desk.work(after_s=60)

    assert desk.lines() == [b"unfinished"[:cut] + b"new"]
    assert desk.lost() == len(b"unfinished")


def test_what_was_cut_off_behind_what_was_read_is_counted(desk: Desk) -> None:
    path = desk.logs / "app.log"
    path.write_bytes(numbered(5) + b"unfinished")
    desk.work()

    os.truncate(path, len(numbered(5)) + 2)
    desk.work()
    append(path, b"der\n")
    desk.work(after_s=60)

    assert desk.lines() == [*numbered(5).splitlines(), b"under"]
    assert len(desk.files()) == 1
    assert desk.lost() == len(b"finished")


def test_a_size_of_a_moment_ago_is_no_truncation(desk: Desk) -> None:
    path = desk.logs / "app.log"
    path.write_bytes(numbered(50))
    desk.work()
    [source] = desk.core.roster.sources()

    desk.core.roster.ledger.notice(source, 10, source.modified_at)
    desk.work()

    expect(desk, numbered(50))
    assert desk.lost() == 0


@pytest.mark.parametrize("read", [0, 40])
def test_a_copy_of_a_file_that_is_gone_has_the_rest(desk: Desk, read: int) -> None:
    path = desk.logs / "app.log"
    path.write_bytes(numbered(read))
    desk.work()
    append(path, numbered(20, start=read))
    desk.core.look()  # the size is known, the bytes are not
    desk.core.descriptors.close_all()

    shutil.copyfile(path, f"{path}.1")
    path.unlink()
    desk.work()
    for after_s in (3, 6, 60):
        desk.work(after_s=after_s)

    expect(desk, numbered(read + 20))
    assert desk.lost() == 0


def test_s32_zeros_in_a_new_file_are_no_line(desk: Desk) -> None:
    path = desk.logs / "app.log"
    path.write_bytes(bytes(16) + numbered(3))

    desk.work()

    expect(desk, numbered(3))
    assert desk.metric("tocsin_collector_skipped_bytes_total") == 16


def test_a_character_of_utf_16_is_no_hole(desk: Desk) -> None:
    text = "one\n".encode("utf-16-be")
    path = desk.logs / "app.log"
    desk.kill()
    path.write_bytes(text)

    desk.start(paths=[str(path)])

    assert desk.records()[0].value.startswith(b"\0o\0n\0e")


def test_s49_copied_while_stopped_and_the_original_still_empty(desk: Desk) -> None:
    path = desk.logs / "app.log"
    path.write_bytes(numbered(1))
    desk.work()
    desk.kill()
    shutil.copyfile(path, f"{path}.1")
    os.truncate(path, 0)

    desk.start()
    desk.work(after_s=60)

    expect(desk, numbered(1))


def test_s36_copied_and_truncated_between_a_failure_and_its_recovery(
    desk: Desk,
) -> None:
    path = desk.logs / "app.log"
    path.write_bytes(numbered(1))
    desk.core.look()
    desk.faulty.fault = Fault.ABORTED
    with pytest.raises(TransactionAborted) as failure:
        desk.core.shipper.ship()
    desk.faulty.fault = Fault.NONE

    shutil.copyfile(path, f"{path}.1")
    path.write_bytes(numbered(1, start=1000))
    desk.core.look(settled=False)
    desk.core.shipper.recover(failure.value)
    desk.core.shipper.ship()
    for after_s in (0, 6, 60):
        desk.work(after_s=after_s)

    expect(desk, numbered(1), numbered(1, start=1000))
    assert desk.lost() == 0


@pytest.mark.parametrize("seen", [False, True])
def test_s49_copied_while_stopped_and_the_original_renamed(
    desk: Desk, *, seen: bool
) -> None:
    path = desk.logs / "app.log"
    path.write_bytes(numbered(1))
    desk.work()
    if not seen:
        desk.kill()
    shutil.copyfile(path, f"{path}.1")
    os.truncate(path, 0)
    append(path, numbered(1, start=1000))
    if seen:
        desk.core.look()
        desk.kill()
    path.rename(f"{path}.2")

    desk.start()
    desk.work(after_s=60)

    expect(desk, numbered(1), numbered(1, start=1000))


def test_what_was_cut_off_while_the_bus_was_away_is_counted(desk: Desk) -> None:
    path = desk.logs / "app.log"
    path.write_bytes(numbered(3))
    desk.core.look()
    desk.faulty.fault = Fault.ABORTED
    with pytest.raises(TransactionAborted) as failure:
        desk.core.shipper.ship()
    desk.faulty.fault = Fault.NONE

    path.write_bytes(numbered(2, start=1000))
    desk.core.look(settled=False)
    desk.core.shipper.recover(failure.value)
    for after_s in (0, 6, 60):
        desk.work(after_s=after_s)

    expect(desk, numbered(2, start=1000))
    assert desk.lost() == len(numbered(3))
