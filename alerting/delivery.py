"""Delivery: makes each channel show what the outbox says. One thread a channel."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Sequence
from typing import Self

from alerting.channel import Channel
from alerting.notify.port import Notifier
from alerting.outbox import Desired
from alerting.telemetry import AlertingTelemetry
from tocsin.ports.bus import Bus
from tocsin.values import Clock

_LOAD_S = 10.0
_CLOSE_S = 8.0  # a channel answers within 6 s, or never


class Delivery:
    """The threads of all channels; a context manager that ends them.

    `failure` is set when a thread ended with an error; Fenced means that another
    process delivers now.
    """

    def __init__(
        self,
        bus: Bus,
        notifiers: Sequence[Notifier],
        *,
        telemetry: AlertingTelemetry,
        clock: Clock = time.time,
    ) -> None:
        self._stop = threading.Event()
        self.failure: BaseException | None = None
        self._channels = [
            Channel(
                bus,
                notifier,
                telemetry=telemetry,
                clock=clock,
                stop=self._stop,
                on_failure=self._on_failure,
            )
            for notifier in notifiers
        ]

    def start(self) -> None:
        """Start the threads; returns when they know what is delivered, ~10 s at most.

        What is submitted afterwards is certainly new: it needs no look-up.
        """
        for channel in self._channels:
            channel.start()
        for channel in self._channels:
            channel.loaded.wait(_LOAD_S)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def channels(self) -> list[str]:
        """The names of the channels."""
        return [x.name for x in self._channels]

    @property
    def waits_since(self) -> dict[str, float]:
        """Since when the oldest message of each channel waits, where one does."""
        waits = ((x.name, x.waits_since) for x in self._channels)
        return {name: since for name, since in waits if since is not None}

    def submit(self, rows: Iterable[Desired]) -> None:
        """Hand over rows that are committed; never blocks."""
        for row in rows:
            for channel in self._channels:
                if channel.name == row.channel:
                    channel.submit(row)

    def forget(self, incidents: Sequence[str]) -> None:
        """Let go of incidents whose rows are deleted."""
        for channel in self._channels:
            channel.forget(incidents)

    def close(self) -> None:
        """End the threads; waits at most 8 s for their answers."""
        self._stop.set()
        deadline = time.monotonic() + _CLOSE_S
        for channel in self._channels:
            channel.wake()
        for channel in self._channels:
            channel.join(max(0.0, deadline - time.monotonic()))

    def _on_failure(self, error: BaseException) -> None:
        self.failure = error
