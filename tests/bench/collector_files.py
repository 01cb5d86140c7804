"""What many files cost: idle ones, twenty thousand, and lines spread over more of them.

The collector as a process on the embedded bus. CPU time is its own, so other work on
the machine counts little; shares of a core are of the time by the clock.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from tests.scenarios.program import Collector, eventually

IS_FULL = os.environ.get("TOCSIN_SOAK") == "1"
"""Whether more lines and longer times are meant: `make soak`."""

IDLE, MANY = 5_000, 20_000
ACTIVE = (1, 100, 5_000)
LINES = 1_000_000 if IS_FULL else 100_000
ROUNDS = 4
WATCHED_S = 60.0 if IS_FULL else 10.0
_PER_FOLDER = 250
_LINE = (
    b"2026-11-25T09:00:00Z INFO shop.orders request done in 7 ms path=/api/v1/orders"
)
_SHIPPED = "tocsin_collector_lines_total"


class _Watched:
    """A collector that has shipped the first line of each of its files."""

    def __init__(self, collector: Collector, paths: list[Path]) -> None:
        self.collector = collector
        self.paths = paths
        self.process = psutil.Process(collector.pid)
        self.shipped = len(paths)
        begun = time.monotonic()
        self.wait()
        self.started_s = time.monotonic() - begun

    def cpu_s(self) -> float:
        times = self.process.cpu_times()
        return times.user + times.system

    def wait(self) -> None:
        eventually(self._is_done, f"{self.shipped} lines", 600.0)

    def idle_share(self) -> float:
        time.sleep(1.0)
        cpu_s, begun = self.cpu_s(), time.monotonic()
        time.sleep(WATCHED_S)
        return (self.cpu_s() - cpu_s) / (time.monotonic() - begun)

    def line_us(self, files: int) -> float:
        """CPU time of a line, of `LINES` that come in rounds to so many files."""
        each = LINES // ROUNDS // files
        data = each * (_LINE.ljust(199, b".") + b"\n")
        cpu_s = self.cpu_s()
        for _ in range(ROUNDS):
            for path in self.paths[:files]:
                with path.open("ab", buffering=0) as file:
                    file.write(data)
            self.shipped += files * each
            self.wait()
        return (self.cpu_s() - cpu_s) / (ROUNDS * files * each) * 1e6

    def held(self) -> str:
        resident = self.process.memory_info().rss >> 20
        return f"{self.process.num_fds()} descriptors, {resident} MiB"

    def _is_done(self) -> bool:
        time.sleep(0.05)
        return self.collector.metric(_SHIPPED) >= self.shipped


@contextmanager
def _watched(count: int) -> Iterator[_Watched]:
    with tempfile.TemporaryDirectory(prefix="tocsin-bench-") as name:
        folder = Path(name)
        state, logs = folder / "state", folder / "logs"
        state.mkdir()
        paths = [logs / f"{n // _PER_FOLDER}" / f"{n}.log" for n in range(count)]
        for path in paths:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(_LINE + b"\n")
        with Collector(folder, state, "embedded://", "", [logs]) as collector:
            yield _Watched(collector, paths)


def run() -> list[tuple[str, str, str]]:
    """The rows of the table: what, measured, bar."""
    with _watched(IDLE) as watched:
        idle = f"{watched.idle_share():.2%} of a core, {watched.held()}"
        costs = {files: watched.line_us(files) for files in ACTIVE}
    with _watched(MANY) as watched:
        many = f"{watched.started_s:.1f} s, {watched.held()}"
        many_idle = f"{watched.idle_share():.2%} of a core"
    ratio = costs[ACTIVE[-1]] / costs[ACTIVE[0]]
    told = ", ".join(f"{files:,}: {us:.1f} us" for files, us in costs.items())
    return [
        (f"collector: {IDLE:,} idle files", idle, "<= 0.5 %, <= 256, <= 80 MiB"),
        (
            f"collector: CPU a line in so many active files of {IDLE:,}",
            f"{told}: {ratio:.1f} x",
            "flat",
        ),
        (f"collector: {MANY:,} files, from start to the last line", many, "works"),
        (f"collector: {MANY:,} idle files", many_idle, ""),
    ]
