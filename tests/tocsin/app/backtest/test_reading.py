"""Chunks of a log file: they tile wherever they are cut, and place what has no time."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tocsin.app.backtest.chunk import BEGINNING, Chunk, Reading
from tocsin.app.backtest.reading import ChunkReader, filled
from tocsin.values import Level

LINES = [
    b"2026-03-14T00:00:00.250Z INFO order 1 shipped",
    b"2026-03-14T00:00:00.750Z ERROR payment 7f3 declined",
    b"  at Gateway.call(Gateway.java:7)",
    b"",
    b"2026-03-14T00:00:02.000Z ERROR payment 81 declined",
]
START = 1_773_446_400


def chunk(path: Path, end: int) -> Chunk:
    return Chunk(str(path), "shop", "web-1", BEGINNING, end, float(START))


def written(folder: Path, data: bytes) -> Path:
    path = folder / "app.log"
    path.write_bytes(data)
    return path


def test_a_chunk_is_read_as_panes_with_templates_and_samples(tmp_path: Path) -> None:
    data = b"\n".join(LINES) + b"\n"
    path = written(tmp_path, data)

    found = ChunkReader(Reading(max_templates=20)).read(chunk(path, len(data)))

    first, second = found.panes
    assert (first.second, second.second) == (START, START + 2)
    assert (first.lines, found.lines) == (3, 5)
    assert first.counts[Level.ERROR] == 1
    [template] = first.templates
    assert template.sample.text == b"\n".join(LINES[1:3]).decode()
    assert template.sample.offset == len(LINES[0]) + 1
    assert found.latest == START + 2
    assert [x.count for x in second.templates] == [1]


def test_templates_over_the_limit_are_counted(tmp_path: Path) -> None:
    words = ("alpha", "beta", "gamma", "gamma")
    text = "".join(f"2026-03-14T00:00:00Z ERROR {word} failed\n" for word in words)
    path = written(tmp_path, text.encode())

    found = ChunkReader(Reading(max_templates=1)).read(chunk(path, len(text)))

    assert [(x.text, x.count) for x in found.panes[0].templates] == [
        ("gamma failed", 2)
    ]
    assert found.panes[0].other_templates == 2


def test_lines_without_any_time_are_counted_and_in_no_pane(tmp_path: Path) -> None:
    path = written(tmp_path, b"hello\nworld\n")

    found = ChunkReader(Reading(max_templates=1)).read(chunk(path, 12))

    assert (found.panes, found.untimed, found.latest) == ([], 2, None)


def test_a_stack_trace_is_one_error(tmp_path: Path) -> None:
    data = (
        b"2026-03-14T00:00:00Z ERROR payment failed\n"
        b"java.lang.IllegalStateException: ERROR in handler\n"
        b"\tat Gateway.call(Gateway.java:7)\n"
        b"2026-03-14T00:00:00Z INFO closing\n"
    )
    path = written(tmp_path, data)

    joined = ChunkReader(Reading()).read(chunk(path, len(data)))
    single = ChunkReader(Reading(max_event_lines=None)).read(chunk(path, len(data)))

    assert (joined.panes[0].lines, joined.panes[0].errors, joined.lines) == (2, 1, 4)
    assert (single.panes[0].lines, single.lines) == (4, 4)
    [template] = joined.panes[0].templates
    assert template.text.startswith("IllegalStateException")
    assert "Gateway.java:7" in template.sample.text


def test_a_line_without_a_time_has_that_of_the_line_before_it() -> None:
    nan = float("nan")

    times = filled(np.array([nan, 5.0, nan, 4.0, nan]))

    assert times is not None
    assert times.tolist() == [5.0, 5.0, 5.0, 4.0, 4.0]
    assert filled(np.array([nan, nan])) is None
