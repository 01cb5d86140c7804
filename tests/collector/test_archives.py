"""Gzip files: read once, and not at all where their bytes were read before."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest

from tests.collector.core import Desk
from tests.collector.faults import Fault
from tests.collector.rig import LogLines, prove_tiling
from tests.collector.test_copies import append, expect, numbered
from tests.collector.test_gunzip import wreck
from tocsin.errors import BusUnavailable, TransactionAborted
from tocsin.records.keys import Mark

BROKEN = "tocsin_collector_broken_archives_total"


def named(desk: Desk, pattern: str = "*") -> None:
    """Files of this pattern are read from now on."""
    desk.kill()
    desk.start(paths=[str(desk.logs / pattern)])


def compress(path: Path) -> Path:
    """What `gzip` does to a file, its time included."""
    at = path.stat()
    packed = path.with_name(f"{path.name}.gz")
    packed.write_bytes(gzip.compress(path.read_bytes()))
    os.utime(packed, ns=(at.st_atime_ns, at.st_mtime_ns))
    path.unlink()
    return packed


def test_s23_an_archive_is_read_once_as_what_it_unpacks_to(desk: Desk) -> None:
    named(desk)
    path = desk.logs / "old.log.gz"
    path.write_bytes(
        gzip.compress(numbered(60)) + gzip.compress(numbered(60, start=60))
    )

    desk.work()
    desk.work(after_s=60)
    desk.kill()
    desk.start()

    expect(desk, numbered(120))
    prove_tiling(desk.records())
    (row,) = desk.rows()
    assert (row.finished, row.offset) == (True, len(numbered(120)))
    assert row.packed == path.stat().st_size
    assert {r.key.service for r in desk.records()} == {"old"}


def half_shipped(desk: Desk) -> bytes:
    """Half of an archive of 200 lines is there, and shipped; its other half."""
    named(desk)
    packed = gzip.compress(numbered(200))
    half = len(packed) // 2
    (desk.logs / "old.log.gz").write_bytes(packed[:half])
    desk.work()
    return packed[half:]


def test_s23_killed_in_the_middle_it_goes_on_where_it_was(desk: Desk) -> None:
    rest = half_shipped(desk)
    assert 0 < len(desk.lines()) < 200

    desk.kill()
    append(desk.logs / "old.log.gz", rest)
    desk.start()

    expect(desk, numbered(200))
    prove_tiling(desk.records())
    assert len(desk.files()) == 1


@pytest.mark.parametrize("fault", [Fault.ABORTED, Fault.ANSWER_LOST])
def test_s23_a_transaction_that_fails_is_done_again(desk: Desk, fault: Fault) -> None:
    append(desk.logs / "old.log.gz", half_shipped(desk))
    desk.core.look()
    desk.faulty.fault = fault
    with pytest.raises((TransactionAborted, BusUnavailable)) as caught:
        desk.core.shipper.ship()
    desk.faulty.fault = Fault.NONE
    desk.core.shipper.recover(caught.value)

    desk.work()

    expect(desk, numbered(200))
    prove_tiling(desk.records())


@pytest.mark.slow
def test_s23_more_archives_than_are_unpacked_at_once(desk: Desk) -> None:
    named(desk)
    for word in "abcdefgh":
        path = desk.logs / f"{word}.log.gz"
        path.write_bytes(gzip.compress(numbered(50, word=word)))

    desk.work()

    expect(desk, *(numbered(50, word=word) for word in "abcdefgh"))


@pytest.mark.slow
def test_s23_one_that_is_cut_short_gives_what_is_there_and_is_told_once(
    desk: Desk, log: LogLines
) -> None:
    named(desk)
    packed = gzip.compress(numbered(300))
    (desk.logs / "old.log.gz").write_bytes(packed[: len(packed) // 2])
    desk.work()
    assert not log.having("archive_broken")

    desk.work(after_s=60)
    desk.work(after_s=60)
    desk.kill()
    desk.start()
    desk.work(after_s=60)

    data = b"".join(b"%s\n" % r.value for r in desk.records())[:-1]
    assert len(data) > 500
    assert numbered(300).startswith(data)
    assert desk.records()[-1].key.mark is Mark.PARTIAL
    assert len(log.having("archive_broken", "reason=truncated")) == 1


@pytest.mark.slow
def test_s23_one_that_is_still_written_is_read_to_its_end(
    desk: Desk, log: LogLines
) -> None:
    named(desk)
    path, packed = desk.logs / "old.log.gz", gzip.compress(numbered(300))
    path.write_bytes(packed[:1])
    desk.work()
    assert desk.rows() == []
    for at in range(1, len(packed), 200):
        append(path, packed[at : at + 200])
        desk.work(after_s=5)

    expect(desk, numbered(300))
    prove_tiling(desk.records())
    assert not log.having("archive_broken")


def test_s23_a_damaged_member_costs_what_is_damaged(desk: Desk, log: LogLines) -> None:
    named(desk)
    first = gzip.compress(numbered(300))
    path = desk.logs / "old.log.gz"
    path.write_bytes(wreck(first, len(first) // 2) + gzip.compress(b"after it\n"))

    desk.work()

    lines = [r.value for r in desk.records()]
    assert lines[-1] == b"after it"
    assert set(numbered(20).splitlines()) <= set(lines)
    assert len(log.having("archive_broken", "reason=corrupt")) == 1
    assert desk.metric(BROKEN, reason="corrupt") == 1
    assert desk.metric("tocsin_collector_lost_bytes_total", reason="corrupt") > 0


@pytest.mark.parametrize(
    ("name", "unread", "away"),
    [
        ("app.log.1", 40, True),
        ("app.1.log", 0, True),
        ("app.log-20251125", 0, False),
    ],
)
def test_s24_the_twin_of_a_file_is_read_from_where_that_was_read_to(
    desk: Desk, name: str, unread: int, *, away: bool
) -> None:
    path = desk.logs / "app.log"
    path.write_bytes(numbered(60))
    desk.work()
    if away:
        desk.kill()
        append(path, numbered(unread, start=60))
    else:
        unread = 0
        path.rename(desk.logs / name)
        path = desk.logs / name
        desk.work(after_s=1)

    if away:
        path = path.rename(desk.logs / name)
    compress(path)
    (desk.logs / "app.log").write_bytes(numbered(3, start=1000))
    if away:
        desk.start()
    for _ in range(12):
        desk.work(after_s=10)
    desk.kill()
    desk.start()
    desk.work(after_s=10)

    expect(desk, numbered(60 + unread), numbered(3, start=1000))
    assert desk.lost() == 0


def test_s24_renamed_and_packed_between_two_looks_it_is_not_read_again(
    desk: Desk,
) -> None:
    path = desk.logs / "app.log"
    path.write_bytes(numbered(60))
    desk.work()

    compress(path.rename(desk.logs / "app.log.1"))
    path.write_bytes(numbered(3, start=1000))
    for _ in range(6):
        desk.work(after_s=10)

    expect(desk, numbered(60), numbered(3, start=1000))


def test_s24_packed_long_after_it_was_read_to_its_end_it_is_not_read_again(
    desk: Desk,
) -> None:
    path = desk.logs / "app.log.1"
    path.write_bytes(numbered(60))
    desk.work()
    desk.work(after_s=6)
    assert [row.finished for row in desk.rows()] == [True]

    compress(path)
    for _ in range(3):
        desk.work(after_s=40)

    expect(desk, numbered(60))
    assert desk.lost() == 0


def test_s24_of_one_that_was_rotated_and_packed_while_away_all_is_new(
    desk: Desk,
) -> None:
    path = desk.logs / "app.log"
    path.write_bytes(numbered(10))
    desk.work()
    desk.kill()

    compress(path.rename(desk.logs / "app.log.2"))
    path.write_bytes(numbered(50, start=10))
    compress(path.rename(desk.logs / "app.log.1"))
    path.write_bytes(numbered(5, start=60))
    desk.start()
    desk.work(after_s=5)
    desk.work(after_s=5)

    expect(desk, numbered(65))
    assert desk.lost() == 0


def test_s24_killed_before_the_packed_copy_of_a_truncated_file_is_known(
    desk: Desk,
) -> None:
    path, copy = desk.logs / "app.log", desk.logs / "app.log.1"
    path.write_bytes(numbered(60))
    desk.work()

    append(path, numbered(1, start=60))
    copy.write_bytes(path.read_bytes())
    path.write_bytes(numbered(3, start=1000))
    compress(copy)
    desk.clock.now += 1
    desk.core.look()
    desk.core.shipper.ship()  # the new content; its archive was not unpacked so far
    desk.kill()
    copy.with_name("app.log.1.gz").rename(desk.logs / "app.log.2.gz")
    desk.start()
    for _ in range(3):
        desk.work(after_s=10)

    expect(desk, numbered(61), numbered(3, start=1000))
    assert desk.lost() == 0


@pytest.mark.slow
def test_s24_archives_of_before_the_start_stay_unread(desk: Desk) -> None:
    desk.kill()
    for name in ("app.log.1", "app.log.2", "other.log"):
        path = desk.logs / name
        path.write_bytes(numbered(10, word=name))
        os.utime(path, (desk.clock.now - 90, desk.clock.now - 90))
        compress(path)
    (desk.logs / "app.log").write_bytes(numbered(3))

    fresh = Desk(desk.bus, desk.logs, desk.clock, {"identity": "fresh"})
    fresh.work(after_s=10)
    fresh.kill()

    expect(fresh, numbered(3))


def test_s24_a_packed_copy_beside_its_original_is_not_read(desk: Desk) -> None:
    named(desk)
    path = desk.logs / "app.log"
    path.write_bytes(numbered(60))
    (desk.logs / "app.log.gz").write_bytes(gzip.compress(numbered(60)))

    for _ in range(4):
        desk.work(after_s=10)
        append(path, numbered(1, start=90))

    expect(desk, numbered(60), *[numbered(1, start=90)] * 3)


@pytest.mark.slow
def test_s24_the_same_first_line_makes_no_twin(desk: Desk) -> None:
    named(desk)
    header = b"#Fields: date time\n"
    (desk.logs / "app.log").write_bytes(header + numbered(60))
    desk.work()

    packed = gzip.compress(header + numbered(60, start=500))
    (desk.logs / "app.log.1.gz").write_bytes(packed)
    desk.work(after_s=1)
    desk.work(after_s=1)

    expect(desk, header, header, numbered(60), numbered(60, start=500))


def test_s02_archives_that_were_there_are_passed_over_at_the_end(desk: Desk) -> None:
    desk.kill()
    (desk.logs / "a.log.gz").write_bytes(gzip.compress(numbered(10)))
    fresh = Desk(
        desk.bus,
        desk.logs,
        desk.clock,
        {"identity": "fresh", "start": "end", "paths": [str(desk.logs / "*")]},
    )
    (desk.logs / "b.log.gz").write_bytes(gzip.compress(numbered(10, word="new")))
    fresh.work(after_s=1)
    fresh.kill()
    fresh.start()
    fresh.kill()

    expect(fresh, numbered(10, word="new"))
