"""Encodings and delimiters: bytes are cut and decoded, and nothing is lost of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.records.text import (
    PLAIN,
    Text,
    bom_bytes,
    chosen_text,
    encoding_of,
    ending_of,
    text_of,
)

ENCODINGS = ["", "utf-16-le", "utf-16-be", "utf-32-le", "shift_jis", "iso8859-1"]
words = st.text("ab\n\r\u0a00\u000a\u010a日本é😀 \0|", max_size=20)


@given(
    st.lists(words, max_size=6),
    st.sampled_from(["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"]),
    st.sampled_from(["\n", "\r\n", "\0", "|"]),
)
def test_cut_anywhere_nothing_but_delimiters_at_whole_units_cut(
    lines: list[str], encoding: str, ending: str
) -> None:
    text = Text(encoding, ending)
    whole = ending.join(lines)
    data = whole.encode(encoding)

    pieces, rest = text.cut(data)

    expected = whole.split(ending)
    assert [str(piece, encoding) for piece in pieces] == expected[:-1]
    assert rest == len(expected[-1].encode(encoding))
    assert list(text.decode(pieces).values) == [x.encode() for x in expected[:-1]]
    at = text.find(data)
    assert at == (len(expected[0].encode(encoding)) if pieces else -1)
    last = text.rfind(data, at=8)
    assert last == (len(data) - rest - len(text.delimiter) if pieces else -1)


def test_a_newline_within_a_unit_is_none() -> None:
    data = "a\u0a00\u000ab\u0a0a".encode("utf-16-be")

    pieces, rest = Text("utf-16-be").cut(data)

    assert [str(piece, "utf-16-be") for piece in pieces] == ["a\u0a00"]
    assert rest == len("b\u0a0a".encode("utf-16-be"))


def test_what_is_no_text_is_replaced_and_counted() -> None:
    good, bad = "日本".encode("shift_jis"), b"caf\x81"

    decoded = Text("shift_jis").decode([good, bad, b"\xff\xfeab"])

    assert decoded.values[0] == "日本".encode()
    assert decoded.values[1] == "caf\ufffd".encode()
    assert decoded.inexact == [1, 2]
    assert decoded.replaced >= 2


def test_half_a_surrogate_pair_is_replaced() -> None:
    data = "a".encode("utf-16-le") + b"\x3d\xd8" + "b".encode("utf-16-le")

    decoded = Text("utf-16-le").decode([data])

    assert decoded.values == ["a\ufffdb".encode()]
    assert (decoded.inexact, decoded.replaced) == ([0], 1)


def test_a_beginning_ends_before_half_a_character() -> None:
    data = "日本".encode("shift_jis")[:3]

    assert Text("shift_jis").decode_beginning(data) == ("日".encode(), 2)
    assert PLAIN.decode_beginning(b"\xe6\x97") == (b"\xe6\x97", 2)


@pytest.mark.parametrize(
    ("beginning", "encoding"),
    [
        (b"\xff\xfea\0", "utf-16-le"),
        (b"\xfe\xff\0a", "utf-16-be"),
        (b"\xff\xfe\0\0a\0\0\0", "utf-32-le"),
        (b"\xef\xbb\xbfabc", ""),
        (b"abc", "iso8859-1"),
        (b"\xffabc", "iso8859-1"),
        (b"", None),
        (b"\xff", None),
        (b"\xff\xfe", None),
        (b"\xff\xfea", "utf-16-le"),
    ],
)
def test_the_byte_order_mark_decides(beginning: bytes, encoding: str | None) -> None:
    text = text_of(beginning, Text("iso8859-1"))

    if encoding is None:
        assert text is None
    else:
        assert text == Text(encoding)
    assert bom_bytes(b"\xff\xfea\0") == 2


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (r"\n", "\n"),
        (r"\r\n", "\r\n"),
        (r"\0", "\0"),
        (r"<EOE>\n", "<EOE>\n"),
        (r"\x1e", "\x1e"),
        (r"→\u2028", "→\u2028"),
        (r"\\", "\\"),
        ("\n", "\n"),
    ],
)
def test_a_delimiter_is_written_with_escapes(written: str, meant: str) -> None:
    assert ending_of(written) == meant


@pytest.mark.parametrize("written", ["", r"\q", r"\xff", "\\", "x" * 65, r"\ud800"])
def test_what_is_no_delimiter_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match=r"escape|characters|surrogate"):
        ending_of(written)


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("UTF8", ""),
        ("ascii", ""),
        ("utf-8-sig", ""),
        ("latin-1", "iso8859-1"),
        ("SJIS", "shift_jis"),
        ("UTF-16", "utf-16-le"),
        ("cp037", "cp037"),
    ],
)
def test_encodings_have_many_names(name: str, known: str) -> None:
    assert encoding_of(name) == known


@pytest.mark.parametrize("name", ["nonsense", "rot13", "base64", "utf-7", "idna", "\0"])
def test_what_is_no_encoding_of_files_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"no encoding|line by line"):
        encoding_of(name)


def test_a_delimiter_must_be_one_in_the_encoding() -> None:
    assert chosen_text("shift_jis", r"\0") == Text("shift_jis", "\0")
    assert chosen_text("latin-1", "|").delimiter == b"|"
    assert chosen_text("utf-16", r"\n").delimiter == b"\n\0"
    with pytest.raises(ValueError, match="does not exist"):
        chosen_text("latin-1", "→")
    with pytest.raises(ValueError, match="control character"):
        chosen_text("shift_jis", "|")
