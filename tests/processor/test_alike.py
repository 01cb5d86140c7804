"""What shapes tell is what is read without them, only sooner."""

from __future__ import annotations

import random
from datetime import datetime

import numpy as np
import pytest

from processor.alike import LONG, Alike, shapes_of
from processor.columns import column
from processor.recognition import NO_FORMAT, Recogniser
from processor.verdicts import OPEN, REST, judge
from processor.zones import Zone
from tests.corpus import CASES
from tests.processor.corpus import CORPUS
from tocsin.formats.catalogue import BY_NAME, FORMATS
from tocsin.formats.fallback import LEVEL_RULES
from tocsin.values import Level

ARRIVAL = datetime.fromisoformat("2026-03-14T12:00:00Z").timestamp()
NEVER = 10**9
LINES = [case.line.encode() for case in CASES]
LINES += [case.line.encode() for case in CORPUS]
LINES += [rule.example.encode() for rule in LEVEL_RULES]
PARTS = (
    *(b"ERROR", b" warn ", b"[E]", b"level=40", b"lvl: 3 ", b"DEBUG1:", b"12:00:61"),
    *(b" ", b"  ", b"\t", b" | ", b": ", b" - ", b'"', b"[", b"] ", b"(", b"\xff"),
    *(b"the ", b"could not ", b"1773480067 ", b" stdout F ", b"\n", b"<3>", b"99:99 "),
)

Row = tuple[int, int, float | None, int]


def read(lines: list[bytes], alike: Alike) -> list[Row]:
    recogniser = Recogniser(Zone("UTC"), alike=alike)
    reading = recogniser.read(lines, arrival=np.full(len(lines), ARRIVAL))
    seconds = [None if np.isnan(s) else s for s in reading.seconds.tolist()]
    return list(
        zip(
            reading.formats.tolist(),
            reading.levels.tolist(),
            seconds,
            reading.begins.tolist(),
            strict=True,
        )
    )


def changed(line: bytes, dice: random.Random) -> bytes:
    """A line like no logger writes it: cut, spliced, with other digits or words."""
    at = dice.randrange(len(line) + 1)
    match dice.randrange(6):
        case 0:
            return line[:at]
        case 1:
            other = dice.choice(LINES)
            return line[:at] + other[dice.randrange(len(other) + 1) :]
        case 2:
            words = line.split(b" ")
            del words[dice.randrange(len(words))]
            return b" ".join(words)
        case 3:
            digits = b"0123456789"
            return bytes(dice.choice(digits) if c in digits else c for c in line)
        case 4:
            return line[:at] + line[at + dice.randrange(1, 9) :]
        case _:
            part: bytes = dice.choice(PARTS)
            return line[:at] + part + line[at:]


def assert_told_as_read(lines: list[bytes]) -> None:
    told = read(lines, Alike(worth=1, share=1))
    plain = read(lines, Alike(worth=NEVER))

    for line, one, other in zip(lines, told, plain, strict=True):
        assert one == other, line


@pytest.mark.slow
def test_lines_are_told_as_they_are_read() -> None:
    dice = random.Random(1)
    several = [changed(changed(dice.choice(LINES), dice), dice) for _ in range(2_000)]

    assert_told_as_read([*LINES, *several])


def test_digits_count_though_the_shape_has_none() -> None:
    lines = [
        b"E0314 09:21:07.482000       1 lease.go:330] cannot get the lock",
        b"E1399 09:21:07.482000       1 lease.go:330] cannot get the lock",
        b"<11>Mar 14 09:21:07 web-1 app[812]: cannot open socket",
        b"<14>Mar 14 09:21:07 web-1 app[812]: cannot open socket",
        b"2026-03-14 09:21:07 node 7 level=50 lost",
        b"2026-03-14 09:21:07 node 7 level=20 lost",
        b"10.1.2.3 - 147:80 error : no connection",
        b"10.1.2.3 - 147:30 error : no connection",
    ]

    assert_told_as_read(lines)


def test_a_shape_is_judged_when_it_has_come_up_often_enough() -> None:
    line = b"26/03/14 09:21:07 INFO storage.BlockManager: block 7 was stored in memory"
    alike, lines = Alike(worth=3), column([line])

    first, second, third = (alike.of(lines, shapes_of(lines)) for _ in range(3))

    assert first.of("level") < 0
    assert second.of("level") < 0
    assert third.of("level") == Level.INFO
    assert third.of("format") == NO_FORMAT


def test_only_so_many_shapes_are_judged_in_one_batch() -> None:
    numbers = range(1, 70)
    texts = [f"2026-03-14 09:21:07 INFO {'x' * k}: x".encode() for k in numbers]
    alike, lines = Alike(worth=1, share=0.1), column(texts)

    told = [
        int((alike.of(lines, shapes_of(lines)).of("format") >= NO_FORMAT).sum())
        for _ in range(5)
    ]

    assert 20 <= told[0] < 60
    assert told[-1] == len(numbers)


def test_what_a_longer_shape_tells_counts() -> None:
    format_ = BY_NAME["spring-boot"]
    line = format_.examples[0].line.encode().ljust(LONG)
    lines = column([line])

    shapes = shapes_of(lines)

    told = Alike(worth=1).of(lines, shapes)

    assert judge(shapes.distinct[0], is_cut=True).format < NO_FORMAT
    assert told.of("format") == FORMATS.index(format_)


def test_no_beginning_of_a_line_rules_its_format_out() -> None:
    for number, format_ in enumerate(FORMATS):
        for example in format_.examples:
            lines = column([example.line.encode()])
            (shape,) = shapes_of(lines, 0, 400).distinct
            for size in range(0, len(shape), 3):
                verdict = judge(shape[:size], is_cut=True)
                assert verdict.format in {number, *range(-10, NO_FORMAT)}, shape[:size]


def test_a_sentence_tells_that_no_header_follows() -> None:
    shape = b"0000/00/00 00:00:00 connection to the server was lost, trying again ERROR"

    quoted = shape.replace(b"connection", b"[connection")

    assert judge(shape, is_cut=True).level == REST
    assert judge(quoted, is_cut=True).level == OPEN


def test_texts_with_other_bytes_are_not_judged() -> None:
    assert judge("0000-00-00 ERROR größer".encode(), is_cut=False).format < NO_FORMAT
