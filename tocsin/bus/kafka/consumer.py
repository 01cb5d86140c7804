"""A member of a consumer group.

Every position is set by us: at the committed offset, or at the first offset that the
broker still holds where that is later (then the next batch's `lo` shows the hole).
Rebalances are heard only inside `poll`, so none comes between a batch and its commit.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from confluent_kafka import Consumer, KafkaException, Message, TopicPartition

from tocsin.bus.kafka.errors import Kind, error_of, kind_of
from tocsin.bus.kafka.gather import Gathering, ends, place_of, take
from tocsin.bus.kafka.link import Link, Place, Trouble, in_time
from tocsin.bus.kafka.settings import CALL_S
from tocsin.errors import (
    BusError,
    BusUnavailable,
    TocsinError,
    TransactionAborted,
)
from tocsin.ports import bus as port

_LOOK_S = 1.0  # how often a waiting poll looks whether the broker is gone
_CLOSE_S = 2.0


class KafkaConsumer:
    """Reads the partitions that the group assigns to it."""

    def __init__(
        self, link: Link, topics: Sequence[str], *, group: str, member: str
    ) -> None:
        self._link = link
        self._topics = [link.full(topic) for topic in topics]
        self._group = link.full(group)
        self._member = member
        self._trouble = Trouble(link)
        self._gathering = Gathering()
        self._owed: set[Place] = set()  # returned, and not acknowledged yet
        self._forfeited: set[Place] = set()  # the same, and revoked since
        self._generation = 0
        self._misplaced: set[Place] = set()  # to be set at their position anew
        self._revoked: set[Place] = set()  # during the present look at the client
        self._must_rewind = False
        self._failure: TocsinError | None = None
        self._is_broken = False  # the client is to be made anew
        self._is_closed = False
        self._client: Consumer | None = None
        link.places(topics)  # a missing topic shows here, by its name
        self._open()

    def poll(
        self, *, max_records: int, wait_s: float, linger_s: float = 0.0
    ) -> list[port.Batch]:
        """See the port. A broker that is gone shows after a second or so."""
        self._link.settle()
        client = self._ready()
        self._gather(client, max_records, wait_s, stop_at_first=True)
        if linger_s > 0 and 0 < self._gathering.count < max_records:
            self._gather(client, max_records, linger_s, stop_at_first=False)
        batches = self._gathering.batches(self._link.prefix)
        self._owed |= {(self._link.full(b.topic), b.partition) for b in batches}
        return batches

    def assignment(self) -> port.Assignment:
        """See the port."""
        return port.Assignment(
            self._generation,
            {
                port.TopicPartition(self._link.short(place[0]), place[1]): (
                    self._position(place)
                )
                for place in self._gathering.places()
            },
        )

    def close(self) -> None:
        """See the port; takes at most 2 s, also when the broker is unreachable."""
        self._is_closed = True
        self._give_up()

    # What a transaction asks of a consumer.

    def unacknowledged(self) -> list[TopicPartition]:
        """The offsets after all that was returned and has not been committed.

        Raises:
            TransactionAborted: some of that is of a partition that is no longer ours;
                its owner reads it again.
        """
        if self._forfeited:
            names = ", ".join(f"{topic}[{p}]" for topic, p in sorted(self._forfeited))
            raise TransactionAborted(f"{names} went to another member of {self._group}")
        return [TopicPartition(*p, self._gathering.returned(p)) for p in self._owed]

    def group_metadata(self) -> object:
        """What proves to the broker that we are in the group, of this generation."""
        if self._client is None:
            raise BusUnavailable(f"the consumer of {self._group} is closed")
        return self._client.consumer_group_metadata()

    def acknowledged(self) -> None:
        """Note that all that was returned is committed."""
        self._owed.clear()

    def rewind(self) -> None:
        """Go back to the committed offsets, before anything more is read."""
        self._must_rewind = True
        self._owed.clear()
        self._forfeited.clear()

    # Reading.

    def _open(self) -> Consumer:
        settings = self._link.settings.member(self._group, self._member)
        client = self._link.build(Consumer, {**settings, "error_cb": self._trouble})
        client.subscribe(
            self._topics,
            on_assign=self._on_assign,
            on_revoke=self._on_revoke,
            on_lost=self._on_revoke,
        )
        self._client = client
        return client

    def _ready(self) -> Consumer:
        """The client, at the positions where it should be."""
        if self._is_closed:
            raise BusError(f"the consumer of group {self._group} is closed")
        client = self._client or self._open()
        if self._must_rewind:
            self._seek(client, self._starts(client, self._gathering.places()))
            self._must_rewind = False
            self._misplaced.clear()
        return client

    def _replace(self, client: Consumer) -> None:
        """Set partitions at their position anew, before anything else is taken.

        Not those of which something is gathered: they have stopped, and can wait.
        """
        ready = {p for p in self._misplaced if not self._gathering.gathered(p)}
        if ready:
            self._seek(client, self._resumptions(ready))
            self._misplaced -= ready

    def _gather(
        self, client: Consumer, max_records: int, wait_s: float, *, stop_at_first: bool
    ) -> None:
        """Gather until the time is over, or the first records are there."""
        until = time.monotonic() + wait_s
        while (room := max_records - self._gathering.count) > 0:
            left_s = until - time.monotonic()
            seen = self._look(client, room, max(0.0, min(left_s, _LOOK_S)))
            if not seen:
                self._check(client)
            if left_s <= 0 or (stop_at_first and self._gathering.count):
                return

    def _look(self, client: Consumer, room: int, wait_s: float) -> bool:
        """Take what the client has; whether it had anything."""
        self._replace(client)
        self._revoked.clear()
        seen = False
        try:
            for messages in take(client, room, wait_s):
                seen = True
                self._accept(messages)
        except KafkaException as error:
            raise self._link.error(error, f"reading {self._names()}") from error
        self._raise_failure()
        if seen:
            self._trouble.over()
        return seen

    def _accept(self, messages: list[Message]) -> None:
        if self._revoked:
            # They may be from before the revoke. Where a partition has come back in
            # the same look, it is read again from its start.
            self._misplaced |= self._revoked & set(self._gathering.places())
            messages = [
                message
                for message in messages
                if place_of(message) not in self._revoked
            ]
        other = self._gathering.add(messages)
        for place, offset in ends(other):
            self._gathering.end(place, offset)
        for message in other:
            self._hear(message)

    def _hear(self, message: Message) -> None:
        """Take an error that came instead of a record."""
        error = error_of(message.error())
        place = place_of(message)
        if error.name() in {"_AUTO_OFFSET_RESET", "OFFSET_OUT_OF_RANGE"}:
            if place in self._gathering.places():
                self._misplaced.add(place)
        elif error.fatal():
            self._fail(self._link.error(error, f"reading {self._names()}"))
        elif kind_of(error) in {Kind.DENIED, Kind.MISSING, Kind.SECURITY}:
            self._failure = self._link.error(error, f"reading {self._names()}")

    def _check(self, client: Consumer) -> None:
        """With nothing to read, find out whether the broker is gone."""
        self._trouble.check()
        if not self._trouble.is_down:
            return
        try:
            client.list_topics(self._topics[0], _LOOK_S / 2)
        except KafkaException as error:
            raise self._link.error(error, f"reading {self._names()}") from error
        self._trouble.over()

    def _fail(self, error: TocsinError) -> None:
        """End this poll with an error, and make a new client for the next."""
        self._failure, self._is_broken = error, True

    def _raise_failure(self) -> None:
        failure, self._failure = self._failure, None
        if self._is_broken:
            self._is_broken = False
            self._give_up()
        if failure is not None:
            raise failure

    def _give_up(self) -> None:
        client, self._client = self._client, None
        for place in self._gathering.places():
            self._drop(place)
        if client is not None:
            in_time(client.close, wait_s=_CLOSE_S)

    # Positions.

    def _on_assign(self, client: Consumer, partitions: list[TopicPartition]) -> None:
        self._generation += 1
        places = [(each.topic, each.partition) for each in partitions]
        try:
            starts = self._starts(client, places)
        except TocsinError as error:
            # An assignment cannot be refused: begin again with a new client.
            self._fail(error)
            return
        client.incremental_assign(
            [TopicPartition(*place, offset) for place, offset in starts.items()]
        )

    def _on_revoke(self, client: Consumer, partitions: list[TopicPartition]) -> None:
        del client
        self._generation += 1
        for each in partitions:
            place = (each.topic, each.partition)
            self._revoked.add(place)
            self._drop(place)
            self._misplaced.discard(place)

    def _drop(self, place: Place) -> None:
        """Let a partition go, and remember whether something of it is still held."""
        self._gathering.drop(place)
        if place in self._owed:
            self._owed.discard(place)
            self._forfeited.add(place)

    def _starts(self, client: Consumer, places: list[Place]) -> dict[Place, int]:
        """Where to read on: the committed offsets, or the beginning."""
        wanted = [TopicPartition(*place) for place in places]
        if not wanted:
            return {}
        try:
            # Waits for transactions that are just being committed.
            found = client.committed(wanted, CALL_S)
        except KafkaException as error:
            doing = f"committed offsets of group {self._group}"
            raise self._link.error(error, doing) from error
        committed = {
            (each.topic, each.partition): each.offset
            for each in found
            if each.offset >= 0
        }
        return self._held(places, committed)

    def _resumptions(self, places: set[Place]) -> dict[Place, int]:
        """Where to read on after a hole: at our own position, if it is still there."""
        known = [place for place in self._gathering.places() if place in places]
        return self._held(known, {p: self._gathering.returned(p) for p in known})

    def _held(self, places: list[Place], offsets: dict[Place, int]) -> dict[Place, int]:
        """The offsets, moved to the first one held where the broker has them no more.

        An offset after the end belongs to a topic that was made anew.
        """
        lows, highs = self._link.lows(places), self._link.highs(places)
        starts = {p: max(offsets.get(p, 0), lows[p]) for p in places}
        starts = {p: at if at <= highs[p] else lows[p] for p, at in starts.items()}
        for place, at in starts.items():
            self._gathering.place(place, at)
        return starts

    def _seek(self, client: Consumer, starts: dict[Place, int]) -> None:
        try:
            for place, offset in starts.items():
                client.seek(TopicPartition(*place, offset))
        except KafkaException as error:
            # Its state is not what we think: a new client finds its way.
            self._fail(self._link.error(error, f"going back in {self._names()}"))
            self._raise_failure()

    def _position(self, place: Place) -> port.Position:
        returned = self._gathering.returned(place)
        if self._client is None or self._gathering.at_end(place):
            return port.Position(returned, caught_up=True, lag=0)
        _, high = self._client.get_watermark_offsets(
            TopicPartition(*place), cached=True
        )
        lag = max(0, high - returned)
        # A transaction's mark is the last thing in a partition, and no record.
        return port.Position(returned, caught_up=high >= 0 and lag <= 1, lag=lag)

    def _names(self) -> str:
        return ", ".join(self._topics)
