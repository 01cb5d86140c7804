r"""Lines into events: which lines of a stream belong together. Pure; bytes in and out.

    events = split(data, habit, limits)

`data` begins where an event begins; what comes back are the events in it that are
surely over, and how many bytes they take. The event that is still open is not given
out: read on, and hand it in once more from its first byte, together with what follows
and the returned `habit`. So nothing is carried between two calls (or over a restart)
but the position and the `Habit`, two numbers and a flag that live in the checkpoint,
and the answer does not depend on the chunks. When it was waited for long enough
(`wait`), or the stream is at its end, `final=True` gives out the open event as it is.
A whole file is `split(data, final=True)`, or in parts of more than `2 * max_bytes`.

What belongs together:

- A line with a header begins an event (`startlines`); what follows without one belongs
  to it. One-line JSON and logfmt stand alone.
- Without headers, lines are events of their own, but for indented lines, closing
  brackets, and stack traces (`traces`). Pretty-printed JSON lasts until its last brace.
- Envelopes of CRI, Docker and Compose stay in the bytes; what they contain counts. A
  line that the runtime cut goes on in the next one.
- An event has `max_lines` lines and `max_bytes` bytes at most; its rest is an event.
- A stream in which lines are joined for no better reason than that they have no header,
  twenty times as many as there are headers, is not one whose lines have headers.

Invariants: events, each with a newline after it, tile `data[:size]`. An event of more
than one line is no longer than `max_bytes`. A line over that stands alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from enum import Enum
from typing import NamedTuple

from tocsin.formats.shapes import Shape, bare_shapes, wrapped_shapes
from tocsin.formats.startlines import (
    LOOK_AT_BYTES,
    Start,
    is_calm,
    is_grave,
    is_jul_head,
    start_of,
)
from tocsin.formats.traces import (
    CLOSING,
    CRASH,
    FRAME,
    MAY_BE_MESSAGE,
    MUST_GO_ON,
    REST,
    Phase,
    next_phase,
    phase_of,
)
from tocsin.formats.wrapping import Unwrapped, is_wrapped, unwrap

_FIRST_CREDIT = 150
_MOST_CREDIT = 1_000
_LEAST_CREDIT = -100
_PER_START = 20
# Lines that may turn out to belong to the event before them once the next is seen.
_MAX_PENDING = 20
_MAX_MESSAGE_LINES = 5

_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"')
_JSON_BEGINS = re.compile(rb'\{\s*$|\[\s*$|\{\s*"|\[\s*[{\["]')
_JSON_GOES_ON = re.compile(rb'\s*(?:["\[\]{},]|-?\d|true|false|null)|\s*$')


class Wait(Enum):
    """How long to wait for more of an event that may be over."""

    NOT = "nothing is open"
    SHORT = "its header says that all is well; programs write an event at once"
    LONG = "it speaks of trouble, or has several lines already"
    OPEN = "it cannot be over: its last line asks for another"


class Rest(Enum):
    """What an event was ended by its limits or by waiting, so that it may go on."""

    NONE = 0
    HEADLESS = 1
    HEADED = 2


class Habit(NamedTuple):
    """What is remembered of a stream at the beginning of an event.

    `credit`: starts against lines that were joined for want of a header. `rest`: what
    comes next may belong to the event before. `is_first`: nothing was read yet.
    `wrapped`: lines are in envelopes, as the first one was.
    """

    credit: int = _FIRST_CREDIT
    rest: Rest = Rest.NONE
    is_first: bool = True
    wrapped: bool | None = None


class Limits(NamedTuple):
    """How long an event may be."""

    max_lines: int = 500
    max_bytes: int = 131_072


class Events(NamedTuple):
    """The events of a piece of a stream.

    `size`: the bytes that they take. `habit`: for the call that follows. `wait`: how
    long to wait for more of the event after them. `lines`: how many they have.
    `open_ended`: numbers of events that were ended by a limit or by waiting; `rests`:
    of those that begin inside of one.
    """

    events: list[bytes]
    size: int
    habit: Habit
    wait: Wait
    lines: int = 0
    open_ended: Sequence[int] = ()
    rests: Sequence[int] = ()


def split(
    data: bytes,
    habit: Habit = Habit(),  # noqa: B008 - immutable
    limits: Limits = Limits(),  # noqa: B008 - immutable
    *,
    final: bool = False,
) -> Events:
    """The events in `data` that are over; all of them if `final`.

    What follows the last newline is no line yet and stays out, `final` or not.
    """
    end = data.rfind(b"\n")
    if end < 0:
        return Events([], 0, habit, Wait.NOT)
    lines = data.split(b"\n")
    lines.pop()
    is_over = final or len(data) - end > limits.max_bytes
    wrapped = habit.wrapped
    if wrapped is None:
        wrapped = is_wrapped(lines[0])
    shape = None if wrapped is None else _shape_of(data, wrapped=wrapped)
    if shape is None or not _is_usual(shape, data, end, habit, len(lines)):
        walk = _Walk(lines, shape, habit, limits)
        return walk.run(is_over=is_over, final=final)
    # Every line begins an event.
    last, wait, rest = lines[-1], Wait.NOT, Rest.NONE
    if shape.start is not Start.WHOLE and len(last) < limits.max_bytes:
        if final:
            rest = Rest.HEADLESS if shape.start is Start.NO else Rest.HEADED
        elif not is_over:
            end -= len(lines.pop()) + 1
            wait = Wait.LONG if is_grave(last) else Wait.SHORT
    count = len(lines)
    if count:
        habit = _earned(habit._replace(wrapped=wrapped), count, rest)
    return Events(lines, end + 1, habit, wait, count)


def after_long_line(habit: Habit) -> Habit:
    """The habit after a line over `max_bytes`, which stands alone."""
    return _earned(habit, 1, Rest.NONE)


def _earned(habit: Habit, events: int, rest: Rest) -> Habit:
    credit = min(_MOST_CREDIT, habit.credit + _PER_START * events)
    return Habit(credit, rest, is_first=False, wrapped=habit.wrapped)


def _shape_of(data: bytes, *, wrapped: bool) -> Shape | None:
    shapes = wrapped_shapes() if wrapped else bare_shapes()
    return next((shape for shape in shapes if shape.line.match(data)), None)


def _is_usual(shape: Shape, data: bytes, end: int, habit: Habit, count: int) -> bool:
    """Whether all lines are of one shape, and each begins an event."""
    may_join = habit.rest is Rest.HEADED or habit.credit <= 0
    if shape.start is Start.NO and may_join:
        return False
    if shape.alarm is not None and shape.alarm.search(data, 0, end) is not None:
        return False
    stem = b"\n" + data[: shape.stem_bytes] if shape.stem_bytes else shape.seam
    if stem and data.count(stem, 0, end) == count - 1:
        return not shape.seam or data.endswith(b"}\n", 0, end + 1)
    return shape.breach.search(data, 0, end) is None


class _Event:
    """The event that is being read: the lines `[first, last]`.

    `pending` more lines belong to it if the next one does. `is_rest`: it has no header
    but begins inside of an event that was ended by a limit or by waiting.
    """

    def __init__(self, first: int, line: bytes, habit: Habit, limits: Limits) -> None:
        self.wrapped = is_wrapped(line) if habit.wrapped is None else habit.wrapped
        text, self.stream, self.is_partial = self.text_of(line)
        text = _looked_at(text)
        self.first = self.last = first
        self.size = len(line) + 1
        self.loose = 0
        self.pending_blank = self.pending_text = 0
        self.is_blank = not text.strip()
        self.is_rest = False
        self.depth = 0
        self.is_array = text[:1] == b"["
        self.phase = Phase.PLAIN
        if self.size > limits.max_bytes:
            self.start, self.is_partial = Start.WHOLE, False
            return
        self.start = start_of(text)
        if self.start is Start.NO and not self.is_blank:
            self._begin_without_header(text, habit)

    def _begin_without_header(self, text: bytes, habit: Habit) -> None:
        if habit.rest is Rest.HEADED:
            self.is_rest, self.start = True, Start.TIMED
            return
        known_rest = habit.is_first or habit.rest is Rest.HEADLESS
        self.is_rest = known_rest and REST.match(text) is not None
        self.phase = phase_of(text)
        if _JSON_BEGINS.match(text):
            self.depth = max(0, _depth(text))

    def text_of(self, line: bytes) -> Unwrapped:
        """What is in a line's envelope, if lines have one."""
        return Unwrapped(line) if self.wrapped is False else unwrap(line)

    @property
    def is_headed(self) -> bool:
        """Whether what has no header belongs to it."""
        return self.start in _HEADED

    @property
    def is_single(self) -> bool:
        """Whether it is a line that announces nothing, so far."""
        return (
            self.start is Start.NO
            and self.first == self.last
            and self.phase is Phase.PLAIN
            and not (self.depth or self.pending or self.is_partial)
        )

    @property
    def pending(self) -> int:
        """Lines after it that may belong to it."""
        return self.pending_blank + self.pending_text

    @property
    def is_over(self) -> bool:
        """Whether nothing can belong to it any more."""
        return self.start is Start.WHOLE and not self.is_partial

    def wait(self, last: bytes) -> Wait:
        """How long to wait for more of it."""
        if self.is_over:
            return Wait.NOT
        if self.is_partial or self.depth or self.phase in MUST_GO_ON:
            return Wait.OPEN
        if self.first != self.last or self.pending or self.phase is not Phase.PLAIN:
            return Wait.LONG
        return Wait.LONG if is_grave(last) else Wait.SHORT


