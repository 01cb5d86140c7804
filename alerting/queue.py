"""What is to be sent to one channel next, and when. Pure: time is an argument.

One entry an incident: a newer message replaces the older one that waits. New before
escalated before resolved before updated; within one of these the oldest first.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum, IntEnum

from alerting.outbox import Delivered, Desired


class Act(Enum):
    """What is to be done about an incident in a channel; the value is the reason."""

    POST = "the channel does not show it"
    EDIT = "the channel shows an older state"
    FIND = "it may have been sent before; look it up"
    POST_AGAIN = "the channel cannot edit, and this is worth a message"
    SKIP = "the channel cannot edit, and this is not worth a message"
    NOTHING = "the channel shows it"

    @property
    def posts(self) -> bool:
        """Whether it makes a new message; edits and look-ups have a budget apart."""
        return self in {Act.POST, Act.POST_AGAIN}


class _Rank(IntEnum):
    NEW = 0
    ESCALATED = 1
    RESOLVED = 2
    UPDATED = 3


def act(
    desired: Desired, shown: Delivered | None, *, can_edit: bool, is_unknown: bool
) -> Act:
    """What to do; `is_unknown`: an earlier attempt may have been accepted."""
    if shown is None:
        return Act.FIND if is_unknown and can_edit else Act.POST
    if shown.sequence >= desired.message.sequence:
        return Act.NOTHING
    if can_edit:
        return Act.EDIT
    ended = shown.is_open and not desired.message.is_open
    return Act.POST_AGAIN if ended else Act.SKIP


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
    """The waiting messages of one channel, and what it shows."""

    can_edit: bool
    post_every_s: float
    edit_every_s: float
    _waiting: dict[str, Entry] = field(default_factory=dict)
    _shown: dict[str, Delivered] = field(default_factory=dict)
    _not_before: dict[bool, float] = field(default_factory=dict)  # by Act.posts

    def load(self, desired: Iterable[Desired], shown: Iterable[Delivered]) -> None:
        """Start from what is committed: whatever differs may have been sent already."""
        self._shown = {x.incident: x for x in shown}
        for row in desired:
            self.put(row, is_unknown=True)

    def put(self, desired: Desired, *, is_unknown: bool = False) -> None:
        """Let a message wait, in the place of an older one of its incident."""
        incident = desired.message.incident
        shown = self._shown.get(incident)
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

    def next(self, now: float) -> tuple[Entry, Act] | None:
        """The message to be sent now."""
        ready = [x for x in self._waiting.values() if self._ready_at(x) <= now]
        if not ready:
            return None
        entry = min(ready, key=self._order)
        return entry, self._act(entry)

    def wait_s(self, now: float) -> float | None:
        """How long until there is something to send; None while nothing waits."""
        if not self._waiting:
            return None
        soonest = min(self._ready_at(x) for x in self._waiting.values())
        return max(0.0, soonest - now)

    def reference(self, entry: Entry) -> str:
        """Where the message of an entry is shown."""
        return self._shown[entry.desired.message.incident].reference

    def sent(self, act: Act, now: float) -> None:
        """A request went out: keep the interval of its kind."""
        every_s = self.post_every_s if act.posts else self.edit_every_s
        self.pause(act, now + every_s)

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
            self.put(entry.desired)

    def lost(self, incident: str) -> None:
        """The channel does not show the incident after all."""
        self._shown.pop(incident, None)

    def __len__(self) -> int:
        return len(self._waiting)

    def oldest_at(self) -> float | None:
        """Since when the oldest message waits."""
        return min((x.desired.queued_at for x in self._waiting.values()), default=None)

    def _ready_at(self, entry: Entry) -> float:
        budget = self._not_before.get(self._act(entry).posts, 0.0)
        return max(entry.not_before, budget)

    def _act(self, entry: Entry) -> Act:
        shown = self._shown.get(entry.desired.message.incident)
        unknown = entry.is_unknown
        return act(entry.desired, shown, can_edit=self.can_edit, is_unknown=unknown)

    def _order(self, entry: Entry) -> tuple[int, float]:
        message = entry.desired.message
        if message.incident not in self._shown:
            rank = _Rank.NEW
        elif not message.is_open:
            rank = _Rank.RESOLVED
        elif message.kind == "escalated":
            rank = _Rank.ESCALATED
        else:
            rank = _Rank.UPDATED
        return rank, entry.desired.queued_at
