"""JSON of every kind is read or left, and never stops anything."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from processor.jsonlines import messages, read
from processor.zones import Zone
from tocsin.formats import jsonkeys

KEYS = [*jsonkeys.LEVEL_KEYS, *jsonkeys.TIME_KEYS, *jsonkeys.MESSAGE_KEYS, "fields"]
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(0, 70)
    | st.sampled_from([10**400, -(10**30), 1e300, 0])
    | st.floats()
    | st.text(st.characters(), max_size=8)
    | st.sampled_from(["error", "2026-03-14T09:21:07Z", "9999-12-31 23:59:59"])
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from([*KEYS, "$date"]), inner, max_size=2)
    ),
    max_leaves=4,
)
objects = st.dictionaries(st.sampled_from(KEYS), values, max_size=6)


@pytest.mark.slow
@given(st.lists(objects, max_size=6), st.booleans())
def test_no_json_stops_the_reading(lines: list[object], ascii_only: bool) -> None:  # noqa: FBT001
    texts = [
        json.dumps(line, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
        for line in lines
    ]

    found = read(texts, np.full(len(texts), 1.77e9), Zone("UTC"))

    assert len(found.decoded) == len(found.levels) == len(found.seconds) == len(texts)
    assert len(messages(texts)) == len(texts)


@pytest.mark.parametrize(
    "text",
    [
        b'{"level":"error","msg":"\xff\xfe"}',
        b'{"level":"error","level":"error"}',
    ],
)
def test_unusual_objects_keep_their_level(text: bytes) -> None:
    found = read([text], np.full(1, 1.77e9), Zone("UTC"))

    assert found.decoded.tolist() == [True]
    assert found.levels.tolist() == [4]


@pytest.mark.parametrize(
    "text",
    [
        b"{",
        b"{}x",
        b'{"a":',
        b'["level"]',
        b'{"a":NaN}',
        rb'{"level":"error","msg":"\ud800"}',
    ],
)
def test_what_is_no_object_is_left(text: bytes) -> None:
    assert read([text], np.full(1, 1.77e9), Zone("UTC")).decoded.tolist() == [False]
