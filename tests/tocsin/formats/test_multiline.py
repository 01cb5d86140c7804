"""Lines into events."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.tocsin.formats.events import CASES
from tocsin.formats.multiline import Events, Habit, Limits, Rest, Wait, split
from tocsin.formats.openevent import OpenEvent
from tocsin.formats.shapes import Shape, bare_shapes, wrapped_shapes
from tocsin.formats.startlines import Start, start_of
from tocsin.formats.traces import Phase, phase_of
from tocsin.formats.walk import Walk
from tocsin.formats.wrapping import Unwrapped, unwrap

LINES = sorted(
    {line for events in CASES.values() for e in events for line in e.split("\n")}
)
SMALL = Limits(max_lines=6, max_bytes=200)
# The third line waits for the fourth, and stands alone as the event is full with it.
BACK_TO_PENDING = b"""0x602000000010 is located 0 bytes inside of 4-byte region
TypeError [ERR_INVALID_ARG_TYPE]: The "path" argument must be a string
When the exception was thrown, this was the stack:
\t(id, total)
TypeError [ERR_INVALID_ARG_TYPE]: The "path" argument must be a string
"""

streams = st.lists(st.sampled_from(LINES), max_size=25).map(
    lambda lines: "".join(line + "\n" for line in lines).encode()
)


def in_parts(data: bytes, cuts: list[int], limits: Limits) -> Events:
    """Split a stream that grows part by part, as a reader with little memory does."""
    habit, at = Habit(), 0
    events: list[bytes] = []
    opened: list[int] = []
    rests: list[int] = []
    for end in [*sorted(cuts), len(data), len(data)]:
        part = split(data[at:end], habit, limits)
        opened += [len(events) + number for number in part.open_ended]
        rests += [len(events) + number for number in part.rests]
        events += part.events
        habit = part.habit
        at += part.size
    return Events(events, at, habit, Wait.NOT, len(events), opened, rests)


@pytest.mark.parametrize("name", CASES)
def test_events_are_what_a_person_would_see(name: str) -> None:
    expected = [event.encode() for event in CASES[name]]

    found = split(b"".join(event + b"\n" for event in expected), final=True)

    assert found.events == expected


@pytest.mark.parametrize("name", CASES)
def test_an_event_is_not_given_out_before_it_is_over(name: str) -> None:
    expected = [event.encode() for event in CASES[name]]
    data = b"".join(event + b"\n" for event in expected)
    cuts = [at + 1 for at, byte in enumerate(data) if byte == 10]

    found = in_parts(data, cuts, Limits())
    last = split(data[found.size :], found.habit, final=True)

    assert found.events + last.events == expected
    assert not found.open_ended


@given(streams, st.lists(st.integers(0, 600), max_size=8))
def test_events_do_not_depend_on_how_a_stream_is_read(
    data: bytes, cuts: list[int]
) -> None:
    limits = SMALL

    at_once = split(data, Habit(), limits)
    parts = in_parts(data, [min(cut, len(data)) for cut in cuts], limits)

    assert parts.events == at_once.events
    assert parts.habit == at_once.habit
    assert (parts.open_ended, parts.rests) == (
        list(at_once.open_ended),
        list(at_once.rests),
    )


@given(streams, st.booleans())
def test_events_tile_the_stream(data: bytes, final: bool) -> None:  # noqa: FBT001
    found = split(data, Habit(), SMALL, final=final)

    assert b"".join(event + b"\n" for event in found.events) == data[: found.size]
    assert found.size == len(data) or not final
    assert found.lines == data[: found.size].count(b"\n")


@given(streams)
def test_events_keep_their_limits(data: bytes) -> None:
    found = split(data, Habit(), SMALL, final=True)

    for event in found.events:
        lines = event.count(b"\n") + 1
        assert lines == 1 or (lines <= 6 and len(event) < 200)


@given(streams, st.booleans(), st.sampled_from(Rest), st.integers(-100, 300))
@example(BACK_TO_PENDING, False, Rest.NONE, 1)
def test_the_quick_way_gives_the_answer_of_the_thorough_one(
    data: bytes,
    final: bool,  # noqa: FBT001
    rest: Rest,
    credit: int,
) -> None:
    habit = Habit(credit, rest, is_first=False)
    quick = split(data, habit, SMALL, final=final)

    if data:
        lines = data[:-1].split(b"\n")
        walk = Walk(lines, None, habit, SMALL)
        assert walk.run(is_over=final, final=final) == quick._replace(
            open_ended=list(quick.open_ended), rests=list(quick.rests)
        )


class OneByOne(Walk):
    """Has a closer look at indented lines, too."""

    def _join_indented(self, event: OpenEvent, at: int) -> int:
        return 0 * at * event.size


@given(st.data(), streams, st.booleans(), st.sampled_from(Rest))
def test_indented_lines_are_joined_as_if_they_were_looked_at_one_by_one(
    data: st.DataObject,
    stream: bytes,
    final: bool,  # noqa: FBT001
    rest: Rest,
) -> None:
    lines = stream.split(b"\n")[:-1]
    if data.draw(st.booleans()):
        wrappers = st.sampled_from(
            [b"stdout F ", b"stdout F ", b"stderr F ", b"stdout P "]
        )
        lines = [
            b"2026-03-14T09:21:07.490193024Z " + data.draw(wrappers) + line
            for line in lines
        ]
    if lines:
        habit = Habit(100, rest, is_first=False)
        quick, slow = (
            Walk(lines, None, habit, SMALL),
            OneByOne(lines, None, habit, SMALL),
        )
        assert quick.run(is_over=final, final=final) == slow.run(
            is_over=final, final=final
        )


def in_envelopes(line: str) -> Iterator[bytes]:
    """A line as it is, and as CRI and Docker write it."""
    yield line.encode()
    yield f"2026-03-14T09:21:07.123456789Z stdout F {line}".encode()
    log = json.dumps(line + "\n")
    yield f'{{"log":{log},"stream":"stderr","time":"2026-03-14T09:21:07.1Z"}}'.encode()


WRITTEN = [data for line in LINES for data in in_envelopes(line) if data.strip()]


@pytest.mark.parametrize("shape", [*bare_shapes(), *wrapped_shapes()])
def test_a_shape_promises_what_is_so(shape: Shape) -> None:
    bare = shape in bare_shapes()
    for data in filter(shape.line.match, WRITTEN):
        text, _, is_partial = Unwrapped(data) if bare else unwrap(data)
        assert not is_partial
        assert (start_of(text) is Start.NO) == (shape.start is Start.NO), data
        assert (start_of(text) is Start.WHOLE) == (shape.start is Start.WHOLE), data
        if shape.start is Start.NO:
            assert phase_of(text) is Phase.PLAIN, data


def test_plain_lines_in_envelopes_are_passed_many_at_a_time() -> None:
    for data in in_envelopes("worker 7 took a job"):
        shapes = (*bare_shapes(), *wrapped_shapes())
        assert [each for each in shapes if each.line.match(data)]


def test_too_long_an_event_is_cut_and_both_parts_say_so() -> None:
    data = b"2026-03-14 09:21:07 ERROR x\n" + b"\tat a.B.c\n" * 7
    data += b"2026-03-14 09:21:08 INFO y\n"

    found = split(data, Habit(), Limits(max_lines=5), final=True)

    assert [event.count(b"\n") for event in found.events] == [4, 2, 0]
    assert (found.open_ended, found.rests) == ([0], [1])


def test_a_line_over_the_limit_stands_alone() -> None:
    long = b"2026-03-14 09:21:07 ERROR " + b"x" * 300
    data = b"2026-03-14 09:21:07 INFO a\n" + long + b"\n\tat a.B.c\n"

    found = split(data, Habit(), Limits(max_bytes=100), final=True)

    assert found.events == [b"2026-03-14 09:21:07 INFO a", long, b"\tat a.B.c"]


def test_the_event_before_a_line_that_never_ends_is_given_out() -> None:
    data = b"2026-03-14 09:21:07 INFO a\n" + b"x" * 300

    found = split(data, Habit(), Limits(max_bytes=100))

    assert (found.events, found.size) == ([b"2026-03-14 09:21:07 INFO a"], 27)


def test_what_follows_an_event_ended_by_waiting_is_its_rest() -> None:
    first = split(b"2026-03-14 09:21:07 ERROR x\njava.lang.Error: y\n", final=True)

    second = split(b"of a bean\n\tat a.B.c\n2026-03-14 09:21:08 INFO y\n", first.habit)

    assert (first.open_ended, second.rests) == ([0], [0])
    assert second.events == [b"of a bean\n\tat a.B.c"]


def test_a_file_that_begins_with_the_rest_of_a_trace_says_so() -> None:
    found = split(b"\tat a.B.c(D.java:3)\n\tat a.B.d(D.java:4)\nnext\n", final=True)

    assert found.rests == [0]
    assert found.events == [b"\tat a.B.c(D.java:3)\n\tat a.B.d(D.java:4)", b"next"]


@pytest.mark.parametrize(
    ("line", "wait"),
    [
        (b'{"level":"error","msg":"boom"}', Wait.NOT),
        (b"level=error msg=boom", Wait.NOT),
        (b"2026-03-14 09:21:07 INFO ready", Wait.SHORT),
        (b"ready", Wait.SHORT),
        (b"2026-03-14 09:21:07 ERROR boom", Wait.LONG),
        (b"2026-03-14 09:21:07 INFO ready\n  really", Wait.LONG),
        (b"java.lang.Error: boom", Wait.LONG),
        (b"Traceback (most recent call last):", Wait.OPEN),
        (b'{\n  "level": "error"', Wait.OPEN),
    ],
)
def test_how_long_to_wait_depends_on_what_may_come(line: bytes, wait: Wait) -> None:
    found = split(line + b"\n")

    assert found.wait is wait
    assert bool(found.events) == (wait is Wait.NOT)


def test_a_stream_of_plain_lines_with_few_headers_is_not_joined_for_long() -> None:
    data = b"2026-03-14 09:21:07 INFO start\n" + b"plain: text\n" * 2_000

    found = split(data, final=True)

    assert len(found.events) > 1_500
    assert max(event.count(b"\n") for event in found.events) < 200


def test_headers_bring_the_joining_back() -> None:
    plain = b"2026-03-14 09:21:07 INFO start\n" + b"plain: text\n" * 2_000
    headed = b"2026-03-14 09:21:07 INFO a\n" * 20
    event = b"2026-03-14 09:21:08 INFO begin\nof a text"

    found = split(plain + headed + event + b"\n", final=True)

    assert found.events[-1] == event


@pytest.mark.slow
def test_no_line_takes_much_longer_than_another() -> None:
    rng = random.Random(7)
    pieces = [b" ", b"at ", b"(", b"[", b"{", b'"', b"\\", b"a.", b"2026-", b":", b"="]
    pieces += [b"9", b"x" * 50, b"/", b"\x1b[", b"|", b"::", b"- ", b"==", b"\xff"]
    worst = 0.0
    for _ in range(2_000):
        line = b"".join(rng.choices(pieces, k=4)) + rng.choice(pieces) * 3_000
        begun = time.process_time()
        split(b"start\n" + line + b"\n" + line + b"\n", final=True)
        worst = max(worst, time.process_time() - begun)

    assert worst < 0.05
