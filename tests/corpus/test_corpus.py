"""Every line of our corpus is read right, and every system is in it."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

import numpy as np
import pytest

from processor.recognition import NO_FORMAT, Recogniser
from processor.zones import Zone
from tests.corpus import CASES
from tocsin.formats.catalogue import BY_NAME, FORMATS
from tocsin.formats.systems import GENERAL, SYSTEMS, System, name_of
from tocsin.values import Level

ARRIVAL = datetime.fromisoformat("2026-03-14T12:00:00Z").timestamp()
LEAST_VARIATIONS = 3
NAMES = list(dict.fromkeys(case.system for case in CASES))
_BOOKS = {"tricky", "times"}  # cases of no system

Row = tuple[str, str | None, float | None, str]


def read_all() -> list[Row]:
    recogniser = Recogniser(Zone("UTC"))
    lines = [case.line.encode() for case in CASES]
    reading = recogniser.read(lines, arrival=np.full(len(lines), ARRIVAL))
    messages = recogniser.messages(reading, np.arange(len(lines))).to_pylist()
    return [
        (
            GENERAL if number == NO_FORMAT else FORMATS[number].name,
            None if level == Level.UNKNOWN else Level(level).name,
            None if np.isnan(seconds) else round(seconds, 6),
            (message or b"").decode(),
        )
        for number, level, seconds, message in zip(
            reading.formats.tolist(),
            reading.levels.tolist(),
            reading.seconds.tolist(),
            messages,
            strict=True,
        )
    ]


@pytest.fixture(scope="module")
def rows() -> dict[str, Row]:
    return {case.line: row for case, row in zip(CASES, read_all(), strict=True)}


@pytest.mark.parametrize("name", NAMES)
def test_the_lines_of_a_system_are_read_right(name: str, rows: dict[str, Row]) -> None:
    for case in CASES:
        if case.system == name:
            at = datetime.fromisoformat(case.time).timestamp() if case.time else None
            wanted = (case.format, case.level, at, case.message)
            assert rows[case.line] == wanted, case.line


@pytest.mark.parametrize("system", SYSTEMS, ids=lambda system: system.name)
def test_a_system_has_variations_and_is_read_by_what_it_says(system: System) -> None:
    own = [case for case in CASES if case.system == system.name]

    assert len(own) >= LEAST_VARIATIONS
    assert {case.format for case in own} <= set(system.formats)
    assert set(system.formats) <= {*BY_NAME, GENERAL}
    assert system.source


def test_lines_of_no_format_are_named_after_their_system() -> None:
    for case in CASES:
        if case.format == GENERAL and case.system not in _BOOKS:
            named = name_of(case.line.encode(), is_told=True)
            assert named in {case.system, GENERAL}, case.line


def test_there_are_hundreds_of_lines_of_all_levels() -> None:
    levels = Counter(case.level for case in CASES)

    assert len(CASES) > 300
    assert len({case.line for case in CASES}) == len(CASES)
    assert set(levels) == {"TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL", None}
