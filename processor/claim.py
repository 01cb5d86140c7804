"""An identity that is claimed once in the life of a process.

Whoever opens a producer fences the older holder. A process that was replaced while it
was cut off from the bus must not do that when it comes back: it would end its rightful
successor. So the producer outlives outages, and tells at its next commit who took over.
"""

from __future__ import annotations

from typing import Self

from tocsin.ports.bus import Bus, Producer


class Claim:
    """The producer of an identity; use it as a context manager, which closes it."""

    def __init__(self, bus: Bus, identity: str) -> None:
        self._bus = bus
        self._identity = identity
        self._producer: Producer | None = None

    def producer(self) -> Producer:
        """The producer, opened at the first call that finds the bus."""
        if self._producer is None:
            self._producer = self._bus.producer(self._identity)
        return self._producer

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._producer is not None:
            self._producer.close()
