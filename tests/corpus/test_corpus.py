"""Every line of our corpus is read right, and every system is in it."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from functools import cache

import numpy as np
import pytest

from processor.recognition import NO_FORMAT, Recogniser
from processor.zones import Zone
from tests.corpus import CASES, WILD
from tocsin.formats.catalogue import BY_NAME, FORMATS
from tocsin.formats.systems import GENERAL, SYSTEMS, name_of
from tocsin.values import Level

ARRIVAL = datetime.fromisoformat("2026-03-14T12:00:00Z").timestamp()
LEAST_VARIATIONS = 3
_BOOKS = {"tricky", "times"}  # cases of no system

Row = tuple[str, str | None, float | None, str]


def at(time: str | None) -> float | None:
    return datetime.fromisoformat(time).timestamp() if time else None


@cache
def read_all(texts: tuple[str, ...]) -> list[Row]:
    recogniser = Recogniser(Zone("UTC"))
    lines = [text.encode() for text in texts]
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


def test_the_lines_of_all_systems_are_read_right() -> None:
    wanted = {
        case.line: (case.format, case.level, at(case.time), case.message)
        for case in CASES
    }

    found = dict(zip(wanted, read_all(tuple(wanted)), strict=True))

    assert {line: found[line] for line in wanted if found[line] != wanted[line]} == {}


@pytest.mark.parametrize("family", sorted({case.family for case in WILD}))
def test_what_software_in_the_field_prints_is_read_right(family: str) -> None:
    found = zip(WILD, read_all(tuple(case.line for case in WILD)), strict=True)

    for case, (_, *read) in found:
        if case.family == family:
            assert read == [case.level, at(case.time), case.message], case.line


def test_a_system_has_variations_and_is_read_by_what_it_says() -> None:
    for system in SYSTEMS:
        own = [case for case in CASES if case.system == system.name]

        assert len(own) >= LEAST_VARIATIONS, system.name
        assert {case.format for case in own} <= set(system.formats), system.name
        assert set(system.formats) <= {*BY_NAME, GENERAL}, system.name
        assert system.source, system.name


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
