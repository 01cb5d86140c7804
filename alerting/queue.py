"""What is to be sent to one channel next, and when. Pure: time is an argument.

One entry an incident: a newer message replaces the older one that waits. New before
escalated before resolved before members of a storm before updated; within one of
these the oldest first. Two budgets: new messages, and edits with look-ups. A channel
that fails is left alone for a while that grows to `_MAX_BACKOFF_S`, and so is a message
that fails alone, so that neither floods the channel nor holds up the others.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum, IntEnum
from math import inf, isinf
from typing import NamedTuple

from alerting.notify.port import MessageGone, OutcomeUnknown
from alerting.outbox import Delivered, Desired
from tocsin.errors import DeliveryFailed

EDIT_GAP_S = 10.0  # an incident's numbers change each second; nobody reads so fast
_BACKOFF_S, _MAX_BACKOFF_S = 0.5, 60.0
_MAX_PAUSE_S = 30.0  # how long a channel that came back may wait for us
_REFUSED_S = 60.0  # a person has to act; look again after a minute


class Sending(Enum):
    """How an attempt to notify ended; the value is a metric's label."""

    POSTED = "posted"
    EDITED = "edited"
    NOTED = "noted"
    FOUND = "found"
    LIMITED = "limited"
    UNKNOWN = "unknown"
    UNREACHED = "unreached"
    REFUSED = "refused"
    GONE = "gone"
    MAYBE_TWICE = "maybe_twice"


class Act(Enum):
    """What is to be done about an incident in a channel; the value is the reason."""

    POST = "the channel does not show it"
    EDIT = "the channel shows an older state"
    NOTE = "people are to notice it again"
    FIND = "it may have been sent before; look it up"
    FIND_NOTE = "the note may have been sent before; look it up"
    POST_AGAIN = "the channel cannot edit, and this is worth a message"
    SKIP = "the channel cannot edit, and this is not worth a message"
    NOTHING = "the channel shows it"

    @property
    def posts(self) -> bool:
        """Whether it makes a new message; edits and look-ups have a budget apart."""
        return self in {Act.POST, Act.NOTE, Act.POST_AGAIN}

    @property
    def looks_up(self) -> bool:
        """Whether it only asks."""
        return self in {Act.FIND, Act.FIND_NOTE}


class Setback(NamedTuple):
    """What a failure is counted as, and when it is tried again."""

    outcome: Sending
    wait_s: float


class _Rank(IntEnum):
    NEW = 0
    ESCALATED = 1
    RESOLVED = 2
    IN_STORM = 3
    UPDATED = 4


def act(
    desired: Desired, shown: Delivered | None, *, can_edit: bool, is_unknown: bool
) -> Act:
    """What to do; `is_unknown`: an earlier attempt may have been accepted."""
    message = desired.message
    if shown is None:
        if message.parent and not can_edit:
            return Act.SKIP  # the parent's table has it
        return Act.FIND if is_unknown and can_edit else Act.POST
    is_newer = message.sequence > shown.sequence
    to_note = message.note_sequence > shown.noted
    if not can_edit:
        ended = shown.is_open and not message.is_open
        again = Act.POST_AGAIN if ended or to_note else Act.SKIP
        return again if is_newer else Act.NOTHING
    if to_note and not is_newer:
        return Act.FIND_NOTE if is_unknown else Act.NOTE
    return Act.EDIT if is_newer else Act.NOTHING


@dataclass(slots=True)
class Entry:
    """A message that waits; `attempts` failed, the next one not before `not_before`."""

    desired: Desired
    is_unknown: bool
    attempts: int = 0
    not_before: float = 0.0
    was_shown: bool = False  # and is gone


