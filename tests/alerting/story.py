"""Frames, and a running alerting worker on a real embedded bus, for the tests."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from prometheus_client import CollectorRegistry

from alerting.incident import Incident, decode_incident
from alerting.telemetry import AlertingTelemetry
from alerting.worker import run
from tests.slack import FakeSlack
from tocsin.bus.opening import open_bus
from tocsin.bus.specs import specs
from tocsin.config.alerting import AlertingConfig, SlackConfig
from tocsin.config.model import BusConfig
from tocsin.ports.bus import Bus, Records
from tocsin.records.frames import Frame, Pane, Sample, TemplateCount, encode_frame
from tocsin.records.topics import INCIDENTS, LOG_METRICS
from tocsin.telemetry.health import Health
from tocsin.values import LEVELS, Level

START = 1_773_446_400


def pane(  # what a test varies
    second: int,
    errors: int,
    *,
    service: str = "checkout",
    lines: int | None = None,
    host: str = "web-1",
    text: str = "payment <id> declined",
) -> Pane:
    """A pane of `errors` errors among `lines` lines, of one template."""
    counts = [0] * LEVELS
    counts[Level.ERROR] = errors
    counts[Level.INFO] = (errors if lines is None else lines) - errors
    sample = Sample(
        text=text.replace("<id>", "7f3"),
        path=f"/var/log/{service}/app.log",
        file_id="8-1",
        offset=4096,
        event_at=second + 0.25,
        read_at=second + 0.35,
    )
    found = (TemplateCount(text[:12], text, errors, sample),) if errors else ()
    return Pane(service, host, second, tuple(counts), 160, second + 0.35, found)


class Frames:
    """Frames of one source that tile."""

    def __init__(self, source: int = 0, lo: int = 0) -> None:
        self.source = source
        self.lo = lo

    def next(
        self,
        watermark: float,
        panes: Iterable[Pane] = (),
        *,
        processed_at: float | None = None,
    ) -> Frame:
        """The next frame, with these panes."""
        made = tuple(panes)
        lo, self.lo = self.lo, self.lo + sum(x.lines for x in made)
        at = watermark + 0.5 if processed_at is None else processed_at
        return Frame(self.source, lo, self.lo, watermark, True, at, made)


class Feed:
    """A bus file, and what a processor would write into it."""

    def __init__(self, folder: Path, settings: BusConfig | None = None) -> None:
        self.path = folder / "bus.db"
        self.settings = settings or BusConfig(url=f"embedded://{self.path}")
        self.bus = self.open()
        self.bus.ensure_topics(specs(self.settings), create=True)
        self._producer = self.bus.producer("processor")

    def open(self) -> Bus:
        """Another connection to the bus."""
        return open_bus(self.settings, state_dir=self.path.parent)

    def send(self, *frames: Frame) -> None:
        """Commit frames to log-metrics."""
        values = [encode_frame(x) for x in frames]
        keys = [b"%d" % x.source for x in frames]
        self.send_raw(Records(keys, values, [int(time.time() * 1000)] * len(keys)))

    def send_raw(self, records: Records) -> None:
        """Commit records to log-metrics."""
        with self._producer.transaction() as transaction:
            transaction.send(LOG_METRICS, 0, records)

    def put(self, table: str, key: bytes, value: bytes) -> None:
        """Commit a row of a table."""
        with self._producer.transaction() as transaction:
            transaction.put(table, {key: value})

    def incidents(self) -> list[Incident]:
        """The incidents as they are committed."""
        view = self.bus.table(INCIDENTS)
        try:
            return [decode_incident(x) for x in view.rows.values()]
        finally:
            view.close()

    def rows(self, table: str) -> dict[bytes, bytes]:
        """The rows of a table as they are committed."""
        view = self.bus.table(table)
        try:
            return dict(view.rows)
        finally:
            view.close()

    def values(self, topic: str) -> list[bytes]:
        """All records of a topic."""
        reader = self.bus.reader([topic])
        found: list[bytes] = []
        while not reader.is_caught_up():
            for batch in reader.poll(max_records=1000, wait_s=0.1):
                found += batch.records.values
        reader.close()
        return found

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.bus.close()


class Alerting:
    """A worker on the bus of a feed, in its own thread."""

    def __init__(
        self,
        feed: Feed,
        config: AlertingConfig,
        *,
        identity: str = "alerting-1",
        through: Callable[[Bus], Bus] = lambda bus: bus,
    ) -> None:
        self._bus = through(feed.open())
        self._config = config
        self._identity = identity
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.registry = CollectorRegistry()
        self.health = Health()
        self.error: BaseException | None = None

    def metric(self, name: str, **labels: str) -> float:
        """The value of a metric, 0 where it has none."""
        return self.registry.get_sample_value(name, labels) or 0.0

    def join(self, timeout_s: float = 10.0) -> bool:
        """Wait until the worker ends by itself; whether it did."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join(15)
        self._bus.close()

    def _run(self) -> None:
        try:
            run(
                self._bus,
                self._config,
                identity=self._identity,
                telemetry=AlertingTelemetry(self.registry),
                health=self.health,
                stop=self._stop,
            )
        except BaseException as error:  # noqa: BLE001 - a test looks at it
            self.error = error


def bot(slack: FakeSlack, channel: str = "#ops") -> AlertingConfig:
    """A configuration that posts to the fake Slack with a bot token."""
    return AlertingConfig(
        slack=SlackConfig.model_validate(
            {"bot_token": slack.token, "channel": channel, "api_url": slack.api_url}
        )
    )


def wait_until(happened: Callable[[], object], *, timeout_s: float = 10.0) -> bool:
    """Poll until it happened; false when it did not in time."""
    deadline = time.monotonic() + timeout_s
    while not happened():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def burst(
    second: int, errors: int = 20, *, service: str = "checkout"
) -> Sequence[Pane]:
    """Panes that fire."""
    return [pane(second, errors, service=service)]
