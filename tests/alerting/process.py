"""Alerting as a process that kills itself at one step, for the crash tests.

A server imports what it needs once and forks each process: a fiftieth of the time of
an interpreter of its own.

`point`: `never`, or one of `CRASH_POINTS`: before or after the transaction that decides
(incidents, outbox, offsets), before or after the one that records a delivery - before
it, Slack has accepted the message already.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, cast

from prometheus_client import CollectorRegistry

from alerting.telemetry import AlertingTelemetry
from alerting.worker import run
from tests.slack import TOKEN, WEBHOOK_PATH
from tocsin.bus.opening import open_bus
from tocsin.config.alerting import AlertingConfig, SlackConfig
from tocsin.config.model import BusConfig
from tocsin.ports.bus import Bus
from tocsin.records.topics import DELIVERIES, OUTBOX
from tocsin.telemetry import log
from tocsin.telemetry.health import Health

CRASH_POINTS = ("before-decision", "after-decision", "before-record", "after-record")
_TABLES = {OUTBOX: "decision", DELIVERIES: "record"}


class _Deadly:
    """Passes everything on to `inner`, but kills the process at a point."""

    def __init__(self, inner: Any, point: str) -> None:
        self._inner = inner
        self._point = point

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def producer(self, identity: str) -> _Deadly:
        return _Deadly(self._inner.producer(identity), self._point)

    @contextmanager
    def transaction(self) -> Iterator[_Watched]:
        with self._inner.transaction() as inner:
            watched = _Watched(inner)
            yield watched
            self._reach("before", watched)
        self._reach("after", watched)

    def _reach(self, when: str, watched: _Watched) -> None:
        if self._point in {f"{when}-{x}" for x in watched.kinds}:
            os.kill(os.getpid(), signal.SIGKILL)


class _Watched:
    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self.kinds: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def put(self, table: str, rows: Mapping[bytes, bytes | None]) -> None:
        if rows and table in _TABLES:
            self.kinds.add(_TABLES[table])
        self._inner.put(table, rows)


def start(bus_file: Path, url: str, point: str, log_file: Path) -> BaseProcess:
    """Start alerting on a bus; `url`: of Slack's API, or of an incoming webhook."""
    context = get_context("forkserver")
    context.set_forkserver_preload(["tests.alerting.process"])
    arguments = (str(bus_file), url, point, str(log_file))
    process = context.Process(target=main, args=arguments, daemon=True)
    process.start()
    return process


def main(bus_file: str, url: str, point: str, log_file: str) -> None:
    """Alert until SIGTERM, or until the point is reached."""
    os.dup2(os.open(log_file, os.O_WRONLY | os.O_CREAT | os.O_APPEND), 2)
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    log.configure("alerting")
    slack = {"bot_token": TOKEN, "channel": "#ops", "api_url": url}
    if url.endswith(WEBHOOK_PATH):
        slack = {"webhook_url": url}
    config = AlertingConfig(slack=SlackConfig.model_validate(slack))
    settings = BusConfig(url=f"embedded://{bus_file}")
    with open_bus(settings, state_dir=Path(bus_file).parent) as bus:
        run(
            cast("Bus", _Deadly(bus, point)),
            config,
            identity="alerting-1",
            telemetry=AlertingTelemetry(CollectorRegistry()),
            health=Health(),
            stop=stop,
        )