class _Verdict(Enum):
    JOIN = "it belongs to the event"
    LOOSE = "it belongs to the event, for no better reason than to have no header"
    PEND = "the next line decides"
    START = "it begins an event"


class _Walk:
    """Goes through lines one by one, where a chunk has more than single lines."""

    def __init__(
        self, lines: list[bytes], shape: Shape | None, habit: Habit, limits: Limits
    ) -> None:
        self._lines = lines
        self._shape = shape
        self._limits = limits
        self._habit = habit
        self._events: list[bytes] = []
        self._size = 0
        self._count = 0
        self._open_ended: list[int] = []
        self._rests: list[int] = []

    def run(self, *, is_over: bool, final: bool) -> Events:
        """The events that are over; the last one, too, if that is known."""
        lines, odd = self._lines, self._odd_lines()
        next_odd = next(odd)
        event = self._begin(0)
        at = 1
        while at < len(lines):
            while next_odd < at:
                next_odd = next(odd)
            if at < next_odd and self._is_sure(event):
                self._end(event)
                event = self._end_singles(at, next_odd - 1)
                at = next_odd
                continue
            verdict = self._judge(event, lines[at])
            if verdict is _Verdict.START:
                self._end(event)
                event = self._begin(event.last + 1)
            elif self._is_full(event, at):
                self._open_ended.append(len(self._events))
                self._end(event, _rest_of(event))
                event = self._begin(event.last + 1)
            else:
                self._grow(event, at, verdict)
            at = event.last + event.pending + 1
        wait = event.wait(lines[event.last])
        if is_over or event.is_over:
            self._give_out(event, wait, final=final)
            wait = Wait.NOT
        rests = [each for each in self._rests if each < len(self._events)]
        return Events(
            self._events,
            self._size,
            self._habit,
            wait,
            self._count,
            self._open_ended,
            rests,
        )

    def _odd_lines(self) -> Iterator[int]:
        """The numbers of the lines that are not of the chunk's shape, and the end."""
        count = len(self._lines)
        if self._shape is None:
            return iter(range(count + 1))
        found = map(self._shape.line.match, self._lines)
        odd = [at for at, match in enumerate(found) if match is None]
        return iter([*odd, count])

    def _is_sure(self, event: _Event) -> bool:
        """Whether lines of the chunk's shape begin events, without a closer look."""
        if self._shape is None:
            return False
        if self._shape.start is Start.NO:
            return event.is_single and self._habit.credit > 0
        return not (event.is_partial or event.depth or event.pending)

    def _end_singles(self, at: int, last: int) -> _Event:
        """Give out lines that are events, and begin one with the line `last`."""
        singles = self._lines[at:last]
        if singles:
            self._events += singles
            self._size += sum(map(len, singles)) + len(singles)
            self._count += len(singles)
            self._habit = _earned(self._habit, len(singles), Rest.NONE)
        return self._begin(last)

    def _begin(self, at: int) -> _Event:
        event = _Event(at, self._lines[at], self._habit, self._limits)
        if event.is_rest:
            self._rests.append(len(self._events))
        return event

    def _judge(self, event: _Event, line: bytes) -> _Verdict:
        text, stream, partial = event.text_of(line)
        if stream != event.stream or len(line) >= self._limits.max_bytes:
            return _Verdict.START
        if event.is_partial:
            event.is_partial = partial
            return _Verdict.JOIN
        if event.start is Start.WHOLE or event.is_blank:
            return _Verdict.START
        text = _looked_at(text)
        if event.depth:
            return _judge_json(event, text)
        if not text.strip():
            full = event.pending >= _MAX_PENDING
            return _Verdict.START if full else _Verdict.PEND
        if event.is_headed:
            verdict = self._judge_under_header(event, text)
        else:
            verdict = _judge_alone(event, text, self._habit.credit)
        if verdict is not _Verdict.START:
            event.is_partial = partial
        return verdict

    def _judge_under_header(self, event: _Event, text: bytes) -> _Verdict:
        if text[:1] in _BLANKS:
            return _Verdict.JOIN
        start = start_of(text)
        both_weak = start is Start.WEAK and event.start is Start.WEAK
        if start in _SURE or both_weak:
            head = event.text_of(self._lines[event.first]).text
            second = start is Start.LEVELED and event.first == event.last
            if second and is_jul_head(head.rstrip(b"\r")):
                return _Verdict.JOIN
            return _Verdict.START
        if event.first == event.last and CRASH.match(text):
            head = event.text_of(self._lines[event.first]).text
            return _Verdict.START if is_calm(head) else _Verdict.JOIN
        if REST.match(text) or CLOSING.match(text):
            return _Verdict.JOIN
        # A level may just as well begin a line of plain text.
        credit = self._habit.credit
        most = credit if event.start is Start.TIMED else credit // 4
        return _Verdict.START if event.loose >= most else _Verdict.LOOSE

    def _is_full(self, event: _Event, at: int) -> bool:
        too_many = at - event.first >= self._limits.max_lines
        return too_many or event.size + self._more(event, at) > self._limits.max_bytes

    def _more(self, event: _Event, at: int) -> int:
        """The bytes of the lines after an event, up to `at`."""
        if event.last + 1 == at:
            return len(self._lines[at]) + 1
        return sum(len(line) + 1 for line in self._lines[event.last + 1 : at + 1])

    def _grow(self, event: _Event, at: int, verdict: _Verdict) -> None:
        if verdict is _Verdict.PEND:
            if self._lines[at].strip() and event.text_of(self._lines[at]).text.strip():
                event.pending_text += 1
            else:
                event.pending_blank += 1
            return
        if verdict is _Verdict.LOOSE:
            event.loose += 1
        event.size += self._more(event, at)
        event.last = at
        event.pending_blank = event.pending_text = 0

    def _end(self, event: _Event, rest: Rest = Rest.NONE) -> None:
        lines = self._lines[event.first : event.last + 1]
        self._events.append(lines[0] if len(lines) == 1 else b"\n".join(lines))
        self._size += event.size
        self._count += len(lines)
        credit = self._habit.credit - event.loose
        has_earned = event.start is not Start.NO or credit > 0
        credit += _PER_START if has_earned else -1
        credit = min(_MOST_CREDIT, max(_LEAST_CREDIT, credit))
        self._habit = Habit(credit, rest, is_first=False, wrapped=event.wrapped)

    def _give_out(self, event: _Event, wait: Wait, *, final: bool) -> None:
        while True:
            rest = _rest_of(event) if final else Rest.NONE
            if final and wait in {Wait.LONG, Wait.OPEN} and _may_go_on(event, wait):
                self._open_ended.append(len(self._events))
            self._end(event, rest)
            if event.last + 1 >= len(self._lines):
                return
            # Lines that were pending stand alone after all.
            event = self._begin(event.last + 1)
            wait = Wait.SHORT


