"""The processor: two loops in one process, each with its own identity and group."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

from processor.lines_loop import LinesLoop
from processor.telemetry import ProcessorTelemetry
from processor.windows_loop import WindowsLoop
from tocsin.config.model import ProcessorConfig
from tocsin.config.tallies import Tally
from tocsin.ports.bus import Bus
from tocsin.telemetry.health import Health
from tocsin.values import Clock


def run(  # noqa: PLR0913 - the parts that every worker takes
    bus: Bus,
    config: ProcessorConfig,
    *,
    identity: str,
    telemetry: ProcessorTelemetry,
    health: Health,
    stop: threading.Event,
    clock: Clock = time.time,
    tallies: Sequence[Tally] = (),
) -> None:
    """Turn lines into panes and panes into windows until `stop` is set.

    `tallies`: what alerting's rules have counted.

    Blocks; ends within some seconds of `stop`, and when either loop fails: a half of
    the processor is worse than a restart.

    Raises:
        Fenced: another process has this identity.
        BusError: waiting for the bus would not help.
        ConfigError: the time zone is not known.
    """
    parts = (bus, config, identity, telemetry, health, stop, clock)
    windows = _Failing(WindowsLoop(*parts).run, stop)
    thread = threading.Thread(target=windows, name="windows")
    thread.start()
    try:
        LinesLoop(*parts, tallies).run()
    finally:
        # Also where the lines loop failed: the other one has to end with it.
        stop.set()
        thread.join()
    if windows.error is not None:
        raise windows.error


class _Failing:
    """Runs a loop in a thread; its error stops the other loop and is kept."""

    def __init__(self, loop: Callable[[], None], stop: threading.Event) -> None:
        self._loop = loop
        self._stop = stop
        self.error: BaseException | None = None

    def __call__(self) -> None:
        try:
            self._loop()
        except BaseException as error:  # noqa: BLE001 - run() raises it
            self.error = error
        finally:
            self._stop.set()
