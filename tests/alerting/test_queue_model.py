"""Whatever a channel answers and whenever the process dies: none lost, none twice.

A model of Slack beside the queue: it accepts or not, answers or not; the process may
die between the answer and the record. In the end each incident is shown once, in its
latest state, with its last note.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from alerting.notify.port import MessageGone, OutcomeUnknown
from alerting.outbox import Delivered, Desired
from alerting.queue import Act, ChannelQueue, Entry
from tests.alerting.test_queue import desired, queue
from tocsin.errors import DeliveryFailed

FAILURES = {
    "unknown": OutcomeUnknown("no answer"),
    "unreached": DeliveryFailed("refused", retryable=True),
    "limited": DeliveryFailed("wait", retryable=True, retry_after_s=3.0),
}
ANSWERS = ["ok", "ok", *FAILURES, "shown-but-unknown", "shown-but-crash", "crash"]


@dataclass
class Channel:
    """What the channel shows: sequences and notes by incident, in order of posting."""

    messages: dict[str, list[int]] = field(default_factory=dict)
    notes: dict[str, list[int]] = field(default_factory=dict)

    def take(self, entry: Entry, act: Act) -> None:
        message = entry.desired.message
        if act is Act.NOTE:
            self.notes.setdefault(message.incident, []).append(message.note_sequence)
        elif act is Act.EDIT:
            self.messages[message.incident][-1] = message.sequence
        else:
            self.messages.setdefault(message.incident, []).append(message.sequence)


@dataclass
class World:
    """The channel, what is committed, and the process that works on it."""

    channel: Channel = field(default_factory=Channel)
    outbox: dict[str, Desired] = field(default_factory=dict)
    deliveries: dict[str, Delivered] = field(default_factory=dict)
    process: ChannelQueue = field(default_factory=queue)
    now: float = 0.0

    def want(self, row: Desired) -> None:
        self.outbox[row.message.incident] = row
        self.process.put(row)

    def restart(self) -> None:
        self.process = queue()
        self.process.load(self.outbox.values(), self.deliveries.values())

    def step(self, answer: str) -> bool:
        """Let the process send once; false where there is nothing to send."""
        chosen = self.process.next(self.now)
        if chosen is None:
            return False
        entry, act = chosen
        if answer == "crash":
            self.restart()
        elif answer in FAILURES:
            self.process.failed(entry, act, FAILURES[answer], now=self.now, chance=0.5)
        elif act.looks_up:
            self._look_up(entry, act)
        else:
            self._send(entry, act, answer)
        return True

    def _send(self, entry: Entry, act: Act, answer: str) -> None:
        incident = entry.desired.message.incident
        if act is Act.EDIT and incident not in self.channel.messages:
            gone = MessageGone("gone")
            self.process.failed(entry, act, gone, now=self.now, chance=0.5)
            return
        self.channel.take(entry, act)
        if answer == "shown-but-unknown":
            unknown = FAILURES["unknown"]
            self.process.failed(entry, act, unknown, now=self.now, chance=0.5)
        elif answer == "shown-but-crash":
            self.restart()
        else:
            message = entry.desired.message
            noted = message.note_sequence
            noted = self.process.noted(entry) if act is Act.EDIT else noted
            self._record(entry, message.sequence, noted)

    def _look_up(self, entry: Entry, act: Act) -> None:
        message = entry.desired.message
        if act is Act.FIND_NOTE:
            notes = self.channel.notes.get(message.incident, [])
            if message.note_sequence in notes:
                self._record(entry, message.sequence, message.note_sequence)
            else:
                entry.is_unknown = False
            return
        for waiting in self.process.unknown(""):
            name = waiting.desired.message.incident
            if name in self.channel.messages:
                sequence = self.channel.messages[name][-1]
                noted = waiting.desired.message.note_sequence
                self._record(waiting, sequence, noted if noted <= sequence else 0)
            else:
                waiting.is_unknown = False

    def _record(self, entry: Entry, sequence: int, noted: int) -> None:
        message = entry.desired.message
        row = Delivered(
            channel="c",
            incident=message.incident,
            sequence=sequence,
            reference="r",
            is_open=message.is_open,
            at=self.now - 100.0,
            noted=noted,
        )
        self.deliveries[message.incident] = row
        self.process.sent(Act.EDIT, self.now)
        self.process.shows(row)


WANTED = st.tuples(st.sampled_from("ab"), st.booleans())
ACTIONS = st.one_of(WANTED, st.sampled_from(ANSWERS))


NOTED = [("a", False), "ok", ("a", True), "ok"]  # told, and its note is next


@pytest.mark.slow
@settings(max_examples=100)
@example([*NOTED, "shown-but-crash"])
@example([*NOTED, "shown-but-unknown"])
@example([*NOTED, "shown-but-unknown", ("a", False), "ok"])
@example([*NOTED, "shown-but-crash", ("a", False), "ok"])
@given(st.lists(ACTIONS, max_size=40))
def test_in_the_end_each_incident_is_shown_once_in_its_latest_state(
    actions: list[tuple[str, bool] | str],
) -> None:
    world = World()
    for sequence, action in enumerate(actions, 1):
        world.now += 200.0
        if isinstance(action, str):
            world.step(action)
            continue
        name, is_noted = action
        before = world.outbox.get(name)
        noted = before.message.note_sequence if before else 0
        noted = sequence if is_noted and before else noted
        world.want(desired(name, sequence, kind="updated", noted=noted))
    for _ in range(50):
        world.now += 200.0
        world.step("ok")

    assert world.process.next(world.now) is None
    for name, row in world.outbox.items():
        assert world.channel.messages[name] == [row.message.sequence]
        notes = world.channel.notes.get(name, [])
        assert len(notes) == len(set(notes))
