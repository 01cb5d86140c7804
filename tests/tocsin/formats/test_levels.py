"""What words, letters and numbers mean as levels."""

from __future__ import annotations

import pytest

from tocsin.formats import levels
from tocsin.values import Level


@pytest.mark.parametrize(
    ("word", "level"),
    [
        ("Information", Level.INFO),
        ("WARNING ", Level.WARN),
        ("severe", Level.ERROR),
        ("CRITICAL", Level.FATAL),
        ("notice", Level.INFO),
        ("D2", Level.DEBUG),
        ("metadata", Level.UNKNOWN),
        ("", Level.UNKNOWN),
    ],
)
def test_words(word: str, level: Level) -> None:
    assert levels.of_word(word) is level


@pytest.mark.parametrize(
    ("value", "level"),
    [
        (50, Level.ERROR),
        (60, Level.FATAL),
        (30, Level.INFO),
        (3, Level.ERROR),
        (6, Level.INFO),
        (8, Level.UNKNOWN),
        (1000, Level.UNKNOWN),
        ("40", Level.WARN),
        (True, Level.UNKNOWN),
        (None, Level.UNKNOWN),
        ("ERROR+4", Level.ERROR),
        ("error+", Level.UNKNOWN),
        ({"name": "error", "no": 40}, Level.ERROR),
        ({"name": 40}, Level.UNKNOWN),
        ({"text": "error"}, Level.UNKNOWN),
    ],
)
def test_values_of_a_level_field(value: object, level: Level) -> None:
    assert levels.of_value(value) is level


def test_syslog_priority_is_severity_modulo_eight() -> None:
    assert levels.of_pri("11") is Level.ERROR
    assert levels.of_pri("165") is Level.INFO
    assert levels.of_pri("192") is Level.UNKNOWN


def test_a_status_of_an_access_line() -> None:
    assert [levels.of_status(s) for s in ("200", "302", "404", "503")] == [
        Level.INFO,
        Level.INFO,
        Level.WARN,
        Level.ERROR,
    ]


def test_severity_numbers_of_opentelemetry_go_in_steps_of_four() -> None:
    assert [levels.of_severity_number(n) for n in (1, 5, 9, 13, 17, 21, 24, 25)] == [
        *list(Level)[:6],
        Level.FATAL,
        Level.UNKNOWN,
    ]
