"""What is sent next: one message an incident, the most urgent first."""

from __future__ import annotations

from alerting.incident import Kind
from alerting.message import Message
from alerting.outbox import (
    Delivered,
    Desired,
    decode_delivered,
    decode_desired,
    encode,
)
from alerting.queue import Act, ChannelQueue


def desired(
    incident: str, sequence: int = 1, *, kind: Kind = "opened", at: float = 0.0
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
    )
    return Desired(channel="c", message=message, queued_at=at, since=at)


def shown(of: Desired) -> Delivered:
    return Delivered(
        channel=of.channel,
        incident=of.message.incident,
        sequence=of.message.sequence,
        reference="C1/1.0",
        is_open=of.message.is_open,
        at=1.0,
    )


def queue(*, can_edit: bool = True, every_s: float = 0.0) -> ChannelQueue:
    return ChannelQueue(can_edit, post_every_s=every_s, edit_every_s=every_s)


def drain(waiting: ChannelQueue) -> list[tuple[str, int, Act]]:
    """Send all that waits; incident, sequence and act of each."""
    done = []
    while (chosen := waiting.next(100.0)) is not None:
        entry, step = chosen
        message = entry.desired.message
        done.append((message.incident, message.sequence, step))
        if step is Act.FIND:
            entry.is_unknown = False
        else:
            waiting.shows(shown(entry.desired))
    return done


def test_new_before_escalated_before_resolved_before_updated() -> None:
    waiting = queue()
    old = [desired(x) for x in "abc"]
    waiting.load(old, [shown(x) for x in old])
    waiting.put(desired("a", 2, kind="updated", at=1))
    waiting.put(desired("b", 2, kind="resolved", at=2))
    waiting.put(desired("c", 2, kind="escalated", at=3))
    waiting.put(desired("d", 1, at=4))

    assert [x[0] for x in drain(waiting)] == ["d", "c", "b", "a"]


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


def test_a_channel_that_cannot_edit_gets_opened_and_resolved_only() -> None:
    waiting = queue(can_edit=False)
    for sequence, kind in enumerate(("opened", "updated", "escalated", "resolved"), 1):
        waiting.put(desired("a", sequence, kind=kind))  # type: ignore[arg-type]
        sent = drain(waiting)
        assert len(sent) == (kind in {"opened", "resolved"})


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
    waiting.lost("a")

    assert drain(waiting) == [("a", 2, Act.POST)]


def test_rows_are_read_as_they_were_written() -> None:
    row = desired("a", 2, kind="updated")

    assert decode_desired(encode(row)) == row
    assert decode_delivered(encode(shown(row))) == shown(row)
