"""A real bus whose commits fail when they are told to."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from enum import Enum
from typing import Any

from tocsin.errors import BusUnavailable, TransactionAborted
from tocsin.ports.bus import Bus, Producer, TableView, Transaction


class Fault(Enum):
    """How the next commits go."""

    NONE = "they work"
    ABORTED = "nothing happens, and the producer says so"
    AWAY = "nothing happens, and the bus is away"
    ANSWER_LOST = "they happen, but the bus is away before it says so"


class FaultyBus:
    """Passes everything on to a real bus; `fault` says how commits go.

    `claimed`: the identities that producers were opened for. `before_commit` is called
    when a transaction has all that it takes.
    """

    def __init__(self, inner: Bus) -> None:
        self._inner = inner
        self.fault = Fault.NONE
        self.failed = 0
        self.claimed: list[str] = []
        self.before_commit: Callable[[], object] | None = None

    def producer(self, identity: str) -> Producer:
        """See the port."""
        self._check()
        self.claimed.append(identity)
        return FaultyProducer(self, self._inner.producer(identity))

    def table(self, name: str, *, prefix: bytes = b"") -> TableView:
        """See the port."""
        self._check()
        return self._inner.table(name, prefix=prefix)

    def _check(self) -> None:
        if self.fault is Fault.AWAY:
            self.failed += 1
            raise BusUnavailable("the bus is away")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


class FaultyProducer:
    """The producer of a faulty bus."""

    def __init__(self, bus: FaultyBus, inner: Producer) -> None:
        self._bus = bus
        self._inner = inner
        self.identity = inner.identity

    @contextlib.contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """See the port."""
        with self._inner.transaction() as transaction:
            yield transaction
            if self._bus.before_commit is not None:
                self._bus.before_commit()
            if self._bus.fault is Fault.ABORTED:
                self._bus.failed += 1
                raise TransactionAborted("as the test wanted")
            if self._bus.fault is Fault.AWAY:
                self._bus.failed += 1
                raise BusUnavailable("the bus is away")
        if self._bus.fault is Fault.ANSWER_LOST:
            self._bus.failed += 1
            raise BusUnavailable("no answer to the commit")

    def close(self) -> None:
        """See the port."""
        self._inner.close()
