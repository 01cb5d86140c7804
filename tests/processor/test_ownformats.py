"""Formats of the configuration are tried first, and say what their groups hold."""

from __future__ import annotations

import numpy as np
import pytest

from processor.ownformats import OwnFormat
from processor.parsing import Parser
from processor.streams import StreamFormats
from processor.zones import Zone
from tocsin.errors import ConfigError
from tocsin.values import Level

TILL = OwnFormat(
    "till", r"^\[(?P<level>[A-Z]+)/till-\d+\] (?P<time>\S+ \S+) ~ (?P<message>.*)"
)
BARE = OwnFormat("bare", r"^> (?P<message>.*)$")
AT = 1_773_480_067.0


def parse(
    *lines: bytes, hint: str = ""
) -> list[tuple[str | None, Level, float | None, bytes]]:
    hints = StreamFormats().hints([b""] * len(lines)) if not hint else None
    arrival = np.full(len(lines), AT)
    parser = Parser(Zone("UTC"), own=[TILL, BARE])
    events = parser.parse(lines, arrival=arrival, hints=hints)
    return [
        (
            events.format_name(row),
            Level(int(events.levels[row])),
            None if np.isnan(events.seconds[row]) else float(events.seconds[row]),
            events.messages[row].as_py(),
        )
        for row in range(len(lines))
    ]


@pytest.mark.parametrize("hint", ["", "none"])
def test_groups_say_level_time_and_message(hint: str) -> None:
    own, other = parse(
        b"[ERROR/till-7] 2026-03-14 09:21:07 ~ the drawer is stuck",
        b"2026-03-14 09:21:07,000 INFO [main] c.a.B - all is well",
        hint=hint,
    )

    assert own == ("till", Level.ERROR, AT, b"the drawer is stuck")
    assert other == ("log4j", Level.INFO, AT, b"all is well")


def test_what_no_group_says_is_found_by_the_general_rules() -> None:
    (row,) = parse(b"> 2026-03-14T09:21:07Z WARN low")

    assert row == ("bare", Level.WARN, AT, b"2026-03-14T09:21:07Z WARN low")


def test_a_word_that_is_no_level_is_unknown() -> None:
    (row,) = parse(b"[FOO/till-7] 2026-03-14 09:21:07 ~ x")

    assert row[1] is Level.UNKNOWN


def test_streams_do_not_learn_what_is_tried_first_anyway() -> None:
    formats = StreamFormats()
    line = b"[ERROR/till-7] 2026-03-14 09:21:07 ~ the drawer is stuck"
    parser = Parser(Zone("UTC"), own=[TILL])
    events = parser.parse([line] * 9, arrival=np.full(9, AT))

    assert formats.learn([b"s"], np.zeros(9, np.int64), events.formats) == []


def test_a_line_names_its_service_where_a_group_says_so() -> None:
    lines = [
        b"{payments} ERROR card refused",
        b"{  } ERROR no name",
        b"{a\x07b} ERROR no name either",
        b"{%s} ERROR too long a name" % (b"x" * 65),
        b"{password=hunter2} ERROR a secret",
        b"plain",
        b"{payments} INFO ok",
    ]
    own = OwnFormat("gateway", r"^\{(?P<service>[^}]*)\} (?P<level>\w+)")

    events = Parser(Zone("UTC"), own=[own]).parse(lines, arrival=np.full(7, AT))

    names = [events.named.of(row) for row in range(7)]
    assert names == [
        *("payments", None, None, None),
        *("password=[secret]", None, "payments"),
    ]


def test_a_pattern_that_re2_does_not_know_is_told() -> None:
    with pytest.raises(ConfigError, match=r"processor\.formats: slow"):
        Parser(Zone("UTC"), own=[OwnFormat("slow", r"(?P<level>a(?=b))")])
