"""Log text is made harmless before it is shown anywhere."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerting.text import clean, cut, one_line


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain text", "plain text"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07after", "after"),
        ("\x1b]8;;http://evil\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("a\tb\r\nc", "a    b\nc"),
        ("user\u202egnp.exe", "usergnp.exe"),
        ("zero\u200bwidth\ufeff", "zerowidth"),
        ("bell\x07 and nul\x00", "bell and nul"),
        ("👩\u200d🚒", "👩\u200d🚒"),
        ("héllo wörld", "héllo wörld"),
        ("half\ud83d", "half"),
    ],
)
def test_what_a_display_would_obey_is_gone(text: str, shown: str) -> None:
    assert clean(text) == shown


def test_a_multi_line_event_fits_in_one_line() -> None:
    assert one_line("ERROR x\n  at a\n\n  at b\n") == "ERROR x ⏎ at a ⏎ at b"


@pytest.mark.parametrize(
    ("text", "limit", "shown"),
    [
        ("short", 5, "short"),
        ("longer", 5, "long…"),
        ("abcde\u0301f", 6, "abcd…"),
        ("ab👩\u200d🚒cd", 5, "ab…"),
        ("a👍🏽b", 4, "a…"),
        ("🇩🇪🇫🇷", 6, "🇩🇪…"),
        ("👍👍👍", 5, "👍👍…"),
    ],
)
def test_a_cut_falls_between_graphemes(text: str, limit: int, shown: str) -> None:
    assert cut(text, limit) == shown


@given(st.text(), st.integers(1, 40))
def test_a_cut_text_is_a_beginning_and_within_the_limit(text: str, limit: int) -> None:
    shown = cut(text, limit)

    assert len(shown.encode("utf-16-le", "surrogatepass")) // 2 <= limit
    assert shown == text or text.startswith(shown.removesuffix("…"))


@pytest.mark.slow
@given(st.text())
def test_clean_text_is_printable_line_by_line(text: str) -> None:
    shown = clean(text)

    assert clean(shown) == shown
    assert not any(ord(x) < 32 and x != "\n" for x in shown)
