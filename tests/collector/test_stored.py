"""What a start makes of the rows that it finds."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path

import msgspec
import pytest

from collector.checkpoint import VERSION, decode_row, encode_row, row_key
from collector.identity import Fingerprint, Trail
from tests.collector.core import IDENTITY, Desk
from tests.collector.rig import LogLines
from tests.collector.test_copies import append, expect, numbered
from tocsin.records.topics import CHECKPOINTS

LATER = VERSION + 1


def put(desk: Desk, rows: dict[bytes, bytes]) -> None:
    """Write rows while no collector works."""
    producer = desk.bus.producer("vandal")
    with producer.transaction() as transaction:
        transaction.put(CHECKPOINTS, dict(rows))
    producer.close()


@pytest.fixture
def stopped(desk: Desk) -> Desk:
    """A collector that shipped ten lines of two files each, and stopped."""
    for name in "ab":
        (desk.logs / f"{name}.log").write_bytes(numbered(10, word=name))
    desk.work()
    desk.kill()
    return desk


def test_s52_rows_of_the_version_before_are_read_on_and_written_anew(
    stopped: Desk,
) -> None:
    old = {}
    for row in stopped.rows():
        fields = msgspec.to_builtins(row)
        for later in ("size", "home", "key", "begins_at", "rotated"):
            fields.pop(later, None)
        value = msgspec.json.encode(fields | {"v": 1})
        assert decode_row(value).v == 1
        old[row_key(IDENTITY, row.file_id)] = value
    put(stopped, old)
    append(stopped.logs / "a.log", numbered(5, start=10, word="a"))
    (stopped.logs / "b.log").rename(stopped.logs / "b.log.1")

    stopped.start()

    expect(stopped, numbered(15, word="a"), numbered(10, word="b"))
    assert {row.v for row in stopped.rows()} == {2}
    assert stopped.metric("tocsin_collector_unreadable_checkpoints_total") == 0


@pytest.mark.parametrize("value", [b"", b"{half", b"\xff\0", b'{"v":99}', b"[]"])
def test_s50_a_damaged_row_is_told_and_costs_its_own_file_alone(
    stopped: Desk, log: LogLines, value: bytes
) -> None:
    (row,) = [r for r in stopped.rows() if r.path.endswith("a.log")]
    key = row_key(IDENTITY, row.file_id)
    put(stopped, {key: value})
    append(stopped.logs / "b.log", numbered(5, start=10, word="b"))

    stopped.clock.now += 1
    stopped.start()

    told = log.having("checkpoint_unreadable", key.decode())
    assert len(told) == 1
    assert "twice" in told[0]
    assert stopped.metric("tocsin_collector_unreadable_checkpoints_total") == 1
    again = numbered(10, word="a")
    expect(stopped, again, again, numbered(15, word="b"))
    assert len(stopped.rows()) == 2
    assert key not in {row_key(IDENTITY, r.file_id) for r in stopped.rows()}


def test_a_row_of_a_later_version_is_not_guessed_at(
    stopped: Desk, log: LogLines
) -> None:
    rows = {
        row_key(IDENTITY, row.file_id): encode_row(
            msgspec.structs.replace(row, v=LATER)
        )
        for row in stopped.rows()
    }
    put(stopped, rows)

    stopped.start()

    assert len(log.having("checkpoint_unreadable", f"format version {LATER}")) == 2


def test_two_rows_of_one_inode_are_one_the_newer(stopped: Desk) -> None:
    (row,) = [r for r in stopped.rows() if r.path.endswith("a.log")]
    older = msgspec.structs.replace(
        row, file_id=row.file_id[:-1] + "0", offset=0, at=row.at - 10
    )
    put(stopped, {row_key(IDENTITY, older.file_id): encode_row(older)})

    stopped.start()

    expect(stopped, numbered(10, word="a"), numbered(10, word="b"))
    # A copy of the older content may be there, and is waited for.
    stopped.work(after_s=6)
    assert older.file_id not in {r.file_id for r in stopped.rows()}
    assert stopped.lost() == older.size


def test_a_file_beside_one_that_went_unread_is_read(stopped: Desk) -> None:
    (row,) = [r for r in stopped.rows() if r.path.endswith("a.log")]
    unread = msgspec.structs.replace(row, offset=0, **asdict(Fingerprint.of(Trail())))
    put(stopped, {row_key(IDENTITY, row.file_id): encode_row(unread)})
    path, fresh = stopped.logs / "a.log", stopped.logs.parent / "fresh"
    fresh.write_bytes(numbered(2, start=1000))
    path.unlink()
    stopped.start()

    # Just when the other one is given up; of that nothing but its size is known.
    fresh.rename(path.with_name("a.log.1"))
    for after_s in (3, 6, 60):
        stopped.work(after_s=after_s)

    lines = numbered(10, word="a"), numbered(10, word="b")
    expect(stopped, *lines, numbered(2, start=1000))
    assert stopped.lost() == unread.size


def renumbered(stopped: Desk) -> None:
    """The device has another number since the last start."""
    rows = {}
    for row in stopped.rows():
        moved = msgspec.structs.replace(row, key=(12345, row.file_key.inode))
        rows[row_key(IDENTITY, row.file_id)] = encode_row(moved)
    put(stopped, rows)


def test_a_device_that_got_another_number_holds_the_same_files(stopped: Desk) -> None:
    renumbered(stopped)
    append(stopped.logs / "a.log", numbered(5, start=10, word="a"))

    stopped.start()
    stopped.kill()
    append(stopped.logs / "b.log", numbered(5, start=10, word="b"))
    stopped.start()

    expect(stopped, numbered(15, word="a"), numbered(15, word="b"))
    assert len(stopped.files()) == len(stopped.rows()) == 2


def test_s41_the_same_inode_number_on_another_device_is_another_file(
    stopped: Desk,
) -> None:
    renumbered(stopped)
    path = stopped.logs / "a.log"
    with path.open("r+b") as file:  # the same inode, other bytes
        file.write(numbered(10, start=500, word="a"))

    stopped.start()
    stopped.work(after_s=60)

    expect(
        stopped,
        numbered(10, word="a"),
        numbered(10, start=500, word="a"),
        numbered(10, word="b"),
    )


def test_s2_what_was_not_to_be_read_is_told_across_restarts(desk: Desk) -> None:
    path = desk.logs / "app.log"
    path.write_bytes(numbered(10))
    desk.kill()
    other = desk.logs.parent / "other"
    other.mkdir()
    (other / "old.log").write_bytes(numbered(5))

    desk.start(paths=[str(other)], start="end")
    append(other / "old.log", numbered(5, start=5))
    desk.work()
    desk.kill()
    (other / "old.log").rename(other / "old.log.1")
    desk.start()

    begins = {Path(s.path).name: s.begins_at for s in desk.streams().values()}
    assert begins["old.log.1"] == len(numbered(5))
    assert desk.lines() == numbered(5, start=5).splitlines()


def test_s7_an_old_file_goes_on_at_its_end_also_after_a_restart(desk: Desk) -> None:
    desk.kill()
    path = desk.logs / "old" / "app.log"
    path.parent.mkdir()
    path.write_bytes(numbered(10))
    then = desk.clock.now - 100_000
    os.utime(path, (then, then))

    desk.start(paths=[str(path.parent)], ignore_older="24h")
    desk.kill()
    append(path, numbered(5, start=10))
    desk.start()
    append(path, numbered(5, start=15))
    desk.work()

    expect(desk, numbered(10, start=10))
