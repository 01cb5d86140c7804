"""Whatever bytes come as lines: an answer, in time that grows with their length."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processor.parsing import Parser
from processor.zones import Zone
from tests.corpus import CASES
from tocsin.values import Level

ARRIVAL = 1_773_489_600.0
MOST_TIMES_MEDIAN = 50
HEADS = [case.line.encode() for case in CASES]
CUT = 65_536
HEADER = b"2026-03-14 09:21:07,482 ERROR [main] c.a.B - "

parts = (
    st.sampled_from(HEADS)
    | st.binary(max_size=60)
    | st.text(max_size=40).map(lambda text: text.encode("utf-8", "surrogatepass"))
)


@st.composite
def mangled(draw: st.DrawFn) -> bytes:
    """A line of our corpus, cut, with something else in it and behind it."""
    line = draw(st.sampled_from(HEADS))
    at = draw(st.integers(0, len(line)))
    until = draw(st.integers(at, len(line)))
    return line[:at] + draw(parts) + line[until:] + draw(parts)


def parse(lines: list[bytes]) -> list[tuple[int, float, int, bytes, str]]:
    events = Parser(Zone("UTC")).parse(lines, arrival=np.full(len(lines), ARRIVAL))
    return [
        (
            int(events.levels[row]),
            float(np.nan_to_num(events.seconds[row], nan=-1.0)),
            int(events.formats[row]),
            events.messages[row].as_py(),
            events.templates[int(events.template_of[row])].id,
        )
        for row in range(len(lines))
    ]


@pytest.mark.slow
@given(st.lists(mangled() | st.binary(max_size=200), min_size=1, max_size=30))
@settings(max_examples=40)
def test_no_line_stops_the_reading_or_changes_another_ones_answer(
    lines: list[bytes],
) -> None:
    together = parse(lines)

    # Alone, and in the other order: neither batch nor restart changes an answer.
    assert parse(lines[::-1])[::-1] == together
    assert parse(lines[:1]) == together[:1]


HOSTILE = {
    "an endless word": b"a" * CUT,
    "brackets": b"[" * CUT,
    "closed brackets": b"[] " * (CUT // 3),
    "quotes": b'"' * CUT,
    "backslashes": b'{"level":"error","msg":"' + b"\\" * CUT,
    "nested JSON": b'{"a":' * 10_000,
    "nested lists": b'{"level":"error","a":' + b"[" * CUT,
    "many keys": b"{" + b",".join(b'"k%d":1' % k for k in range(5_000)) + b"}",
    "pairs": b"a=b " * (CUT // 4),
    "open quotes in pairs": b'a="' * (CUT // 3),
    "clocks": b"09:21:07 " * (CUT // 9),
    "words": b"ERROR" * (CUT // 5),
    "levels in a row": b"ERROR " * (CUT // 6),
    "digits": b"1" * CUT,
    "dots": b"a." * (CUT // 2),
    "bars": b"a|" * (CUT // 2),
    "colours": b"\x1b[31m" * (CUT // 5),
    "NUL": b"\x00" * CUT,
    "no UTF-8": b"\xff\xfe" * (CUT // 2),
    "lines": b"x\n" * (CUT // 2),
    "cut CRI": b"2026-03-14T09:21:07Z stdout F " * (CUT // 30),
    "a syslog header for ever": b"<11>" * (CUT // 4),
}


def cost_s(line: bytes) -> float:
    parser = Parser(Zone("UTC"))
    lines, arrival = [line] * 20, np.full(20, ARRIVAL)
    best = 1e9
    for _ in range(3):
        began = time.process_time()
        parser.parse(lines, arrival=arrival)
        best = min(best, time.process_time() - began)
    return best / len(lines)


@pytest.fixture(scope="module")
def median_s() -> float:
    """The cost of an ordinary line, in a batch as small: 65,536 bytes of text."""
    text = (
        b"2026-03-14 09:21:07,482 ERROR [main] c.a.B - " + b"order 7 is late, " * 4000
    )
    return cost_s(text[:CUT])


@pytest.mark.slow
@pytest.mark.parametrize("line", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_line_costs_little_more_than_another(
    line: bytes, median_s: float
) -> None:
    assert cost_s(line) < MOST_TIMES_MEDIAN * median_s


def test_a_line_of_ten_mebibytes_is_read_by_its_beginning() -> None:
    (row,) = parse(
        [b"2026-03-14 09:21:07,482 FATAL [main] c.a.B - " + b"x" * 10_485_760]
    )

    assert row[:2] == (Level.FATAL, 1_773_480_067.482)
    assert len(row[3]) < CUT


@pytest.mark.parametrize(
    ("line", "level"),
    [
        ("2026-03-14 09:21:07 FEHLER nichts geht", Level.UNKNOWN),
        ("2026-03-14 09:21:07 错误 没有", Level.UNKNOWN),
        ("2026-03-14 09:21:07 ОШИБКА нет", Level.UNKNOWN),
        ("2026-03-14 09:21:07 ERREUR rien", Level.UNKNOWN),
    ],
)
def test_a_level_in_another_language_is_unknown_and_never_guessed(
    line: str, level: Level
) -> None:
    assert parse([line.encode()])[0][0] == level