_BLANKS = (b" ", b"\t")
# Tuples, as an enum's hash is a call; the first comparison is by identity.
_HEADED = (Start.TIMED, Start.LEVELED, Start.WEAK)
_SURE = (Start.TIMED, Start.WHOLE, Start.LEVELED)


def _looked_at(text: bytes) -> bytes:
    # Of JSON the end counts as well.
    text = text if text[:1] in (b"{", b"[") else text[:LOOK_AT_BYTES]
    return text.rstrip(b"\r")


def _rest_of(event: _Event) -> Rest:
    if event.is_over or event.is_blank:
        return Rest.NONE
    return Rest.HEADED if event.is_headed else Rest.HEADLESS


def _may_go_on(event: _Event, wait: Wait) -> bool:
    return wait is Wait.OPEN or event.first != event.last or event.phase != Phase.PLAIN


def _judge_alone(event: _Event, text: bytes, credit: int) -> _Verdict:
    start = start_of(text)
    if start is Start.TIMED or start is Start.WHOLE:
        return _Verdict.START
    if event.pending_text:
        # Only a line of the stack proves that it was the message.
        if not FRAME.match(text):
            return _judge_message(event, start)
        if event.phase is Phase.THROWN:
            event.phase = Phase.FRAMES
        return _Verdict.JOIN
    phase = next_phase(event.phase, text, past_blank=event.pending > 0)
    if phase is not None:
        event.phase = phase
        return _Verdict.JOIN
    if start is not Start.NO or event.pending:
        return _Verdict.START
    return _judge_stray(event, text, credit)


