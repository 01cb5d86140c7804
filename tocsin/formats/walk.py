"""Lines one by one, where a chunk has more than events of one line each."""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import Enum

from tocsin.formats.habit import Events, Habit, Limits, Rest, Wait
from tocsin.formats.openevent import Look, OpenEvent, depth_of, looked_at
from tocsin.formats.shapes import Shape
from tocsin.formats.startlines import (
    LOOK_AT_BYTES,
    Start,
    is_calm,
    is_jul_head,
    start_of,
)
from tocsin.formats.traces import (
    CLOSING,
    CRASH,
    FRAME,
    MAY_BE_MESSAGE,
    REST,
    Phase,
    next_phase,
    phase_of,
)
from tocsin.formats.wrapping import Unwrapped, indented

# Lines that may turn out to belong to the event before them once the next is seen.
_MAX_PENDING = 20
_MAX_MESSAGE_LINES = 5
_JSON_GOES_ON = re.compile(rb'\s*(?:["\[\]{},]|-?\d|true|false|null)|\s*$')


class _Verdict(Enum):
    JOIN = "it belongs to the event"
    LOOSE = "it belongs to the event, for no better reason than to have no header"
    PEND = "the next line decides"
    START = "it begins an event"


class Walk:
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
        # The line that was judged last, which often begins the next event.
        self._looked_at = -1
        self._look = Look(Unwrapped(b""))

    def run(self, *, is_over: bool, final: bool) -> Events:
        """The events that are over; the last one, too, if that is known."""
        lines, odd = self._lines, self._odd_lines()
        number = 0
        event = self._begin(0)
        at = 1
        while at < len(lines):
            while number and odd[number - 1] >= at:
                number -= 1  # back to lines that were pending
            while odd[number] < at:
                number += 1
            next_odd = odd[number]
            if at < next_odd and self._is_sure(event):
                self._end(event)
                event = self._end_singles(at, next_odd - 1)
                at = next_odd
                continue
            is_indented = lines[at][event.text_at : event.text_at + 1] in _BLANKS
            if is_indented and (joined := self._join_indented(event, at)):
                at += joined
                continue
            verdict = self._judge(event, at)
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

    def _odd_lines(self) -> Sequence[int]:
        """The numbers of the lines that are not of the chunk's shape, and the end."""
        count = len(self._lines)
        if self._shape is None:
            return range(count + 1)
        found = map(self._shape.line.match, self._lines)
        odd = [at for at, match in enumerate(found) if match is None]
        return [*odd, count]

    def _is_sure(self, event: OpenEvent) -> bool:
        """Whether lines of the chunk's shape begin events, without a closer look."""
        if self._shape is None:
            return False
        if self._shape.start is Start.NO:
            return event.is_single and self._habit.credit > 0
        return not (event.is_partial or event.depth or event.pending)

    def _end_singles(self, at: int, last: int) -> OpenEvent:
        """Give out lines that are events, and begin one with the line `last`."""
        singles = self._lines[at:last]
        if singles:
            self._events += singles
            self._size += sum(map(len, singles)) + len(singles)
            self._count += len(singles)
            self._habit = self._habit.after(len(singles))
        return self._begin(last)

    def _begin(self, at: int) -> OpenEvent:
        is_known = self._looked_at == at and self._habit.wrapped is not None
        look = self._look if is_known else None
        event = OpenEvent(at, self._lines[at], self._habit, self._limits, look)
        if event.is_rest:
            self._rests.append(len(self._events))
        return event

    def _join_indented(self, event: OpenEvent, at: int) -> int:
        """Join the indented lines from `at` on that surely belong to it; how many.

        As `_judge` and `_grow` would, one by one: this is what traces consist of.
        """
        headed = event.is_headed
        if event.wrapped is None or event.depth or event.pending or event.is_partial:
            return 0
        if not headed and (event.start is Start.WHOLE or event.phase is Phase.PLAIN):
            return 0
        lines, limit, size = self._lines, self._limits.max_bytes, event.size
        begin, stop = at, min(len(lines), event.first + self._limits.max_lines)
        while at < stop:
            line = lines[at]
            length = len(line) + 1
            text = indented(line, event.stream) if event.wrapped else line
            is_text = text[:1] in _BLANKS and text[:LOOK_AT_BYTES].strip()
            if not is_text or length > limit or size + length > limit:
                break
            if not headed:
                phase = next_phase(event.phase, looked_at(text), past_blank=False)
                if phase is None:
                    break
                event.phase = phase
            size += length
            at += 1
        if at > begin:
            event.size, event.last = size, at - 1
        return at - begin

    def _judge(self, event: OpenEvent, at: int) -> _Verdict:
        line = self._lines[at]
        unwrapped = event.text_of(line)
        self._looked_at, self._look = at, Look(unwrapped)
        text, stream, partial = unwrapped
        if stream != event.stream or len(line) >= self._limits.max_bytes:
            return _Verdict.START
        if event.is_partial:
            event.is_partial = partial
            return _Verdict.JOIN
        if event.start is Start.WHOLE or event.is_blank:
            return _Verdict.START
        text = looked_at(text)
        if event.depth:
            return _judge_json(event, text)
        if not text.strip():
            full = event.pending >= _MAX_PENDING
            return _Verdict.START if full else _Verdict.PEND
        start = start_of(text)
        self._look = Look(unwrapped, start)
        if event.is_headed:
            verdict = self._judge_under_header(event, text, start)
        else:
            verdict = _judge_alone(event, text, start, self._habit.credit)
        if verdict is not _Verdict.START:
            event.is_partial = partial
        return verdict

    def _judge_under_header(
        self, event: OpenEvent, text: bytes, start: Start
    ) -> _Verdict:
        if text[:1] in _BLANKS:
            return _Verdict.JOIN
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

    def _is_full(self, event: OpenEvent, at: int) -> bool:
        too_many = at - event.first >= self._limits.max_lines
        return too_many or event.size + self._more(event, at) > self._limits.max_bytes

    def _more(self, event: OpenEvent, at: int) -> int:
        """The bytes of the lines after an event, up to `at`."""
        if event.last + 1 == at:
            return len(self._lines[at]) + 1
        return sum(len(line) + 1 for line in self._lines[event.last + 1 : at + 1])

    def _grow(self, event: OpenEvent, at: int, verdict: _Verdict) -> None:
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

    def _end(self, event: OpenEvent, rest: Rest = Rest.NONE) -> None:
        lines = self._lines[event.first : event.last + 1]
        self._events.append(lines[0] if len(lines) == 1 else b"\n".join(lines))
        self._size += event.size
        self._count += len(lines)
        self._habit = self._habit.after_one(
            event.loose,
            rest,
            is_start=event.start is not Start.NO,
            wrapped=event.wrapped,
        )

    def _give_out(self, event: OpenEvent, wait: Wait, *, final: bool) -> None:
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
# A tuple, as an enum's hash is a call; the first comparison is by identity.
_SURE = (Start.TIMED, Start.WHOLE, Start.LEVELED)


