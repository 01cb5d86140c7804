"""One event with fields a line, whatever the values hold."""

from __future__ import annotations

import pytest

from tocsin.telemetry.log import render


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("/var/log/app.log", "/var/log/app.log"),
        (0.25, "0.250"),
        ("", '""'),
        ("two words", '"two words"'),
        ('say "no"', r'"say \"no\""'),
        ("a bot token (xoxb-…)", '"a bot token (xoxb-…)"'),
        ("Grüße aus Köln.log", '"Grüße aus Köln.log"'),
    ],
)
def test_a_value_is_quoted_where_it_has_to_be(value: object, shown: str) -> None:
    assert render("event", {"key": value}) == f"event key={shown}"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("a\nb", r'"a\nb"'),
        ("\x1b[31mred", r'"\x1b[31mred"'),
        ("right\u202eleft", r'"right\u202eleft"'),
        ("C:\\new log", r'"C:\\new log"'),
        ("no\udce9utf8", r'"no\udce9utf8"'),
    ],
)
def test_what_could_move_the_cursor_is_shown_as_such(value: str, shown: str) -> None:
    assert render("event", {"key": value}) == f"event key={shown}"
