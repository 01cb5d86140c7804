"""What a file is."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from collector.identity import (
    FileKey,
    Fingerprint,
    Trail,
    Verdict,
    file_key_of,
    new_file_id,
)


def trail_of(data: bytes, offset: int) -> Trail:
    """The trail of a file with these bytes, read up to `offset`."""
    return Trail(data[: min(512, offset)], data[max(0, offset - 256) : offset])


@given(st.lists(st.binary(max_size=400), max_size=8))
def test_a_trail_does_not_depend_on_how_the_bytes_were_taken(
    parts: list[bytes],
) -> None:
    trail = Trail()
    for part in parts:
        trail = trail.after(part + b"not taken", len(part))

    whole = b"".join(parts)
    assert trail == trail_of(whole, len(whole))


@given(st.binary(min_size=1, max_size=900), st.binary(max_size=50), st.data())
def test_a_grown_file_is_the_same_one(
    taken: bytes, more: bytes, data: st.DataObject
) -> None:
    offset = data.draw(st.integers(0, len(taken)))
    fingerprint = Fingerprint.of(trail_of(taken, offset))

    assert fingerprint.judge(trail_of(taken + more, offset)) is Verdict.SAME


def test_a_file_with_the_same_first_line_is_another_one() -> None:
    read = Fingerprint.of(trail_of(b"header\none\n", 11))

    assert read.judge(trail_of(b"header\ntwo and more\n", 11)) is Verdict.REWRITTEN


def test_a_smaller_file_is_another_one() -> None:
    read = Fingerprint.of(trail_of(b"header\none\n", 11))

    assert read.judge(trail_of(b"header\n", 11)) is Verdict.SHRUNK


def test_a_file_of_which_nothing_was_read_is_what_its_inode_says() -> None:
    assert Fingerprint.of(Trail()).judge(trail_of(b"anything", 0)) is Verdict.SAME


@given(st.integers(0, 2**64), st.integers(1, 2**64), st.floats(0, 4e9))
def test_a_file_id_names_its_device_and_inode(
    device: int, inode: int, now: float
) -> None:
    key = FileKey(device, inode)

    assert file_key_of(new_file_id(key, now=now)) == key


def test_new_content_of_an_inode_has_a_fresh_id_even_in_the_same_millisecond() -> None:
    key = FileKey(64768, 42)
    first = new_file_id(key, now=1_764_000_000.0)

    assert first == "fd00-2a-midc1z40"
    assert new_file_id(key, now=1_764_000_000.0, after=first) == "fd00-2a-midc1z41"
