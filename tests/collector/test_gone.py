"""Rows of `streams` whose files are gone."""

from __future__ import annotations

from collector.gone import KEEP_GONE_S, MOST_GONE, Gone
from tests.collector.core import Desk
from tocsin.records.streams import Stream, encode_stream


def row(collector: str, seen_at: float) -> bytes:
    """A row of `streams`."""
    return encode_stream(
        Stream("/a.log", "a", "h", collector, first_seen_at=1.0, last_seen_at=seen_at)
    )


def test_a_row_goes_a_week_after_its_file() -> None:
    gone = Gone()
    gone.add("1-1-a", now=100.0)

    assert gone.due(now=100.0 + KEEP_GONE_S - 1) == []
    assert gone.due(now=100.0 + KEEP_GONE_S) == ["1-1-a"]


def test_of_too_many_rows_the_oldest_go_at_once() -> None:
    gone = Gone()
    for number in range(MOST_GONE + 2):
        gone.add(f"1-{number:x}-a", now=float(number))

    due = gone.due(now=float(MOST_GONE))
    gone.forget(due)

    assert due == ["1-0-a", "1-1-a"]
    assert len(gone) == MOST_GONE
    assert gone.due(now=float(MOST_GONE)) == []


def test_only_own_rows_whose_file_is_not_read_are_gone() -> None:
    gone = Gone()
    rows = {
        b"1-1-a": row("me", 20.0),
        b"1-2-a": row("me", 10.0),
        b"1-3-a": row("another", 10.0),
        b"1-4-a": row("me", 10.0),
        b"1-5-a": b"{half",
    }

    gone.load(rows, "me", {"1-4-a"})

    assert gone.due(now=10.0**9) == ["1-2-a", "1-1-a"]


def test_s42_a_deleted_file_is_gone_from_streams_in_time(desk: Desk) -> None:
    path, other = desk.logs / "app.log", desk.logs / "other.log"
    path.write_bytes(b"one\n")
    other.write_bytes(b"one\n")
    desk.work()
    path.unlink()
    for after_s in (0, 6, 40):
        desk.work(after_s=after_s)
    assert len(desk.streams()) == 2

    desk.kill()
    desk.start()
    other.write_bytes(b"one\ntwo\n")
    desk.work(after_s=KEEP_GONE_S)

    assert [stream.path for stream in desk.streams().values()] == [str(other)]
