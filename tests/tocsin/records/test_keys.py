"""Keys of raw-logs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.errors import BadRecord
from tocsin.records.keys import Mark, parse_key, partition_of, stream_prefix

names = st.binary(min_size=1, max_size=30).map(
    lambda raw: raw.decode("utf-8", "surrogateescape")
)


@given(names, names, st.integers(0, 2**63), st.sampled_from(Mark))
def test_a_key_gives_back_what_it_was_made_of(
    service: str, host: str, offset: int, mark: Mark
) -> None:
    prefix = stream_prefix(service, host, "fd01-2a-7")

    key = parse_key(f"{prefix}:{offset}{mark.value}".encode())

    assert key == (service, host, "fd01-2a-7", offset, mark)


def test_separators_and_blanks_in_names_are_percent_encoded() -> None:
    assert stream_prefix("a/b:c", "h\n1", "f") == "a%2Fb%3Ac/h%0A1/f"


def test_a_foreign_key_is_a_bad_record() -> None:
    with pytest.raises(BadRecord, match="not a key of raw-logs"):
        parse_key(b"order-17")


def test_the_partition_depends_on_the_stream_alone() -> None:
    assert partition_of("api/h/f1", 6) == partition_of("api/h/f1", 6)
    assert {partition_of(f"api/h/f{n}", 6) for n in range(50)} == set(range(6))
