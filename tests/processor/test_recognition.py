"""Lines are read by themselves, whatever batch they come in."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processor.alike import Alike
from processor.recognition import NO_FORMAT, Recogniser
from processor.zones import Zone
from tests.processor.corpus import CORPUS
from tocsin.formats import fallback
from tocsin.formats.catalogue import FORMATS
from tocsin.values import Level

# Lines are read by themselves here; test_alike.py is about what shapes tell.
NEVER = 10**9
ARRIVAL = datetime.fromisoformat("2026-03-14T12:00:00Z").timestamp()
EXAMPLES = [(format_, example) for format_ in FORMATS for example in format_.examples]
LINES = [e.line.encode() for f in FORMATS for e in f.examples] + [
    case.line.encode() for case in CORPUS
]
lines = st.sampled_from(LINES) | st.binary(max_size=80)

Row = tuple[str | None, Level, float | None, bytes]


def read(batch: list[bytes], hints: list[int] | None = None) -> list[Row]:
    arrival = np.full(len(batch), ARRIVAL)
    tried = None if hints is None else np.array(hints, np.int64)
    recogniser = Recogniser(Zone("UTC"), alike=Alike(worth=NEVER))
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


def read_by_line(texts: Iterable[str]) -> dict[str, Row]:
    every = list(texts)
    return dict(zip(every, read([text.encode() for text in every]), strict=True))


def at(text: str | None) -> float | None:
    return None if text is None else datetime.fromisoformat(text).timestamp()


def test_an_example_is_read_as_its_format_says() -> None:
    wanted = {
        e.line: (format_.name, e.level, at(e.at), e.message.encode())
        for format_, e in EXAMPLES
    }

    assert read_by_line(wanted) == wanted


def test_a_line_of_our_corpus_is_read_right() -> None:
    rows = read_by_line([case.line for case in CORPUS])

    wanted = {case.line: (case.level, at(case.at)) for case in CORPUS}
    assert {line: row[1:3] for line, row in rows.items()} == wanted


def test_a_rule_reads_its_example() -> None:
    rows = read_by_line([rule.example for rule in fallback.LEVEL_RULES])

    for rule in fallback.LEVEL_RULES:
        assert rows[rule.example][1] is rule.level, rule.name


def test_a_wrong_hint_changes_no_answer() -> None:
    lines = [example.line.encode() for _, example in EXAMPLES]
    hints = [hint for hint in range(len(FORMATS)) for _ in lines]

    rows = read(lines * len(FORMATS), hints)

    right = read(lines)
    for hint, format_ in enumerate(FORMATS):
        part = rows[hint * len(lines) : (hint + 1) * len(lines)]
        assert part == right, format_.name


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
