"""Readers without a group; they set their positions themselves."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from confluent_kafka import (
    Consumer,
    KafkaError,
    KafkaException,
    Message,
    TopicPartition,
)

from tocsin.bus.kafka.errors import Kind, error_of, kind_of
from tocsin.bus.kafka.gather import Gathering, ends, place_of, take
from tocsin.bus.kafka.link import Link, Place, Trouble, in_time
from tocsin.bus.kafka.settings import CALL_S
from tocsin.ports.bus import Batch, Start

_CLOSE_S = 2.0


class Follower:
    """A client without a group at positions of our choice; it gathers."""

    def __init__(self, link: Link, settings: Mapping[str, object]) -> None:
        self._link = link
        self._trouble = Trouble(link)
        self._client = link.build(Consumer, {**settings, "error_cb": self._trouble})
        self.gathering = Gathering()

    def assign(self, starts: Mapping[Place, int]) -> None:
        """Read these partitions and no others, from these offsets."""
        for place in self.gathering.places():
            self.gathering.drop(place)
        for place, offset in starts.items():
            self.gathering.place(place, offset)
        self._client.assign([TopicPartition(*p, at) for p, at in starts.items()])

    def look(self, max_records: int, wait_s: float) -> None:
        """Gather what comes within `wait_s`, and what else is there then."""
        lost: set[Place] = set()
        try:
            for messages in take(self._client, max_records, wait_s):
                other = self.gathering.add(messages)
                for place, offset in ends(other):
                    self.gathering.end(place, offset)
                lost.update(filter(None, map(self._hear, other)))
                self._trouble.over()
        except KafkaException as error:
            raise self._link.error(error, self._doing()) from error
        self._trouble.check()
        if self._trouble.is_down:
            self._probe()
        if lost:
            self._resume(lost)

    def offset_at(self, places: Sequence[Place], at_s: float) -> dict[Place, int]:
        """The first record at or after a time (Unix seconds), or the end."""
        wanted = [TopicPartition(*place, int(at_s * 1000)) for place in places]
        found = self._link.patiently(
            lambda wait_s: self._client.offsets_for_times(wanted, wait_s),
            self._doing(),
            trouble=self._trouble,
            serve=lambda _: None,
        )
        highs = self._link.highs(places)
        return {
            (each.topic, each.partition): each.offset
            if each.offset >= 0
            else highs[each.topic, each.partition]
            for each in found
        }

    def close(self) -> None:
        """Give up; takes at most 2 s."""
        in_time(self._client.close, wait_s=_CLOSE_S)

    def _hear(self, message: Message) -> Place | None:
        """Take what came instead of a record; a partition whose records are gone."""
        error = error_of(message.error())
        if error.code() == KafkaError.GROUP_AUTHORIZATION_FAILED:
            # The client asks for its group's coordinator, which nobody needs here.
            return None
        if kind_of(error) in {Kind.DENIED, Kind.MISSING}:
            raise self._link.error(error, self._doing())
        if error.name() in {"_AUTO_OFFSET_RESET", "OFFSET_OUT_OF_RANGE"}:
            return place_of(message)
        return None

    def _probe(self) -> None:
        try:
            self._client.list_topics(self.gathering.places()[0][0], CALL_S / 10)
        except KafkaException as error:
            raise self._link.error(error, self._doing()) from error
        self._trouble.over()

    def _resume(self, lost: set[Place]) -> None:
        """Go on at the first records held, where ours are no longer there."""
        lows = self._link.lows(lost)
        for place in lost:
            at = max(lows[place], self.gathering.fetched(place))
            self.gathering.place(place, at)
            self._client.seek(TopicPartition(*place, at))

    def _doing(self) -> str:
        topics = sorted({topic for topic, _ in self.gathering.places()})
        return f"reading {', '.join(topics)}"


class KafkaReader:
    """Reads whole topics without a group."""

    def __init__(
        self, link: Link, topics: Sequence[str], *, start: Start | float
    ) -> None:
        self._link = link
        places = link.places(topics)
        self._follower = Follower(link, link.settings.reader())
        self._targets = link.highs(places)
        if start is Start.BEGINNING:
            starts = link.lows(places)
        elif start is Start.END:
            starts = dict(self._targets)
        else:
            starts = self._follower.offset_at(places, start)
        self._follower.assign(starts)

    def poll(self, *, max_records: int, wait_s: float) -> list[Batch]:
        """See the port."""
        self._link.settle()
        gathering = self._follower.gathering
        was_caught_up = self.is_caught_up()
        until = time.monotonic() + wait_s
        while True:
            left_s = until - time.monotonic()
            self._follower.look(max_records, max(0.0, min(left_s, 1.0)))
            if gathering.count or left_s <= 0 or self.is_caught_up() > was_caught_up:
                return gathering.batches(self._link.prefix)

    def is_caught_up(self) -> bool:
        """See the port."""
        gathering = self._follower.gathering
        return gathering.count == 0 and all(
            gathering.fetched(place) >= target
            for place, target in self._targets.items()
        )

    def close(self) -> None:
        """See the port."""
        self._follower.close()
