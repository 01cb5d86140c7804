"""What is remembered of a stream between two of its events, and what a call gives."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import NamedTuple

_FIRST_CREDIT = 150
_MOST_CREDIT = 1_000
_LEAST_CREDIT = -100
_PER_START = 20


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

    def after(self, events: int, rest: Rest = Rest.NONE) -> Habit:
        """The habit after so many events that began for a good reason."""
        credit = min(_MOST_CREDIT, self.credit + _PER_START * events)
        return Habit(credit, rest, is_first=False, wrapped=self.wrapped)

    def after_one(
        self, loose: int, rest: Rest, *, is_start: bool, wrapped: bool | None
    ) -> Habit:
        """The habit after an event with so many `loose` lines."""
        credit = self.credit - loose
        credit += _PER_START if is_start or credit > 0 else -1
        credit = min(_MOST_CREDIT, max(_LEAST_CREDIT, credit))
        return Habit(credit, rest, is_first=False, wrapped=wrapped)


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
