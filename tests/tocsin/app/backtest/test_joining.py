"""Events of a file in pieces are those that the collector makes of it in one go."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.framing import Framing
from processor import verdicts
from tocsin.app.backtest.chunk import BEGINNING, NEW, NO_FORMAT, Chunk, Reading, Spot
from tocsin.app.backtest.joining import Piece, limits, piece_of
from tocsin.app.backtest.pool import read as read_chunk
from tocsin.app.backtest.pool import reading_pool
from tocsin.app.backtest.reading import offsets_of, sizes_of
from tocsin.formats.multiline import Habit, Limits, split

TRACE = [
    b"2026-03-14 00:00:00,250 INFO order 1 shipped",
    b"2026-03-14 00:00:00,750 ERROR payment 7f3 declined",
    b"java.lang.IllegalStateException: no answer",
    b"\tat shop.Gateway.call(Gateway.java:7)",
    b"\tat shop.Main.main(Main.java:3)",
    b"Caused by: java.net.ConnectException: refused",
    b"\t... 2 more",
]
LINES = st.sampled_from([*TRACE, b"", b"plain text", b'{"level":"error",', b'"a": 1}'])


def test_what_is_known_before_the_first_line_is_what_the_collector_knows() -> None:
    habit = Habit()

    assert verdicts.NO_FORMAT == NO_FORMAT
    assert (habit.credit, habit.rest.value, habit.is_first, habit.wrapped) == NEW


def read(path: Path, sizes: list[int], framing: Framing) -> tuple[list[Piece], int]:
    """The pieces of a file, and how many had to be read twice."""
    pieces: list[Piece] = []
    again = at = 0
    with path.open("rb") as file:
        whole = path.stat().st_size
        ends = BEGINNING
        while at < whole:
            end = min(whole, at + sizes[len(pieces) % len(sizes)])
            guess = Spot(at, ends.habit if at else NEW, is_known=not at)
            at = end
            if ends.offset >= end:
                pieces.append(Piece(ends, ends))
                continue
            piece = piece_of(file.fileno(), guess, end, limits=framing)
            if piece.begins != ends:
                again += 1
                piece = piece_of(file.fileno(), ends, end, limits=framing)
            ends = piece.ends
            pieces.append(piece)
    return pieces, again


def offsets_in(piece: Piece) -> list[int]:
    """Where each event begins."""
    return [int(x) for x in offsets_of(piece, sizes_of(piece.events))]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pieces")


@pytest.mark.slow
@given(
    lines=st.lists(LINES, max_size=30),
    sizes=st.lists(st.integers(1, 400), min_size=1, max_size=5),
    ended=st.booleans(),
)
def test_events_do_not_depend_on_where_a_file_is_cut(
    folder: Path, lines: list[bytes], sizes: list[int], *, ended: bool
) -> None:
    data = b"\n".join(lines) + (b"\n" if ended and lines else b"")
    path = folder / "app.log"
    path.write_bytes(data)
    framing = limits(Reading())

    pieces, _ = read(path, sizes, framing)

    found = [event for piece in pieces for event in piece.events]
    whole = split(data, limits=framing.events or Limits(), final=True)
    rest = [data[whole.size :]] if data[whole.size :] else []
    assert found == [*whole.events, *rest]
    offsets = [at for piece in pieces for at in offsets_in(piece)]
    assert all(data[at:].startswith(x) for x, at in zip(found, offsets, strict=True))
    assert sum(piece.lines for piece in pieces) == whole.lines + len(rest)


JSON = [b'{"time":"2026-03-14T00:00:00Z","level":"error","msg":"declined"}'] * 7


@pytest.mark.parametrize(("lines", "events"), [(TRACE, 800), (JSON, 2800)])
def test_ordinary_pieces_are_guessed_right(
    tmp_path: Path, lines: list[bytes], events: int
) -> None:
    path = tmp_path / "app.log"
    path.write_bytes((b"\n".join(lines) + b"\n") * 400)

    pieces, again = read(path, [20_000], limits(Reading()))

    assert len(pieces) > 5
    assert again == 0
    assert sum(len(x.events) for x in pieces) == events


def test_lines_are_not_joined_where_the_collector_would_not(tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    path.write_bytes((b"\n".join(TRACE) + b"\n") * 20)

    pieces, again = read(path, [700], limits(Reading(max_event_lines=None)))

    assert again == 0
    assert [x for p in pieces for x in p.events] == TRACE * 20


def test_a_line_longer_than_pieces_is_cut_where_the_collector_cuts_it(
    tmp_path: Path,
) -> None:
    path = tmp_path / "app.log"
    path.write_bytes(TRACE[0] + b"\n" + b"x" * 900_000 + b"\n" + TRACE[1] + b"\n")

    pieces, _ = read(path, [100_000], limits(Reading(max_line=500_000)))

    events = [x for p in pieces for x in p.events]
    assert [len(x) for x in events] == [len(TRACE[0]), 500_000, len(TRACE[1])]
    offsets = [at for p in pieces for at in offsets_in(p)]
    assert offsets == [0, len(TRACE[0]) + 1, len(TRACE[0]) + 900_002]


def test_a_file_that_is_gone_raises_where_it_is_read(tmp_path: Path) -> None:
    chunk = Chunk(str(tmp_path / "x"), "shop", "web-1", BEGINNING, 10, 0.0)

    with reading_pool(1, Reading()) as pool:
        assert isinstance(pool.submit(read_chunk, chunk).exception(), OSError)
