"""The product as a user runs it: `tocsin run` as a process, and what it left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import msgspec
import psutil

from tests.slack import FakeSlack
from tocsin.bus.opening import open_bus
from tocsin.config.model import BusConfig
from tocsin.records import topics
from tocsin.records.public import AlertRecord, WindowRecord

T = TypeVar("T")

COMPONENTS = ("collect", "process", "alert")

TEXT = """\
bus:
  url: {bus}
  topic_prefix: "{prefix}"
processor:
  window: 10s
  timezone: UTC
alerting:
  burst:
    resolve_quiet: 3s
    resolve_window: 5s
"""


class Product:
    """`tocsin run` on a directory, with Slack's address turned to a fake."""

    def __init__(
        self, folder: Path, *, bus: str, slack: FakeSlack, prefix: str = ""
    ) -> None:
        self.logs = folder / "logs"
        self.state = folder / "state"
        self.output = folder / "output.txt"
        self.bus = BusConfig(url=bus, topic_prefix=prefix)
        self._config = folder / "tocsin.yaml"
        self._config.write_text(TEXT.format(bus=bus, prefix=prefix), "utf-8")
        self._slack = slack
        self._process: subprocess.Popen[bytes] | None = None
        self.logs.mkdir()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start it; does not wait."""
        command = [sys.executable, "-m", "tocsin", "run", str(self.logs)]
        command += ["--config", str(self._config), "--state-dir", str(self.state)]
        environment = {
            **os.environ,
            "TOCSIN_SLACK_BOT_TOKEN": self._slack.token,
            "TOCSIN_SLACK_CHANNEL": "#alerts",
            "TOCSIN_SLACK_API_URL": self._slack.api_url,
        }
        with self.output.open("ab") as output:
            self._process = subprocess.Popen(
                command, env=environment, stdout=output, stderr=subprocess.STDOUT
            )

    def stop(self) -> int:
        """SIGTERM, and wait: its exit status."""
        process, self._process = self._process, None
        if process is None:
            return 0
        process.terminate()
        return process.wait(timeout=20)

    def kill(self, component: str) -> None:
        """Kill -9 one component's process; the supervisor starts it again."""
        victim = wait_for(lambda: self._child(component), what=component)
        victim.send_signal(signal.SIGKILL)

    def _child(self, component: str) -> psutil.Process | None:
        assert self._process is not None
        for child in psutil.Process(self._process.pid).children(recursive=True):
            try:
                if component in child.cmdline():
                    return child
            except psutil.NoSuchProcess:
                continue
        return None

    def said(self) -> str:
        """The last of what it printed; nothing before it was started."""
        if not self.output.exists():
            return ""
        return self.output.read_text("utf-8", "replace")[-20_000:]

    def resident_bytes(self) -> dict[str, int]:
        """The resident memory of each component's process now."""
        found = ((name, self._child(name)) for name in COMPONENTS)
        return {name: child.memory_info().rss for name, child in found if child}

    def cpu_s(self) -> dict[str, float]:
        """The seconds of processor time that each component has used."""
        found = ((name, self._child(name)) for name in COMPONENTS)
        times = {name: child.cpu_times() for name, child in found if child}
        return {name: each.user + each.system for name, each in times.items()}

    def counts(self) -> dict[str, dict[str, int]]:
        """Lines by service and level: sums over log-metrics-1m's highest revisions."""
        newest: dict[bytes, WindowRecord] = {}
        for key, value in self._records(topics.LOG_METRICS_1M):
            record = msgspec.json.decode(value, type=WindowRecord)
            if key not in newest or record.revision > newest[key].revision:
                newest[key] = record
        sums: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        for record in newest.values():
            for level in ("debug", "info", "warn", "error", "fatal", "unknown"):
                sums[record.service][level.upper()] += getattr(record, level)
        return {
            service: {level: n for level, n in levels.items() if n}
            for service, levels in sums.items()
        }

    def streams(self) -> int:
        """How many files the collector has shipped something of."""
        with open_bus(self.bus, state_dir=self.state, client_id="test") as bus:
            if topics.STREAMS not in {info.name for info in bus.topics()}:
                return 0
            return len(bus.table(topics.STREAMS).rows)

    def alerts(self) -> list[AlertRecord]:
        """The life of all incidents, in order."""
        return [
            msgspec.json.decode(value, type=AlertRecord)
            for _, value in self._records(topics.ALERTS)
        ]

    def _records(self, topic: str) -> Iterator[tuple[bytes, bytes]]:
        with open_bus(self.bus, state_dir=self.state, client_id="test") as bus:
            if topic not in {info.name for info in bus.topics()}:
                return
            reader = bus.reader([topic])
            while not reader.is_caught_up():
                for batch in reader.poll(max_records=10_000, wait_s=0.2):
                    yield from zip(
                        batch.records.keys, batch.records.values, strict=True
                    )
            reader.close()


def wait_for(find: Callable[[], T | None], *, what: str, within_s: float = 60) -> T:
    """Ask again and again until there is an answer.

    Raises:
        AssertionError: there was none in time.
    """
    end = time.monotonic() + within_s
    while time.monotonic() < end:
        found = find()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError(f"no {what} within {within_s} s")
