"""`tocsin collect` as a process: started, asked, stopped, killed."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import urllib3
from prometheus_client.parser import text_string_to_metric_families

T = TypeVar("T")

PATIENCE_S = 40.0
"""How long anything may take on a machine that does other things as well."""


def eventually(find: Callable[[], T], what: str, within_s: float = PATIENCE_S) -> T:
    """Ask again and again until the answer is true.

    Raises:
        AssertionError: it was not, in time.
    """
    end = time.monotonic() + within_s
    while not (found := find()):
        assert time.monotonic() < end, f"{what}: not within {within_s} s"
        time.sleep(0.01)
    return found


@dataclass(slots=True)
class Collector:
    """One run of `tocsin collect`, a context manager: SIGTERM at its end.

    `words` are options, `settings` go below `collector:` in its file, `wrapper` comes
    before the program, such as `setpriv …`. It may be started again.
    """

    folder: Path
    state: Path
    url: str
    prefix: str
    paths: Sequence[str | Path | bytes]
    words: Sequence[str] = ()
    settings: Mapping[str, object] = field(default_factory=dict)
    wrapper: Sequence[str] = ()
    name: str = "it"
    environment: Mapping[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None
    _said_before: int = 0

    @property
    def log(self) -> Path:
        """The file with all that it said."""
        return self.folder / f"{self.name}.log"

    @property
    def config(self) -> Path:
        """Its configuration file."""
        return self.folder / f"{self.name}.yaml"

    def start(self) -> None:
        """Start it; does not wait."""
        if not self.config.exists():
            self.config.write_text(json.dumps({"collector": {**self.settings}}))
        command: list[str | bytes] = [
            *self.wrapper,
            *(sys.executable, "-m", "tocsin", "collect"),
            *("--config", str(self.config), "--state-dir", str(self.state)),
            *("--bus", self.url, "--topic-prefix", self.prefix),
            *("--id", self.name, "--http", "127.0.0.1:0", *self.words, "--"),
            *(os.fsencode(path) for path in self.paths),
        ]
        clean = {k: v for k, v in os.environ.items() if not k.startswith("TOCSIN_")}
        environment = {**clean, **self.environment}
        self._said_before = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command, stdout=log, stderr=subprocess.STDOUT, env=environment
            )

    def stop(self) -> int:
        """SIGTERM, and wait: its exit status."""
        assert self.process is not None
        # Before that it may not hear signals yet, and would just be gone.
        self.wait_said("http_listening")
        self.process.terminate()
        status = self.process.wait(timeout=15)
        self.process = None
        return status

    def kill(self) -> None:
        """Kill -9."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        assert self.process is not None
        self.process.send_signal(number)

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """It does nothing at all meanwhile (SIGSTOP), and knows nothing of it."""
        self.signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.signal(signal.SIGCONT)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.process is None:
            return
        died = self.process.poll()
        if kind is not None or died is not None:
            self.kill()
            print(self.said()[-8000:])
            assert kind is not None, f"it ended by itself with {died}"
            return
        assert self.stop() == 0, self.said()[-8000:]

    def said(self, *texts: str) -> str:
        """What this run said: the lines that contain all of `texts`."""
        with self.log.open("rb") as log:
            log.seek(self._said_before)
            lines = log.read().decode("utf-8", "replace").splitlines()
        return "\n".join(line for line in lines if all(t in line for t in texts))

    def wait_said(self, *texts: str) -> str:
        """Wait until it says a line with all of `texts`."""
        return eventually(lambda: self.said(*texts), f"{texts} in the log")

    def metric(self, name: str, **labels: str) -> float:
        """The sum of a metric's series that have these labels."""
        address = re.search(r"url=http://(\S+)", self.wait_said("http_listening"))
        assert address is not None
        answer = urllib3.request("GET", f"http://{address[1].rstrip('/')}/metrics")
        return sum(
            sample.value
            for family in text_string_to_metric_families(answer.data.decode())
            for sample in family.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        )

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self.process is not None
        return self.process.pid

    @property
    def lost_bytes(self) -> float:
        """Bytes that it says are lost."""
        return self.metric("tocsin_collector_lost_bytes_total")
