"""What the objects of one bus share: settings, names, the administration client."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from concurrent import futures
from contextlib import suppress
from typing import Any, Protocol, TypeVar

from confluent_kafka import (
    IsolationLevel,
    KafkaError,
    KafkaException,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient, OffsetSpec

from tocsin.bus.kafka.errors import Kind, error_of, kind_of, translate
from tocsin.bus.kafka.settings import CALL_S, ClientSettings
from tocsin.errors import BusUnavailable, TocsinError

Place = tuple[str, int]
"""A partition: the topic's full name, prefix included, and the number."""

_SLICE_S = 0.5  # a wrong password shows within this time, not at a call's end

_REFUSED_S = 1.2  # after so long, a port that refuses connections is told
_HEARD_S = 3.0  # after so long, every broker has heard of a new topic
_PAUSE_S = 0.02  # between a failure that came at once and the next try

T = TypeVar("T")


class Settles(Protocol):
    """Something whose last transaction has an unknown outcome."""

    def settle(self) -> None:
        """Find out, so that what is committed can be read."""


class Trouble:
    """Hears what a client tells beside its calls, and says whether to go on.

    Wrong credentials are told and then retried for ever, while the calls stay silent.
    """

    def __init__(self, link: Link) -> None:
        self._link = link
        self._security: KafkaError | None = None
        self._last: KafkaError | None = None
        self.is_down = False

    def __call__(self, error: KafkaError) -> None:
        """Take one of the client's errors; it calls this while it is polled."""
        if kind_of(error) is Kind.SECURITY:
            self._security = error
        elif error.code() == KafkaError._ALL_BROKERS_DOWN:  # noqa: SLF001 - its public name
            self.is_down = True
        else:
            self._last = error

    def reason(self, error: KafkaError) -> KafkaError:
        """What a connection's failure was told to be, in place of that it failed."""
        if self._last is not None and self._last.code() == error.code():
            return self._last
        return error

    def over(self) -> None:
        """Tell that the broker answered."""
        self._security = None
        self.is_down = False
        self._link.was_connected = True

    def check(self) -> None:
        """Raise where waiting is of no use.

        Raises:
            BusError: credentials or certificates are refused; BusUnavailable once a
                connection has worked, as it then is the broker that changes.
        """
        if self._security is None:
            return
        error = self._link.error(self._security, f"cannot log in at {self._link.where}")
        if self._link.was_connected:
            raise BusUnavailable(str(error), hint=error.hint)
        raise error