def _rest_of(event: OpenEvent) -> Rest:
    if event.is_over or event.is_blank:
        return Rest.NONE
    return Rest.HEADED if event.is_headed else Rest.HEADLESS


def _may_go_on(event: OpenEvent, wait: Wait) -> bool:
    return wait is Wait.OPEN or event.first != event.last or event.phase != Phase.PLAIN


def _judge_alone(event: OpenEvent, text: bytes, start: Start, credit: int) -> _Verdict:
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


def _judge_stray(event: OpenEvent, text: bytes, credit: int) -> _Verdict:
    """Judge a line that is no part of the trace before it, if that is one."""
    if CLOSING.match(text):
        return _Verdict.JOIN
    begins = phase_of(text) is not Phase.PLAIN
    if text[:1] in _BLANKS and not begins and event.loose < credit:
        return _Verdict.LOOSE
    if text[:1] not in _BLANKS and not begins and event.phase in MAY_BE_MESSAGE:
        return _judge_message(event, Start.NO)
    return _Verdict.START


def _judge_message(event: OpenEvent, start: Start) -> _Verdict:
    if start is not Start.NO or event.pending >= _MAX_MESSAGE_LINES:
        return _Verdict.START
    return _Verdict.PEND


def _judge_json(event: OpenEvent, text: bytes) -> _Verdict:
    start = start_of(text)
    if start is Start.TIMED or (start is Start.WHOLE and not event.is_array):
        return _Verdict.START
    if not _JSON_GOES_ON.match(text):
        return _Verdict.START
    event.depth = max(0, event.depth + depth_of(text))
    if not event.depth:
        event.start = Start.WHOLE
    return _Verdict.JOIN
