"""The dead man's switch: somebody outside is asked as long as alerting works.

When the requests stop, that somebody (healthchecks.io, Dead Man's Snitch, a second
monitor) tells people. So it beats only while the loop turns: a thread that goes on
beating for a stuck process would be a lie.
"""

from __future__ import annotations

import threading
import time

from alerting.notify.web import Address
from alerting.telemetry import AlertingTelemetry
from tocsin.errors import DeliveryFailed
from tocsin.values import Clock

_STUCK_S = 30.0


class Heartbeat:
    """A thread that asks `url` each `every_s` seconds while `turn` is called."""

    def __init__(
        self,
        url: str,
        *,
        every_s: float,
        telemetry: AlertingTelemetry,
        clock: Clock = time.monotonic,
    ) -> None:
        self._address = Address(url)
        self._every_s = every_s
        self._telemetry = telemetry
        self._stop = threading.Event()
        self._clock = clock
        self._turned_at = clock()
        self._failing = False
        # A daemon: an address that does not answer must not keep the process alive.
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)
        self._thread.start()

    def turn(self) -> None:
        """The loop works."""
        self._turned_at = self._clock()

    def close(self) -> None:
        """Stop asking; waits at most a second for an answer."""
        self._stop.set()
        self._thread.join(1.0)
        self._address.close()

    def _run(self) -> None:
        while not self._stop.is_set():
            self.beat()
            self._stop.wait(self._every_s)

    def beat(self) -> None:
        """Ask once, unless the loop is stuck; what the thread does."""
        if self._clock() - self._turned_at >= _STUCK_S:
            return
        try:
            self._address.get("").close()
        except DeliveryFailed as error:
            self._telemetry.heartbeat(accepted=False)
            if not self._failing:
                self._telemetry.heart_failed(error)
            self._failing = True
        else:
            self._telemetry.heartbeat(accepted=True)
            self._failing = False