def _judge_stray(event: _Event, text: bytes, credit: int) -> _Verdict:
    """Judge a line that is no part of the trace before it, if that is one."""
    if CLOSING.match(text):
        return _Verdict.JOIN
    begins = phase_of(text) is not Phase.PLAIN
    if text[:1] in _BLANKS and not begins and event.loose < credit:
        return _Verdict.LOOSE
    if text[:1] not in _BLANKS and not begins and event.phase in MAY_BE_MESSAGE:
        return _judge_message(event, Start.NO)
    return _Verdict.START


def _judge_message(event: _Event, start: Start) -> _Verdict:
    if start is not Start.NO or event.pending >= _MAX_MESSAGE_LINES:
        return _Verdict.START
    return _Verdict.PEND


def _judge_json(event: _Event, text: bytes) -> _Verdict:
    start = start_of(text)
    if start is Start.TIMED or (start is Start.WHOLE and not event.is_array):
        return _Verdict.START
    if not _JSON_GOES_ON.match(text):
        return _Verdict.START
    event.depth = max(0, event.depth + _depth(text))
    if not event.depth:
        event.start = Start.WHOLE
    return _Verdict.JOIN


def _depth(text: bytes) -> int:
    """How many brackets a line of JSON opens more than it closes."""
    bare = _STRING.sub(b"", text)
    opened = bare.count(b"{") + bare.count(b"[")
    return opened - bare.count(b"}") - bare.count(b"]")
