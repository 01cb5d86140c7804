"""Lines are read by themselves, whatever batch they come in."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processor.recognition import NO_FORMAT, Recogniser
from processor.zones import Zone
from tests.processor.corpus import CORPUS, Case
from tocsin.formats import fallback
from tocsin.formats.catalogue import FORMATS
from tocsin.formats.format import Format
from tocsin.values import Level

ARRIVAL = datetime.fromisoformat("2026-03-14T12:00:00Z").timestamp()
EXAMPLES = [
    pytest.param(format_, example, id=f"{format_.name}-{number}")
    for format_ in FORMATS
    for number, example in enumerate(format_.examples)
]
LINES = [e.line.encode() for f in FORMATS for e in f.examples] + [
    case.line.encode() for case in CORPUS
]
lines = st.sampled_from(LINES) | st.binary(max_size=80)

Row = tuple[str | None, Level, float | None, bytes]


def read(batch: list[bytes], hints: list[int] | None = None) -> list[Row]:
    arrival = np.full(len(batch), ARRIVAL)
    tried = None if hints is None else np.array(hints, np.int64)
    recogniser = Recogniser(Zone("UTC"))
    reading = recogniser.read(batch, arrival=arrival, hints=tried)
    texts = recogniser.messages(reading, np.arange(len(batch))).to_pylist()
    return [
        (
            None if number == NO_FORMAT else FORMATS[number].name,
            Level(level),
            None if np.isnan(seconds) else round(seconds, 6),
            text or b"",
        )
        for number, level, seconds, text in zip(
            reading.formats.tolist(),
            reading.levels.tolist(),
            reading.seconds.tolist(),
            texts,
            strict=True,
        )
    ]


def at(text: str | None) -> float | None:
    return None if text is None else datetime.fromisoformat(text).timestamp()


@pytest.mark.parametrize(("format_", "example"), EXAMPLES)
def test_an_example_is_read_as_its_format_says(format_: Format, example: Case) -> None:
    (row,) = read([example.line.encode()])

    assert row == (
        format_.name,
        example.level,
        at(example.at),
        example.message.encode(),
    )


@pytest.mark.parametrize("case", CORPUS, ids=lambda case: case.line[:50])
def test_a_line_of_our_corpus_is_read_right(case: Case) -> None:
    ((_, level, seconds, _),) = read([case.line.encode()])

    assert (level.name, seconds) == (case.level.name, at(case.at))


@pytest.mark.parametrize("rule", fallback.LEVEL_RULES, ids=lambda rule: rule.name)
def test_a_rule_reads_its_example(rule: fallback.LevelRule) -> None:
    ((_, level, _, _),) = read([rule.example.encode()])

    assert level is rule.level


@pytest.mark.parametrize("hint", range(len(FORMATS)), ids=lambda n: FORMATS[n].name)
def test_a_wrong_hint_changes_no_answer(hint: int) -> None:
    examples = [example.line.encode() for f in FORMATS for example in f.examples]

    assert read(examples, [hint] * len(examples)) == read(examples)


@pytest.mark.slow
@given(st.lists(lines, max_size=12), st.data())
@settings(max_examples=30)
def test_an_answer_depends_on_the_line_alone(
    batch: list[bytes], data: st.DataObject
) -> None:
    number = st.integers(NO_FORMAT, len(FORMATS) - 1)
    hints = data.draw(st.lists(number, min_size=len(batch), max_size=len(batch)))

    together = read(batch, hints)

    assert together == [read([line])[0] for line in batch]


def test_colours_and_byte_order_marks_are_no_part_of_a_line() -> None:
    plain = "2026-03-14 09:21:07,482 ERROR boom"
    coloured = "\ufeff\x1b[2m2026-03-14 09:21:07,482\x1b[0m \x1b[31mERROR\x1b[0m boom"

    assert read([coloured.encode()]) == read([plain.encode()])


def test_a_long_line_is_read_by_its_beginning() -> None:
    line = b"2026-03-14 09:21:07,482 WARN " + b"x" * 5_000_000

    ((name, level, _, _),) = read([line])

    assert (name, level) == ("dated-level", Level.WARN)


def test_json_cut_short_still_states_its_level() -> None:
    ((name, level, _, _),) = read([b'{"level":"error","msg":"the file ended he'])

    assert (name, level) == (None, Level.ERROR)


def test_deeply_nested_json_is_no_crash() -> None:
    ((_, level, _, _),) = read([b'{"level":"error","a":' + b"[" * 20_000])

    assert level is Level.ERROR
