"""Messages become columns, partition by partition. Knows no broker.

Invariants of `Gathering`, for each partition that is placed:
    returned <= fetched; every record kept has an offset in [returned, fetched).
    A record below `fetched` came before (a stale fetch) and is dropped.
    What lies between two records that follow each other are marks of transactions,
    aborted records or compacted ones, never records that we should have seen: the
    client may not move a position by itself (auto.offset.reset=error).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter

from confluent_kafka import Consumer, KafkaError, Message

from tocsin.bus.kafka.link import Place
from tocsin.ports.bus import Batch, Records

CHUNK = 500
"""Messages held at once: with 20,000 of them reading is half as fast."""

_second = itemgetter(1)


@dataclass(slots=True)
class _Track:
    """One partition: its offsets, and the columns gathered since the last batch."""

    returned: int
    fetched: int
    end: int | None = None  # where the client saw nothing more, while that holds
    keys: list[bytes] = field(default_factory=list)
    values: list[bytes | None] = field(default_factory=list)
    timestamps_ms: list[int] = field(default_factory=list)


class Gathering:
    """What has been read and not been handed out yet."""

    def __init__(self) -> None:
        self._tracks: dict[Place, _Track] = {}
        self._topics: set[str] = set()  # of all that was ever placed
        self.count = 0

    def places(self) -> list[Place]:
        """The partitions that are placed."""
        return list(self._tracks)

    def place(self, place: Place, offset: int) -> None:
        """Begin a partition at an offset; what was gathered of it is dropped."""
        self.drop(place)
        self._topics.add(place[0])
        self._tracks[place] = _Track(offset, offset)

    def drop(self, place: Place) -> None:
        """Forget a partition, with what was gathered of it."""
        if track := self._tracks.pop(place, None):
            self.count -= len(track.values)

    def returned(self, place: Place) -> int:
        """The first offset that no batch has covered yet."""
        return self._tracks[place].returned

    def fetched(self, place: Place) -> int:
        """The first offset that has not been gathered yet."""
        return self._tracks[place].fetched

    def gathered(self, place: Place) -> int:
        """How many records of a partition wait to be handed out."""
        track = self._tracks.get(place)
        return len(track.values) if track else 0

    def at_end(self, place: Place) -> bool:
        """Whether the client saw the end, and nothing since."""
        return self._tracks[place].end is not None

    def end(self, place: Place, offset: int) -> None:
        """Note that the client saw nothing at `offset`, the end of a partition."""
        track = self._tracks.get(place)
        if track is not None and offset >= track.fetched:
            track.end = track.fetched = offset

    def add(self, messages: list[Message]) -> list[Message]:
        """Keep records; the others: ends of partitions and errors.

        Records of partitions that are not placed are dropped.
        """
        # Each call a record is a twentieth of reading, and what is no record has no
        # key: where each has one, errors are not asked for.
        keys = list(map(Message.key, messages))
        other: list[Message] = []
        if not all(keys):
            messages, other = split(messages)
            keys = list(map(Message.key, messages))
        for place, part in self._runs(messages):
            track = self._tracks.get(place)
            if track is not None:
                self._extend(track, messages[part], keys[part])
        return other

    def _extend(
        self, track: _Track, run: list[Message], keys: list[bytes | None]
    ) -> None:
        if _offset(run[0]) < track.fetched:
            run = [message for message in run if _offset(message) >= track.fetched]
            if not run:
                return
            keys = list(map(Message.key, run))
        track.keys += _without_none(keys)
        # `map` spares some of each call.
        track.values += map(Message.value, run)
        track.timestamps_ms += map(_second, map(Message.timestamp, run))
        track.fetched = _offset(run[-1]) + 1
        track.end = None
        self.count += len(run)

    def _runs(self, messages: list[Message]) -> Iterator[tuple[Place, slice]]:
        """Where the messages of one partition follow each other."""
        if not messages:
            return
        # Most chunks come from one partition; sets find that out three times as fast.
        # A topic of which nothing was placed sends nothing.
        if len(set(map(Message.partition, messages))) == 1 and (
            len(self._topics) == 1 or len(set(map(Message.topic, messages))) == 1
        ):
            yield place_of(messages[0]), slice(None)
            return
        start = 0
        for place, run in groupby(messages, place_of):
            end = start + sum(1 for _ in run)
            yield place, slice(start, end)
            start = end

    def batches(self, prefix: str) -> list[Batch]:
        """Hand out everything gathered, at most one batch a partition.

        A batch reaches up to the end that was seen after its last record, so that a
        group that has read everything has no lag.
        """
        ready = [(p, t) for p, t in self._tracks.items() if t.values]
        batches = [
            Batch(
                topic=name.removeprefix(prefix),
                partition=partition,
                lo=track.returned,
                hi=track.fetched,
                records=Records(
                    track.keys,
                    _without_none(track.values),
                    track.timestamps_ms,
                ),
            )
            for (name, partition), track in ready
        ]
        for _, track in ready:
            track.returned = track.fetched
            track.keys, track.values, track.timestamps_ms = [], [], []
        self.count = 0
        return batches

    def rows(self) -> Iterator[tuple[bytes, bytes | None]]:
        """Hand out everything gathered as rows of a table."""
        for track in self._tracks.values():
            yield from zip(track.keys, track.values, strict=True)
            track.returned = track.fetched
            track.keys, track.values, track.timestamps_ms = [], [], []
        self.count = 0


def take(client: Consumer, max_messages: int, wait_s: float) -> Iterator[list[Message]]:
    """Wait for a message, then give what else is there, in small lists.

    `consume` alone would wait for a full list.
    """
    first = client.poll(wait_s)
    if first is None:
        return
    yield [first]
    left = max_messages - 1
    while left > 0:
        messages = client.consume(min(left, CHUNK), 0)
        if not messages:
            return
        left -= len(messages)
        yield messages


def split(messages: list[Message]) -> tuple[list[Message], list[Message]]:
    """Records, and what is none: ends of partitions and errors."""
    if not any(map(Message.error, messages)):
        return messages, []
    good = [message for message in messages if message.error() is None]
    return good, [message for message in messages if message.error() is not None]


def ends(messages: Iterable[Message]) -> Iterator[tuple[Place, int]]:
    """Those of the messages that tell the end of a partition."""
    for message in messages:
        error = message.error()
        if error is not None and error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - its public name
            yield place_of(message), _offset(message)


def _without_none(values: list[bytes | None]) -> list[bytes]:
    # Nearly no list has an empty value, and to see that costs a third.
    if all(values) or None not in values:
        return values  # type: ignore[return-value]
    return [value or b"" for value in values]


def place_of(message: Message) -> Place:
    """Where a message comes from."""
    return message.topic(), message.partition()  # type: ignore[return-value]


def _offset(message: Message) -> int:
    return message.offset()  # type: ignore[return-value]