class Link:
    """The connection behind a bus. It may be shared between threads."""

    def __init__(self, settings: ClientSettings, *, prefix: str) -> None:
        self.settings = settings
        self.prefix = prefix
        self.where = f"kafka://{settings.bootstrap}"
        self.was_connected = False
        self.was_allowed = False
        self.may_create = True
        self.limits: dict[str, int] = {}
        self.lock = threading.RLock()
        self.trouble = Trouble(self)
        self._admin: AdminClient | None = None
        self._counts: dict[str, int] = {}
        self._in_doubt: list[Settles] = []

    def full(self, topic: str) -> str:
        """The topic's name at the broker."""
        return self.prefix + topic

    def short(self, name: str) -> str:
        """The topic's name without the prefix."""
        return name.removeprefix(self.prefix)

    @property
    def admin(self) -> AdminClient:
        """The administration client; opened when first needed."""
        with self.lock:
            if self._admin is None:
                self._admin = self.build(
                    AdminClient,
                    {**self.settings.admin(), "error_cb": self.trouble},
                )
            return self._admin

    def build(self, client: Callable[[dict[str, Any]], T], settings: Any) -> T:
        """Make a client.

        Raises:
            BusError: a setting is wrong, or a file that it names.
        """
        try:
            return client(settings)
        except KafkaException as error:
            # The client's exception may quote a setting's value: do not chain it.
            raise self.error(error, "bus.kafka") from None

    def error(self, error: KafkaException | KafkaError, doing: str) -> TocsinError:
        """Our error for the client's, without any secret in it.

        A right that was there and is gone is waited for: whoever took it gives it
        back, and a collector that had ended by then would have to be started again.
        """
        ours = translate(error, doing)
        if self.was_allowed and kind_of(error) is Kind.DENIED:
            ours = BusUnavailable(str(ours), hint=ours.hint)
        ours.args = (self.settings.masked(str(ours)), *ours.args[1:])
        return ours

    def patiently(
        self,
        call: Callable[[float], T],
        doing: str,
        *,
        trouble: Trouble,
        serve: Callable[[float], object],
    ) -> T:
        """Call again until it works or CALL_S is over, hearing the client's complaints.

        `call` takes a timeout: short ones first, so that a wrong password shows soon.
        """
        deadline = time.monotonic() + CALL_S
        slice_s = _SLICE_S
        while True:
            left_s = deadline - time.monotonic()
            try:
                result = call(max(0.05, min(left_s, slice_s)))
            except KafkaException as error:
                with suppress(KafkaException):  # the same one again, when it is fatal
                    serve(0.02)
                trouble.check()
                inner = error_of(error)
                left_s = deadline - time.monotonic()
                unheard = kind_of(error) is Kind.MISSING and left_s > CALL_S - _HEARD_S
                again = (
                    kind_of(error) is Kind.UNAVAILABLE or inner.retriable() or unheard
                )
                refused = trouble.is_down and left_s < CALL_S - _REFUSED_S
                if left_s <= 0 or refused or not again or inner.fatal():
                    raise self.error(trouble.reason(inner), doing) from error
                slice_s *= 2
                time.sleep(_PAUSE_S)
            else:
                trouble.over()
                return result

    def asked(
        self, request: Callable[[float], dict[Any, futures.Future[T]]], doing: str
    ) -> dict[Any, T]:
        """Make an administrative request, which takes a timeout, and wait for answers.

        Raises:
            BusUnavailable: a leader is not known (yet), or nobody answers.
        """

        def call(wait_s: float) -> dict[Any, T]:
            answers = request(wait_s)
            try:
                # The request has a timeout of its own; this is for a client that hangs.
                return {key: a.result(wait_s + 1) for key, a in answers.items()}
            except futures.TimeoutError:
                raise _timed_out() from None

        return self.patiently(call, doing, trouble=self.trouble, serve=self.admin.poll)

    def metadata(self, topic: str | None = None) -> dict[str, Any]:
        """The topics at the broker by full name, or one of them."""
        found = self.patiently(
            lambda wait_s: self.admin.list_topics(topic, wait_s),
            f"cannot reach Kafka at {self.where}",
            trouble=self.trouble,
            serve=self.admin.poll,
        )
        topics: dict[str, Any] = found.topics
        return topics

    def partitions(self, topic: str) -> int:
        """How many partitions a topic has; it is asked once."""
        name = self.full(topic)
        if name not in self._counts:
            known = self.metadata(name)[name]
            if known.error is not None:
                raise self.error(known.error, f"topic {name}")
            self._counts[name] = len(known.partitions)
        return self._counts[name]

    def places(self, topics: Iterable[str]) -> list[Place]:
        """All partitions of the topics."""
        return [(self.full(t), p) for t in topics for p in range(self.partitions(t))]

    def lows(self, places: Iterable[Place]) -> dict[Place, int]:
        """The first offset that each partition still holds."""
        return self._offsets(places, OffsetSpec.earliest())

    def highs(self, places: Iterable[Place]) -> dict[Place, int]:
        """The offset that comes next in each, counting transactions that are open."""
        return self._offsets(places, OffsetSpec.latest())

    def _offsets(self, places: Iterable[Place], spec: OffsetSpec) -> dict[Place, int]:
        wanted = {TopicPartition(*place): spec for place in places}
        if not wanted:
            return {}
        return self.patiently(
            lambda wait_s: self._list_offsets(wanted, wait_s),
            f"offsets of {', '.join(sorted({tp.topic for tp in wanted}))}",
            trouble=self.trouble,
            serve=self.admin.poll,
        )

    def _list_offsets(
        self, wanted: dict[TopicPartition, OffsetSpec], wait_s: float
    ) -> dict[Place, int]:
        answers = self.admin.list_offsets(
            wanted,
            isolation_level=IsolationLevel.READ_UNCOMMITTED,
            request_timeout=wait_s,
        )
        try:
            found = {
                (tp.topic, tp.partition): answer.result(wait_s + 1).offset
                for tp, answer in answers.items()
            }
        except futures.TimeoutError:
            raise _timed_out() from None
        except KafkaException:
            # A leader that has changed is asked for again and again, until somebody
            # fetches the news.
            self.admin.list_topics(timeout=wait_s)
            raise
        # Without an answer in time, the client gives these instead of an error.
        if any(offset < 0 for offset in found.values()):
            raise _timed_out()
        return found

    def doubt(self, producer: Settles) -> None:
        """Note that a producer does not know how its transaction ended."""
        with self.lock:
            if producer not in self._in_doubt:
                self._in_doubt.append(producer)

    def settled(self, producer: Settles) -> None:
        """Note that it knows, or is gone."""
        with self.lock:
            if producer in self._in_doubt:
                self._in_doubt.remove(producer)

    def settle(self) -> None:
        """Let every transaction of unknown outcome end before something is read.

        Whoever reloads its state would otherwise read what holds before a transaction
        that commits a moment later.
        """
        with self.lock:
            doubted = list(self._in_doubt)
        for producer in doubted:
            producer.settle()


def _timed_out() -> KafkaException:
    return KafkaException(KafkaError(KafkaError._TIMED_OUT))  # noqa: SLF001 - its public name


def in_time(action: Callable[[], object], *, wait_s: float) -> None:
    """Run an action that may hang, and go on after `wait_s` seconds at the latest."""
    thread = threading.Thread(target=action, daemon=True)
    thread.start()
    thread.join(wait_s)
