"""Rows of the table of checkpoints."""

from __future__ import annotations

import os

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.checkpoint import (
    VERSION,
    Checkpoint,
    decode_path,
    decode_row,
    encode_path,
    encode_row,
)
from tocsin.errors import BadRecord

ROW = Checkpoint(
    v=VERSION,
    file_id="fd00-2a-mid63400",
    path="/logs/a.log",
    root="/logs",
    service="a",
    offset=17,
    head_length=17,
    head="00",
    tail_length=17,
    tail="00",
    first_seen_at=1.0,
    at=2.0,
)


def test_a_row_comes_back_as_it_was() -> None:
    assert decode_row(encode_row(ROW)) == ROW


@given(st.binary(min_size=1).filter(lambda raw: b"\0" not in raw))
def test_any_path_comes_back_and_travels_as_text(raw: bytes) -> None:
    path = os.fsdecode(raw)

    text = encode_path(path)

    assert decode_path(text) == path
    assert not set(text) & set(map(chr, range(32)))
    assert text.encode()


def test_a_plain_path_is_readable() -> None:
    assert encode_path("/var/log/käse/a b.log") == "/var/log/käse/a b.log"
    assert encode_path("/100%\n.log") == "/100%25%0A.log"


@given(st.binary())
def test_a_damaged_row_is_a_bad_record(value: bytes) -> None:
    with pytest.raises(BadRecord):
        decode_row(value)


@pytest.mark.parametrize(
    "changes", [{"v": VERSION + 1}, {"offset": -1}, {"file_id": "nonsense"}]
)
def test_a_row_that_cannot_be_used_is_a_bad_record(changes: dict[str, object]) -> None:
    with pytest.raises(BadRecord):
        decode_row(encode_row(msgspec.structs.replace(ROW, **changes)))


def test_a_row_with_fields_of_a_later_minor_format_is_read() -> None:
    value = encode_row(ROW)[:-1] + b',"later":1}'

    assert decode_row(value) == ROW