@dataclass(slots=True)
class ChannelQueue:
    """The waiting messages of one channel, and what it shows.

    `renew_every_s`: a channel that forgets what is open is told again so often.
    """

    can_edit: bool
    post_every_s: float
    edit_every_s: float
    renew_every_s: float = inf
    _waiting: dict[str, Entry] = field(default_factory=dict)
    _shown: dict[str, Delivered] = field(default_factory=dict)
    _open: dict[str, Desired] = field(default_factory=dict)  # what is renewed
    _not_before: dict[bool, float] = field(default_factory=dict)  # by Act.posts
    _failures: int = 0  # of the channel, in a row

    def load(self, desired: Iterable[Desired], shown: Iterable[Delivered]) -> None:
        """Start from what is committed: whatever differs may have been sent already."""
        self._shown = {x.incident: x for x in shown}
        for row in desired:
            self.put(row, is_unknown=True)

    def put(self, desired: Desired, *, is_unknown: bool = False) -> None:
        """Let a message wait, in the place of an older one of its incident."""
        incident = desired.message.incident
        shown = self._shown.get(incident)
        self._remember(desired)
        step = act(desired, shown, can_edit=self.can_edit, is_unknown=is_unknown)
        if step in {Act.NOTHING, Act.SKIP}:
            self._waiting.pop(incident, None)
            return
        old = self._waiting.get(incident)
        if old is None:
            self._waiting[incident] = Entry(desired, is_unknown)
        elif desired.message.sequence >= old.desired.message.sequence:
            old.desired = desired

    def forget(self, incident: str) -> None:
        """Let go of an incident that is deleted."""
        self._waiting.pop(incident, None)
        self._shown.pop(incident, None)
        self._open.pop(incident, None)

    def next(self, now: float) -> tuple[Entry, Act] | None:
        """The message to be sent now."""
        self._renew(now)
        ready = [x for x in self._waiting.values() if self._ready_at(x) <= now]
        if not ready:
            return None
        entry = min(ready, key=self._order)
        return entry, self._act(entry)

    def wait_s(self, now: float) -> float | None:
        """How long until there is something to send; None while nothing waits."""
        soonest = min(
            min((self._ready_at(x) for x in self._waiting.values()), default=inf),
            min((self._renewal_at(x) for x in self._open), default=inf),
        )
        return None if isinf(soonest) else max(0.0, soonest - now)

    def unknown(self, parent: str) -> list[Entry]:
        """What may be shown already, below `parent`: one look-up serves all of it."""
        return [
            x
            for x in self._waiting.values()
            if x.desired.message.parent == parent and self._act(x) is Act.FIND
        ]

    def reference(self, entry: Entry) -> str:
        """Where the message of an entry is shown."""
        return self._shown[entry.desired.message.incident].reference

    def noted(self, entry: Entry) -> int:
        """The last note below the message of an entry."""
        return self._shown[entry.desired.message.incident].noted

    def thread(self, entry: Entry) -> str | None:
        """Where the message below which an entry belongs is shown."""
        parent = self._shown.get(entry.desired.message.parent)
        return None if parent is None else parent.reference

    def sent(self, act: Act, now: float) -> None:
        """A request was answered: keep the interval of its kind."""
        if self._failures:  # it is back: all that failed meanwhile may go at once
            for entry in self._waiting.values():
                entry.not_before = min(entry.not_before, now)
        self._failures = 0
        every_s = self.post_every_s if act.posts else self.edit_every_s
        self.pause(act, now + every_s)

    def failed(
        self,
        entry: Entry,
        act: Act,
        error: DeliveryFailed,
        *,
        now: float,
        chance: float,
    ) -> Setback:
        """Decide when to try again; `chance` in [0, 1) spreads the retries.

        The answer names the time, or it grows with each failure.
        """
        if isinstance(error, MessageGone):
            self._shown.pop(entry.desired.message.incident, None)
            entry.is_unknown = False
            entry.was_shown = True
            return Setback(Sending.GONE, 0.0)
        if error.retry_after_s is not None:
            self.pause(act, now + error.retry_after_s)
            return Setback(Sending.LIMITED, error.retry_after_s)
        entry.attempts += 1
        wait_s = backoff_s(entry.attempts, chance)
        if not error.retryable:
            wait_s = max(wait_s, _REFUSED_S)
            if error.hint:  # the channel's fault, not the message's
                self.pause_all(now + wait_s)
            entry.not_before = now + wait_s
            return Setback(Sending.REFUSED, wait_s)
        # Only a new message can be doubled; to edit or to ask twice does no harm.
        is_unknown = isinstance(error, OutcomeUnknown)
        entry.is_unknown |= act.posts and is_unknown
        # Longer than the channel waits: others come first.
        entry.not_before = now + min(2 * wait_s, _MAX_BACKOFF_S)
        self._failures += 1
        pause_s = min(_MAX_PAUSE_S, backoff_s(self._failures, chance))
        self.pause_all(now + pause_s)
        return Setback(Sending.UNKNOWN if is_unknown else Sending.UNREACHED, pause_s)

    def pause(self, act: Act, until: float) -> None:
        """Send nothing of the kind of `act` before then."""
        before = self._not_before.get(act.posts, 0.0)
        self._not_before[act.posts] = max(before, until)

    def pause_all(self, until: float) -> None:
        """Send nothing before then."""
        for act in (Act.POST, Act.EDIT):
            self.pause(act, until)

    def shows(self, delivered: Delivered) -> None:
        """The channel shows this now; a newer message keeps waiting."""
        self._shown[delivered.incident] = delivered
        entry = self._waiting.pop(delivered.incident, None)
        if entry is not None:
            self.put(entry.desired, is_unknown=entry.is_unknown)

    def __len__(self) -> int:
        return len(self._waiting)

    def oldest_at(self) -> float | None:
        """Since when the oldest message waits."""
        return min((x.desired.queued_at for x in self._waiting.values()), default=None)

    def _remember(self, desired: Desired) -> None:
        if isinf(self.renew_every_s):
            return
        incident = desired.message.incident
        self._open.pop(incident, None)
        if desired.message.is_open:
            self._open[incident] = desired

    def _renewal_at(self, incident: str) -> float:
        shown = self._shown.get(incident)
        return inf if shown is None else shown.at + self.renew_every_s

    def _renew(self, now: float) -> None:
        for incident, desired in self._open.items():
            if incident not in self._waiting and self._renewal_at(incident) <= now:
                self._waiting[incident] = Entry(desired, is_unknown=False)

    def _ready_at(self, entry: Entry) -> float:
        message = entry.desired.message
        step = self._act(entry)
        shown = self._shown.get(message.incident)
        if shown is None and message.parent in self._waiting:
            return inf  # first its parent, then it
        budget = max(entry.not_before, self._not_before.get(step.posts, 0.0))
        is_update = step is Act.EDIT and self._rank(entry) is _Rank.UPDATED
        if shown is not None and is_update:
            budget = max(budget, shown.at + EDIT_GAP_S)
        return budget

    def _act(self, entry: Entry) -> Act:
        shown = self._shown.get(entry.desired.message.incident)
        unknown = entry.is_unknown
        step = act(entry.desired, shown, can_edit=self.can_edit, is_unknown=unknown)
        return Act.EDIT if step is Act.NOTHING else step  # it waits: renew it

    def _order(self, entry: Entry) -> tuple[int, float]:
        return self._rank(entry), entry.desired.queued_at

    def _rank(self, entry: Entry) -> _Rank:
        message = entry.desired.message
        shown = self._shown.get(message.incident)
        if shown is None:
            return _Rank.IN_STORM if message.parent else _Rank.NEW
        if not message.is_open:
            return _Rank.RESOLVED
        if message.note_sequence > shown.noted:
            return _Rank.ESCALATED
        return _Rank.UPDATED


def backoff_s(attempt: int, chance: float) -> float:
    """How long to wait after `attempt` failures; `chance` in [0, 1) spreads retries."""
    longest = min(_MAX_BACKOFF_S, _BACKOFF_S * 2.0 ** min(attempt - 1, 10))
    return longest * (0.5 + 0.5 * chance)
