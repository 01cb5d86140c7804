"""Multi-line events from files to raw-logs, as the collector ships them."""

from __future__ import annotations

from pathlib import Path

import pytest

from collector.framing import Framing, Place
from collector.identity import FileKey
from collector.patience import OpenEvents
from collector.service import Origin
from collector.source import Source
from tests.collector.rig import Rig
from tocsin.formats.multiline import Wait
from tocsin.records.keys import Mark

FIRST = b"2026-03-14 09:21:07,482 INFO [main] shop - ready"
TRACE = [
    b"2026-03-14 09:21:07,490 ERROR [main] shop - charge failed",
    b"java.lang.IllegalStateException: gateway closed",
    b"\tat com.acme.Pay.charge(Pay.java:88)",
    b"Caused by: java.io.IOException: closed",
    b"\t... 14 more",
]
NEXT = b"2026-03-14 09:21:08,000 INFO [main] shop - next"
EVENTS = [FIRST, b"\n".join(TRACE), NEXT]


def append(path: Path, *lines: bytes) -> None:
    """Add lines in one write."""
    with path.open("ab") as file:
        file.write(b"".join(line + b"\n" for line in lines))


def marks(rig: Rig) -> list[Mark]:
    """The marks of all records, in order."""
    return [record.key.mark for record in rig.records()]


def tiles(rig: Rig) -> bool:
    """Whether the records of the only file follow each other without a hole."""
    at = 0
    for record in rig.records():
        if record.key.offset != at:
            return False
        at = record.end
    return True


@pytest.mark.parametrize("chunk", [200, 333, 4_096])
@pytest.mark.parametrize("upto", [60, 110, 200, 10_000])
def test_events_do_not_depend_on_what_is_read_at_once(chunk: int, upto: int) -> None:
    lines = [FIRST, *TRACE, b"x" * 1_000, NEXT, FIRST, b"y" * 90, b"z" * 150]
    data = b"".join(line + b"\n" for line in lines)
    framing = Framing.of(max_line=chunk * 2, chunk=chunk, max_event_lines=4)
    whole = Framing.of(max_line=chunk * 2, chunk=chunk, max_event_lines=4)

    def read(framing: Framing, *ends: int) -> list[tuple[int, bytes]]:
        place, found = Place(0), []
        for end in (*ends, len(data), len(data)):
            while True:
                span = framing.want(place)
                part = data[span.at : min(end, span.at + span.size)]
                taken = framing.take(place, part)
                at = taken.start
                for event in taken.lines:
                    found.append((at, event))
                    at += len(event) + 1
                if taken.place == place:
                    break
                place = taken.place
        return found

    assert read(framing, upto) == read(whole)


def test_an_event_of_several_lines_is_one_record(rig: Rig) -> None:
    append(rig.logs / "app.log", FIRST, *TRACE, NEXT)

    with rig.collecting():
        rig.wait_for_lines(3)

    assert rig.lines() == EVENTS
    assert tiles(rig)
    assert rig.metric("tocsin_collector_lines_total", service="app") == 7


def test_lines_are_not_joined_where_that_is_switched_off(rig: Rig) -> None:
    append(rig.logs / "app.log", FIRST, *TRACE)

    with rig.collecting(multiline=False):
        rig.wait_for_lines(6)

    assert rig.lines() == [FIRST, *TRACE]


def test_an_event_that_is_written_in_parts_is_one_record(rig: Rig) -> None:
    path = rig.logs / "app.log"

    with rig.collecting(multiline_wait="10s"):
        append(path, FIRST, b"Traceback (most recent call last):")
        append(path, b'  File "a.py", line 1, in f', b"ValueError: x", NEXT)
        rig.wait_for_lines(2)

    assert rig.lines()[0].count(b"\n") == 3


def test_an_open_event_is_read_again_from_its_start_after_a_restart(rig: Rig) -> None:
    path = rig.logs / "app.log"
    append(path, FIRST, *TRACE[:2])

    with rig.collecting(multiline_wait="60s"):
        rig.wait_for_lines(1)
    append(path, *TRACE[2:], NEXT)
    with rig.collecting():
        rig.wait_for_lines(3)

    assert rig.lines() == EVENTS
    assert tiles(rig)


@pytest.mark.slow
def test_what_comes_after_the_wait_is_marked_as_the_rest(rig: Rig) -> None:
    path = rig.logs / "app.log"
    append(path, *TRACE[:3])

    with rig.collecting(multiline_wait="10ms"):
        rig.wait_for_lines(1)
    with rig.collecting(multiline_wait="10ms"):
        append(path, *TRACE[3:], NEXT)
        rig.wait_for_lines(3)

    assert rig.lines() == [b"\n".join(TRACE[:3]), b"\n".join(TRACE[3:]), NEXT]
    assert marks(rig) == [Mark.OPEN, Mark.REST, Mark.NONE]


@pytest.mark.slow
def test_both_halves_of_an_event_that_rotation_tore_apart_say_so(rig: Rig) -> None:
    """Scenario 43."""
    path = rig.logs / "app.log"
    append(path, FIRST, *TRACE[:3])

    with rig.collecting():
        rig.wait_for_lines(1)
        path.rename(rig.logs / "app.log.1")
        append(path, *TRACE[3:], NEXT)
        rig.wait_for_lines(4)

    found = {record.value: record.key.mark for record in rig.records()}
    assert found == {
        FIRST: Mark.NONE,
        b"\n".join(TRACE[:3]): Mark.OPEN,
        b"\n".join(TRACE[3:]): Mark.REST,
        NEXT: Mark.NONE,
    }


def source() -> Source:
    """A file."""
    return Source("1-2-3", FileKey(1, 2), "/a", "/", Origin("a"), "p", 0, 0.0)


def test_a_calm_event_waits_briefly_and_a_grave_one_longer() -> None:
    calm, grave = source(), source()
    events = OpenEvents(longest_s=2.0)

    events.note(calm, Wait.SHORT, 10, now=100.0)
    events.note(grave, Wait.LONG, 10, now=100.0)

    assert events.due(now=100.01) == [calm]
    assert events.end_of(calm, now=100.01) == 10
    assert events.end_of(grave, now=100.01) is None
    assert events.due(now=100.3) == [calm, grave]


def test_more_of_an_event_gives_it_more_time_up_to_a_limit() -> None:
    file, events = source(), OpenEvents(longest_s=0.5)

    for step in range(5):
        events.note(file, Wait.LONG, 10 + step, now=100.0 + step * 0.2)

    assert events.wait_s(now=100.4) == pytest.approx(0.1)


def test_an_event_that_is_over_is_not_waited_for() -> None:
    file, events = source(), OpenEvents(longest_s=0.5)
    events.note(file, Wait.OPEN, 10, now=100.0)

    events.note(file, Wait.NOT, 0, now=100.1)

    assert (len(events), events.wait_s(now=100.1)) == (0, None)
