"""What a gzip file unpacks to, read at positions."""

from __future__ import annotations

import gzip
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.gunzip import Broken, Gunzip

TEXT = b"".join(b"line %d of a log\n" % number for number in range(20_000))


@contextmanager
def opened(path: Path) -> Iterator[int]:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def unpacked(path: Path, archive: Gunzip) -> bytes:
    """All of it, read on and on."""
    found = b""
    with opened(path) as descriptor:
        while True:
            data = archive.read(descriptor, len(found), 50_000, low=len(found))
            found += data
            if not data and archive.is_at_end:
                return found


def wreck(packed: bytes, at: int) -> bytes:
    return (
        packed[:at] + bytes(255 - x for x in packed[at : at + 40]) + packed[at + 40 :]
    )


def test_members_follow_each_other_and_zeros_behind_them_are_padding(
    tmp_path: Path,
) -> None:
    path = tmp_path / "a.gz"
    path.write_bytes(gzip.compress(TEXT) + gzip.compress(b"more\n") + b"\0" * 700)

    archive = Gunzip(keep=1000)

    assert unpacked(path, archive) == TEXT + b"more\n"
    assert archive.is_whole
    assert archive.troubles == []
    assert archive.consumed == path.stat().st_size


@given(seed=st.integers(0, 10**6), keep=st.integers(2_000, 30_000))
def test_whatever_is_asked_for_is_what_stands_there(
    tmp_path_factory: pytest.TempPathFactory, seed: int, keep: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.gz"
    if not path.exists():
        path.write_bytes(gzip.compress(TEXT[:90_000]) + gzip.compress(TEXT[90_000:]))
    random, archive, low = Random(seed), Gunzip(keep=keep), 0
    with opened(path) as descriptor:
        for _ in range(12):
            low = max(0, low + random.choice([0, 700, 40_000, -30_000]))
            at, size = low + random.choice([0, 900, 100_000]), random.randrange(1, 2000)

            found = archive.read(descriptor, at, size, low=low)

            assert found == TEXT[at : at + size]


def test_no_more_is_kept_than_said(tmp_path: Path) -> None:
    path = tmp_path / "bomb.gz"
    path.write_bytes(gzip.compress(b"\0" * 30_000_000))
    archive = Gunzip(keep=10_000)

    with opened(path) as descriptor:
        for at in range(0, 6_000_000, 200_000):
            assert len(archive.read(descriptor, at, 200_000, low=0)) == 200_000
            held = len(archive._kept) + len(archive._ahead)  # noqa: SLF001
            assert held < 10_000 + 2 * 65_536 + 200_000

        assert archive.read(descriptor, 0, 5_000, low=0) == b"\0" * 5_000


def test_a_damaged_member_gives_what_is_before_and_the_next_ones(
    tmp_path: Path,
) -> None:
    path = tmp_path / "a.gz"
    first = gzip.compress(TEXT)
    path.write_bytes(wreck(first, len(first) // 2) + gzip.compress(b"after\n"))
    archive = Gunzip(keep=1000)

    found = unpacked(path, archive)

    before, rest = found[: -len(b"after\n")], found[-len(b"after\n") :]
    assert rest == b"after\n"
    assert len(before) > len(TEXT) // 4
    assert before.endswith(b"\n")
    assert before[: len(TEXT) // 4] == TEXT[: len(TEXT) // 4]
    (trouble,) = archive.troubles
    assert trouble.broken is Broken.CORRUPT
    assert trouble.position == len(before)
    assert 0 < trouble.skipped < len(first)


def test_damage_is_told_once_also_when_it_is_unpacked_again(tmp_path: Path) -> None:
    path = tmp_path / "a.gz"
    first = gzip.compress(TEXT)
    path.write_bytes(wreck(first, len(first) // 2) + gzip.compress(b"after\n"))
    archive = Gunzip(keep=1000)
    found = unpacked(path, archive)

    archive.rest()

    assert unpacked(path, archive) == found
    assert len(archive.troubles) == 1
    later = Gunzip(keep=1000, told_to=len(found))
    unpacked(path, later)
    assert later.troubles == []


def test_a_wrong_sum_is_damage_although_all_is_there(tmp_path: Path) -> None:
    path = tmp_path / "a.gz"
    packed = bytearray(gzip.compress(TEXT))
    packed[-8] ^= 1
    path.write_bytes(packed)
    archive = Gunzip(keep=1000)

    assert unpacked(path, archive) == TEXT
    assert not archive.is_whole
    archive.end()
    assert [each.broken for each in archive.troubles] == [Broken.CORRUPT]


def test_one_that_is_still_written_is_read_on_where_it_ended(tmp_path: Path) -> None:
    path = tmp_path / "a.gz"
    packed = gzip.compress(TEXT)
    path.write_bytes(packed[:20_000])
    archive = Gunzip(keep=1000)
    found = unpacked(path, archive)
    assert 0 < len(found) < len(TEXT)
    assert not archive.is_whole

    with path.open("ab") as file:
        file.write(packed[20_000:])

    with opened(path) as descriptor:
        rest = archive.read(descriptor, len(found), len(TEXT), low=len(found))
        assert found + rest == TEXT
        assert archive.read(descriptor, len(TEXT), 10, low=len(TEXT)) == b""
    assert archive.is_whole


@pytest.mark.parametrize("cut", [3, 9, 200, -9, -1])
def test_one_that_is_cut_short_gives_what_is_there_and_says_so(
    tmp_path: Path, cut: int
) -> None:
    path = tmp_path / "a.gz"
    path.write_bytes(gzip.compress(TEXT[:2000])[:cut])
    archive = Gunzip(keep=1000)

    found = unpacked(path, archive)
    archive.end()

    assert TEXT.startswith(found)
    assert (len(found) == 2000) == (cut < 0)
    assert len(archive.troubles) == 1


def test_what_is_no_archive_unpacks_to_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.gz"
    path.write_bytes(b"plain text\n" * 50_000)
    archive = Gunzip(keep=1000)

    assert unpacked(path, archive) == b""
    archive.end()

    assert [each.skipped for each in archive.troubles] == [550_000]
