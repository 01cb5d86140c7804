"""What is sent next: one message an incident, the most urgent first."""

from __future__ import annotations

import pytest

from alerting.incident import Kind
from alerting.message import Message
from alerting.notify.port import MessageGone, OutcomeUnknown
from alerting.outbox import (
    Delivered,
    Desired,
    decode_delivered,
    decode_desired,
    encode,
)
from alerting.queue import Act, ChannelQueue, Sending
from tocsin.errors import DeliveryFailed


def desired(
    incident: str,
    sequence: int = 1,
    *,
    kind: Kind = "opened",
    at: float = 0.0,
    noted: int = 0,
    parent: str = "",
) -> Desired:
    message = Message(
        incident=incident,
        sequence=sequence,
        kind=kind,
        is_open=kind != "resolved",
        icon="🔴",
        title="x",
        why="y",
        fields=(),
        note="look again",
        note_sequence=noted,
        parent=parent,
    )
    return Desired(channel="c", message=message, queued_at=at, since=at)


def shown(of: Desired, *, noted: int | None = None) -> Delivered:
    return Delivered(
        channel=of.channel,
        incident=of.message.incident,
        sequence=of.message.sequence,
        reference="C1/1.0",
        is_open=of.message.is_open,
        at=1.0,
        noted=of.message.note_sequence if noted is None else noted,
    )


def queue(*, can_edit: bool = True, every_s: float = 0.0) -> ChannelQueue:
    return ChannelQueue(can_edit, post_every_s=every_s, edit_every_s=every_s)


def drain(waiting: ChannelQueue, now: float = 100.0) -> list[tuple[str, int, Act]]:
    """Send all that waits; incident, sequence and act of each."""
    done = []
    while (chosen := waiting.next(now)) is not None:
        entry, step = chosen
        message = entry.desired.message
        done.append((message.incident, message.sequence, step))
        if step is Act.FIND:
            entry.is_unknown = False
        elif step is Act.EDIT:
            waiting.shows(shown(entry.desired, noted=waiting.noted(entry)))
        else:
            waiting.shows(shown(entry.desired))
    return done


def test_new_before_escalated_before_resolved_before_updated() -> None:
    waiting = queue()
    old = [desired(x) for x in "abc"]
    waiting.load(old, [shown(x) for x in old])
    waiting.put(desired("a", 2, kind="updated", at=1))
    waiting.put(desired("b", 2, kind="resolved", at=2))
    waiting.put(desired("c", 2, kind="escalated", at=3, noted=2))
    waiting.put(desired("d", 1, at=4))
    waiting.put(desired("e", 1, at=0, parent="d"))

    order = dict.fromkeys(x[0] for x in drain(waiting))
    assert list(order) == ["d", "c", "b", "e", "a"]


def test_edits_that_wait_become_one() -> None:
    waiting = queue()
    waiting.put(desired("a", 1))
    waiting.put(desired("a", 2, kind="updated"))
    waiting.put(desired("a", 3, kind="resolved"))

    assert drain(waiting) == [("a", 3, Act.POST)]


def test_what_came_during_the_sending_is_sent_afterwards() -> None:
    waiting = queue()
    waiting.put(desired("a", 1))
    chosen = waiting.next(0.0)
    assert chosen is not None
    sending = chosen[0].desired
    waiting.put(desired("a", 2, kind="updated"))

    waiting.shows(shown(sending))

    assert drain(waiting) == [("a", 2, Act.EDIT)]


def test_after_a_restart_what_differs_is_looked_up_first() -> None:
    waiting = queue()
    waiting.load([desired("a", 2), desired("b", 1)], [shown(desired("b", 1))])

    assert drain(waiting) == [("a", 2, Act.FIND), ("a", 2, Act.POST)]


