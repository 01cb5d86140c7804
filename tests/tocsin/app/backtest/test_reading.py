"""Chunks of a log file: they tile wherever they are cut, and place what has no time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.app.backtest.chunk import Chunk
from tocsin.app.backtest.reading import ChunkReader, filled, lines_of
from tocsin.values import Level

LINES = [
    b"2026-03-14T00:00:00.250Z INFO order 1 shipped",
    b"2026-03-14T00:00:00.750Z ERROR payment 7f3 declined",
    b"  at Gateway.call(Gateway.java:7)",
    b"",
    b"2026-03-14T00:00:02.000Z ERROR payment 81 declined",
]
START = 1_773_446_400


def chunk(path: Path, start: int, end: int) -> Chunk:
    return Chunk(str(path), "shop", "web-1", start, end, float(START))


def written(folder: Path, data: bytes) -> Path:
    path = folder / "app.log"
    path.write_bytes(data)
    return path


def test_a_chunk_is_read_as_panes_with_templates_and_samples(tmp_path: Path) -> None:
    data = b"\n".join(LINES) + b"\n"
    path = written(tmp_path, data)

    found = ChunkReader("UTC", max_templates=20).read(chunk(path, 0, len(data)))

    first, second = found.panes
    assert (first.second, second.second) == (START, START + 2)
    assert first.lines == 4
    assert first.counts[Level.ERROR] == 1
    [template] = first.templates
    assert template.sample.text == LINES[1].decode()
    assert template.sample.offset == len(LINES[0]) + 1
    assert found.latest == START + 2
    assert second.templates[0].template_id == template.template_id


def test_templates_over_the_limit_are_counted(tmp_path: Path) -> None:
    words = ("alpha", "beta", "gamma", "gamma")
    text = "".join(f"2026-03-14T00:00:00Z ERROR {word} failed\n" for word in words)
    path = written(tmp_path, text.encode())

    found = ChunkReader("UTC", max_templates=1).read(chunk(path, 0, len(text)))

    assert [(x.text, x.count) for x in found.panes[0].templates] == [
        ("gamma failed", 2)
    ]
    assert found.panes[0].other_templates == 2


def test_lines_without_any_time_are_counted_and_in_no_pane(tmp_path: Path) -> None:
    path = written(tmp_path, b"hello\nworld\n")

    found = ChunkReader("UTC", max_templates=1).read(chunk(path, 0, 12))

    assert (found.panes, found.untimed, found.latest) == ([], 2, None)


def test_the_lines_of_a_stack_trace_are_no_errors_of_their_own(tmp_path: Path) -> None:
    data = (
        b"2026-03-14T00:00:00Z ERROR payment failed\n"
        b"java.lang.IllegalStateException: ERROR in handler\n"
        b"\tat Gateway.call(Gateway.java:7)\n"
        b"ERROR: closing\n"
    )
    path = written(tmp_path, data)

    [pane] = ChunkReader("UTC", max_templates=9).read(chunk(path, 0, len(data))).panes

    assert (pane.lines, pane.errors) == (4, 1)
    assert [x.text for x in pane.templates] == ["payment failed"]


def test_a_line_without_a_time_has_that_of_the_line_before_it() -> None:
    nan = float("nan")

    times = filled(np.array([nan, 5.0, nan, 4.0, nan]))

    assert times is not None
    assert times.tolist() == [5.0, 5.0, 5.0, 4.0, 4.0]
    assert filled(np.array([nan, nan])) is None


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("chunks")


@pytest.mark.slow
@given(
    lines=st.lists(
        st.binary(max_size=9).map(lambda x: x.replace(b"\n", b"x")), max_size=9
    ),
    size=st.integers(1, 30),
    ended=st.booleans(),
)
def test_chunks_tile_wherever_they_are_cut(
    folder: Path, lines: list[bytes], size: int, *, ended: bool
) -> None:
    data = b"\n".join(lines) + (b"\n" if ended else b"")
    path = written(folder, data)

    parts = [
        lines_of(chunk(path, at, min(at + size, len(data))))
        for at in range(0, len(data), size)
    ]

    found = [line for part, _ in parts for line in part]
    offsets = [at for _, part in parts for at in part.tolist()]
    expected = data.split(b"\n")
    assert found == (expected if expected[-1] else expected[:-1])
    assert all(data[at:].startswith(x) for x, at in zip(found, offsets, strict=True))
