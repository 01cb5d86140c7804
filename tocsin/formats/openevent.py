"""The event that is being read, line by line."""

from __future__ import annotations

import re
from typing import NamedTuple

from tocsin.formats.habit import Habit, Limits, Rest, Wait
from tocsin.formats.startlines import LOOK_AT_BYTES, Start, is_grave, start_of
from tocsin.formats.traces import MUST_GO_ON, REST, Phase, phase_of
from tocsin.formats.wrapping import Unwrapped, is_wrapped, unwrap

_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"')
_JSON_BEGINS = re.compile(rb'\{\s*$|\[\s*$|\{\s*"|\[\s*[{\["]')
# Tuples, as an enum's hash is a call; the first comparison is by identity.
_HEADED = (Start.TIMED, Start.LEVELED, Start.WEAK)


class Look(NamedTuple):
    """What a look at a line gave; `start` is None where it was not asked for."""

    unwrapped: Unwrapped
    start: Start | None = None


class OpenEvent:
    """The event that is being read: the lines `[first, last]`.

    `pending` more lines belong to it if the next one does. `is_rest`: it has no header
    but begins inside of an event that was ended by a limit or by waiting.
    """

    def __init__(
        self,
        first: int,
        line: bytes,
        habit: Habit,
        limits: Limits,
        look: Look | None = None,
    ) -> None:
        """`look`: what is known of the line already."""
        self.wrapped = is_wrapped(line) if habit.wrapped is None else habit.wrapped
        known = (look.unwrapped, look.start) if look else (self.text_of(line), None)
        (text, self.stream, self.is_partial), start = known
        # Envelopes of a stream are of one length: further lines have their text there.
        self.text_at = len(line) - len(text)
        text = looked_at(text)
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
        self.start = start or start_of(text)
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
            self.depth = max(0, depth_of(text))

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


def looked_at(text: bytes) -> bytes:
    """The part of a line that decides: its beginning, and all of JSON."""
    # Of JSON the end counts as well.
    text = text if text[:1] in (b"{", b"[") else text[:LOOK_AT_BYTES]
    return text.rstrip(b"\r")


def depth_of(text: bytes) -> int:
    """How many brackets a line of JSON opens more than it closes."""
    bare = _STRING.sub(b"", text)
    opened = bare.count(b"{") + bare.count(b"[")
    return opened - bare.count(b"}") - bare.count(b"]")