def test_a_channel_that_cannot_edit_gets_what_is_worth_a_message() -> None:
    waiting = queue(can_edit=False)
    steps: list[tuple[Kind, int]] = [
        ("opened", 0),
        ("updated", 0),
        ("escalated", 3),
        ("updated", 3),
        ("resolved", 3),
    ]
    sent = []
    for sequence, (kind, noted) in enumerate(steps, 1):
        waiting.put(desired("a", sequence, kind=kind, noted=noted))
        sent += [kind] * len(drain(waiting))

    assert sent == ["opened", "escalated", "resolved"]


def test_a_note_follows_the_edit_and_is_said_once() -> None:
    waiting = queue()
    waiting.load([], [shown(desired("a", 1))])
    waiting.put(desired("a", 2, kind="escalated", noted=2))
    first = drain(waiting)
    waiting.put(desired("a", 3, kind="updated", noted=2))

    assert first == [("a", 2, Act.EDIT), ("a", 2, Act.NOTE)]
    assert drain(waiting) == [("a", 3, Act.EDIT)]


def test_a_note_that_may_be_there_is_looked_up_even_after_an_edit() -> None:
    waiting = queue()
    waiting.load([desired("a", 2, noted=2)], [shown(desired("a", 2), noted=0)])
    waiting.put(desired("a", 3, kind="updated", noted=2))

    assert [x[2] for x in drain(waiting)] == [Act.EDIT, Act.FIND_NOTE]


def test_updates_of_an_incident_keep_ten_seconds_apart() -> None:
    waiting = queue()
    waiting.load([], [shown(desired("a")), shown(desired("b"))])  # shown at 1.0
    waiting.put(desired("a", 2, kind="updated"))
    early = waiting.next(10.9)
    waiting.put(desired("b", 2, kind="resolved"))
    resolved = waiting.next(2.0)

    assert early is None
    assert resolved is not None
    assert waiting.next(11.0) is not None


def test_members_of_a_storm_wait_for_its_message_and_stay_out_without_threads() -> None:
    waiting, plain = queue(), queue(can_edit=False)
    for each in (waiting, plain):
        each.put(desired("member", parent="storm", at=0))
        each.put(desired("storm", at=1))
    assert len(plain) == 1

    order = []
    while (chosen := waiting.next(5.0)) is not None:
        order.append((chosen[0].desired.message.incident, waiting.thread(chosen[0])))
        waiting.shows(shown(chosen[0].desired))

    assert order == [("storm", None), ("member", "C1/1.0")]


def test_a_channel_that_forgets_is_told_again_of_what_is_open() -> None:
    waiting = ChannelQueue(True, 0.0, 0.0, renew_every_s=60.0)
    waiting.load([desired("a")], [shown(desired("a"))])  # shown at 1.0
    assert waiting.wait_s(31.0) == 30.0
    assert waiting.next(60.0) is None

    chosen = waiting.next(61.0)
    waiting.put(desired("a", 2, kind="resolved"))
    last = waiting.next(61.0)
    assert last is not None
    waiting.shows(shown(last[0].desired))

    assert chosen is not None
    assert chosen[1] is Act.EDIT
    assert waiting.wait_s(500.0) is None


UNKNOWN = OutcomeUnknown("no answer")


