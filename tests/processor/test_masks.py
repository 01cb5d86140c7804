"""What varies in a message is masked, what it says stays."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processor import columns
from processor.masks import MASKS, Mask, alike, mask, same_digits


def masked(*messages: str) -> list[str]:
    column = columns.column([message.encode() for message in messages])
    return [text.decode() for text in columns.to_list(mask(same_digits(column)))]


@pytest.mark.parametrize("kind", MASKS, ids=lambda kind: kind.name)
def test_what_varies_is_masked_wholly(kind: Mask) -> None:
    assert masked(f"cannot use {kind.example} now") == ["cannot use <*> now"]


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("took 250 ms", "took <*>"),
        ("took 2.5 s", "took <*>"),
        ("sent 0x1f, 12 and 7 of them", "sent <*> and <*> of them"),
        ("moved 5 (of 7), 12 bytes (3.5 KB)", "moved <*> (of <*>), <*>"),
        ("order=17 state=FAILED by=ann", "order=<*> state=FAILED by=ann"),
        ("user=ann name=smith reason=expired", "user=<*> name=<*> reason=expired"),
        ("owner= pool=null", "owner=<*> pool=<*>"),
        ('tag="a b" path=/srv/x', "tag=<*> path=<*>"),
        ("with retry.max.delay=5s", "with retry.max.delay=<*>"),
        ("no password for ann from 10.0.0.7", "no password for <*> from <*>"),
        ("session closed for user ann", "session closed for user <*>"),
        ("User ann logged in", "User <*> logged in"),
        ("user not found", "user not found"),
        ("cache:6379 refused it", "<*> refused it"),
        ("queue: 12 left, left:12", "queue: <*> left, left:<*>"),
        ('"GET /a/1?b=2 HTTP/1.1" took 7', "GET <*> took <*>"),
        ('{"error":"x","code":7}', "{error:<*>,code:<*>}"),
        (
            "java.sql.SQLTimeoutException in com.acme.shop.Orders",
            "SQLTimeoutException in <*>",
        ),
        (
            "input/output error, and/or no medium",
            "input/output error, and/or no medium",
        ),
        ("it's bad, don't go on", "it's bad, don't go on"),
        ("on [n1] at Tue Mar 4 09:21:07 2026", "on [<*>] at <*>"),
        ("nodes web-[40-63] and web-7 are up", "nodes <*> and <*> are up"),
        ("Müller7 fehlt für größe=klein", "<*> fehlt für größe=klein"),
        ("Disk0::read: key aa:bb:0c:dd", "<*>::read: key <*>"),
        ("too   many\t blanks", "too many blanks"),
        ("", ""),
    ],
)
def test_what_a_message_says_stays(message: str, expected: str) -> None:
    assert masked(message) == [expected]


def test_a_long_message_is_known_by_its_whole_first_words() -> None:
    long = "removed " + " ".join(f"blk-{k}" for k in range(1000, 1200))

    assert masked(long, long[:700], "removed blk-1") == ["removed <*>"] * 3


def test_bytes_that_are_no_text_are_masked_like_others() -> None:
    column = columns.column([b"key \xff\x00 7", b"\x80\x81"])

    assert columns.to_list(mask(same_digits(column))) == [
        b"key \xff\x00 <*>",
        b"\x80\x81",
    ]


@given(st.lists(st.text("a0123", max_size=5), max_size=12))
def test_messages_are_alike_when_they_differ_in_numbers_only(texts: list[str]) -> None:
    messages = columns.column([text.encode() for text in texts])

    which, found = alike(messages)

    assert [found[k] for k in which] == columns.to_list(same_digits(messages))
    assert len(found) == len(set(found))


def test_a_number_is_alike_whatever_its_length() -> None:
    which, found = alike(columns.column([b"a 7", b"a 4711", b"7", b"a 7 0"]))

    assert which.tolist() == [0, 0, 1, 2]
    assert found == [b"a 0", b"0", b"a 0 0"]