def test_after_an_hour_without_an_answer_each_incident_is_told_once() -> None:
    """Opened, updated and resolved meanwhile; tried at most every half minute."""
    waiting, now, tries = queue(), 0.0, 0
    while now < 3600.0:
        number = int(now // 60)
        waiting.put(desired(f"i{number % 20}", int(now) + 1, kind="updated", at=now))
        if number % 3 == 0:
            waiting.put(desired("over", int(now) + 1, kind="resolved", at=now))
        if (chosen := waiting.next(now)) is not None:
            waiting.failed(*chosen, UNKNOWN, now=now, chance=0.0)
            tries += 1
        now += 1.0
    now += 60.0  # the longest wait
    unknown = len(waiting.unknown(""))
    for entry in waiting.unknown(""):
        entry.is_unknown = False
    told = drain(waiting, now)

    assert tries < 3600 / 15 + 20
    assert unknown > 10
    assert sorted(x[0] for x in told) == sorted({*(f"i{x}" for x in range(20)), "over"})
    assert {x[2] for x in told} == {Act.POST}
    assert max(x[1] for x in told) > 3500
    assert waiting.wait_s(now) is None


def test_a_message_that_always_fails_does_not_hold_up_the_others() -> None:
    waiting, now, sent = queue(), 0.0, []
    for name in ("poison", "b", "c", "d"):
        waiting.put(desired(name))
    while now < 30.0:
        if (chosen := waiting.next(now)) is not None:
            entry, step = chosen
            if entry.desired.message.incident == "poison":
                waiting.failed(entry, step, UNKNOWN, now=now, chance=0.0)
            else:
                waiting.sent(step, now)
                waiting.shows(shown(entry.desired))
                sent.append(entry.desired.message.incident)
        now += 0.25

    assert sent == ["b", "c", "d"]


@pytest.mark.parametrize(
    ("error", "outcome", "is_unknown"),
    [
        (UNKNOWN, Sending.UNKNOWN, True),
        (DeliveryFailed("refused", retryable=True), Sending.UNREACHED, False),
        (DeliveryFailed("no", retryable=False), Sending.REFUSED, False),
        (
            DeliveryFailed("wait", retryable=True, retry_after_s=7.0),
            Sending.LIMITED,
            False,
        ),
        (MessageGone("gone"), Sending.GONE, False),
    ],
)
def test_a_failure_says_whether_the_message_may_be_there(
    error: DeliveryFailed, outcome: Sending, *, is_unknown: bool
) -> None:
    waiting = queue()
    waiting.put(desired("a"))
    chosen = waiting.next(0.0)
    assert chosen is not None

    setback = waiting.failed(*chosen, error, now=0.0, chance=0.0)

    assert setback.outcome is outcome
    assert chosen[0].is_unknown is is_unknown


def test_messages_keep_the_interval_of_the_channel() -> None:
    waiting = queue(every_s=1.0)
    waiting.put(desired("a"))
    waiting.sent(Act.POST, 10.0)

    assert waiting.next(10.5) is None
    assert waiting.wait_s(10.25) == 0.75
    assert waiting.next(11.0) is not None


def test_an_edit_does_not_delay_a_new_page() -> None:
    waiting = queue(every_s=1.0)
    waiting.sent(Act.EDIT, 10.0)
    waiting.put(desired("a"))

    chosen = waiting.next(10.1)

    assert chosen is not None
    assert chosen[1] is Act.POST


def test_a_pause_stops_all_and_a_failed_message_only_itself() -> None:
    waiting = queue()
    waiting.put(desired("a", at=1))
    waiting.put(desired("b", at=2))
    chosen = waiting.next(0.0)
    assert chosen is not None
    chosen[0].not_before = 50.0

    other = waiting.next(10.0)
    assert other is not None
    assert other[0].desired.message.incident == "b"
    waiting.pause_all(30.0)
    assert waiting.next(29.0) is None


def test_an_old_message_does_not_replace_a_newer_one() -> None:
    waiting = queue()
    waiting.put(desired("a", 3))
    waiting.put(desired("a", 2))

    assert drain(waiting) == [("a", 3, Act.POST)]


def test_a_message_that_is_gone_is_posted_anew() -> None:
    waiting = queue()
    waiting.load([desired("a", 1)], [shown(desired("a", 1))])
    waiting.put(desired("a", 2, kind="updated"))
    chosen = waiting.next(100.0)
    assert chosen is not None
    waiting.failed(*chosen, MessageGone("gone"), now=100.0, chance=0.0)

    assert drain(waiting) == [("a", 2, Act.POST)]


def test_rows_are_read_as_they_were_written() -> None:
    row = desired("a", 2, kind="updated")

    assert decode_desired(encode(row)) == row
    assert decode_delivered(encode(shown(row))) == shown(row)
