"""How fast lines get from files to the embedded bus, and how soon one line does.

Each figure comes from a process of its own, with nothing else in it: the collector as
it runs, in the main thread. CPU time is measured beside the clock, as other work on the
machine does not count there.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import psutil

from collector.telemetry import CollectorTelemetry
from collector.worker import run as run_collector
from tests.collector.rig import all_records, ready_bus
from tocsin.config.model import CollectorConfig
from tocsin.ports.bus import Bus, Start
from tocsin.records.topics import RAW_LOGS
from tocsin.telemetry.health import Health
from tocsin.telemetry.metrics import new_registry

LINES = 1_000_000
FILES = 4
_WRITTEN = 300  # lines, one by one, for the delay
_RATE = 100.0  # of them a second


_WORDS = [f"{n * 2_654_435_761 % 2**32:08x}" for n in range(4_096)]


def log_line(number: int) -> str:
    """One of 200 bytes; they compress about as real ones do."""
    i, words = number, _WORDS
    text = (
        f"2026-11-25T08:{i // 60 % 60:02d}:{i % 60:02d}.{i % 1000:03d}Z "
        f"INFO [worker-{i % 16}] shop.orders request id={i:08d} done in "
        f"{i % 997} ms "
        f"user={words[i * 7 % 4096]} session={words[i * 31 % 4096]}"
        f"{words[i % 4096]} path=/api/v1/orders/{i % 5000} status=200"
    )
    return f"{text[:199]:<199}\n"


def write_logs(directory: Path) -> None:
    """Write `LINES` of them to `FILES` files."""
    directory.mkdir()
    for number in range(FILES):
        with (directory / f"app{number}.log").open("w") as file:
            file.writelines(map(log_line, range(LINES // FILES)))


class Counting(CollectorTelemetry):
    """Stops the collector once all lines are committed."""

    def __init__(self, stop: threading.Event) -> None:
        super().__init__(new_registry())
        self._stop = stop
        self.lines = 0

    def committed(self, service: str, *, lines: int, size: int, read_at: float) -> None:
        super().committed(service, lines=lines, size=size, read_at=read_at)
        self.lines += lines
        if self.lines >= LINES:
            self._stop.set()


def collect(
    bus: Bus, logs: Path, telemetry: CollectorTelemetry, stop: threading.Event
) -> None:
    """The collector, until it is stopped."""
    run_collector(
        bus,
        CollectorConfig(paths=[str(logs)], host="bench"),
        identity="bench",
        telemetry=telemetry,
        health=Health(),
        stop=stop,
    )


def backlog(directory: Path) -> dict[str, float]:
    """Ship a backlog of `LINES`; figures of this process."""
    stop = threading.Event()
    telemetry = Counting(stop)
    process = psutil.Process()
    with ready_bus(directory) as bus:
        begun, busy = time.perf_counter(), time.process_time()
        collect(bus, directory / "logs", telemetry, stop)
        ended, done = time.perf_counter(), time.process_time()
        resident = process.memory_info().rss
    return {
        "lines_per_s": LINES / (ended - begun),
        "cpu_us": (done - busy) / LINES * 1e6,
        "lines_per_cpu_s": LINES / (done - busy),
        "resident_mib": resident / 2**20,
    }


def trickle(directory: Path) -> dict[str, float]:
    """Collect until standard input ends."""
    stop = threading.Event()

    def wait() -> None:
        sys.stdin.read()
        stop.set()

    threading.Thread(target=wait).start()
    with ready_bus(directory) as bus:
        busy = time.process_time()
        collect(bus, directory / "logs", CollectorTelemetry(new_registry()), stop)
    return {"cpu_s": time.process_time() - busy}


def _child(name: str, directory: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.bench.collector", name, str(directory)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def measure_backlog() -> dict[str, float]:
    """Figures of a collector that finds a backlog."""
    with tempfile.TemporaryDirectory(prefix="tocsin-bench-") as name:
        directory = Path(name)
        write_logs(directory / "logs")
        found: dict[str, float] = json.loads(
            _child("backlog", directory).communicate()[0]
        )
        with ready_bus(directory) as bus:
            assert len(all_records(bus)) == LINES
        return found


def measure_delays() -> list[float]:
    """Seconds from the write of a line to its arrival at a reader, sorted."""
    delays: list[float] = []
    with tempfile.TemporaryDirectory(prefix="tocsin-bench-") as name:
        directory = Path(name)
        (directory / "logs").mkdir()
        path = directory / "logs" / "app.log"
        path.write_text("first\n")
        with ready_bus(directory) as bus:
            child = _child("trickle", directory)
            reader = bus.reader([RAW_LOGS])
            while not reader.poll(max_records=10, wait_s=1.0):
                pass
            reader.close()
            reader = bus.reader([RAW_LOGS], start=Start.END)
            for _ in range(_WRITTEN):
                begun = time.perf_counter()
                with path.open("ab", buffering=0) as file:
                    file.write(b"x" * 199 + b"\n")
                while not reader.poll(max_records=10, wait_s=1.0):
                    pass
                delays.append(time.perf_counter() - begun)
                time.sleep(max(0.0, 1 / _RATE - delays[-1]))
            child.communicate()
            reader.close()
    return sorted(delays)


def run() -> list[tuple[str, str, str]]:
    """The rows of the table: what, measured, bar."""
    found = measure_backlog()
    delays = measure_delays()
    by_clock = found["lines_per_s"] / 1e3
    median = statistics.median(delays) * 1e3
    late = delays[int(len(delays) * 0.99)] * 1e3
    return [
        (
            "collector: file to embedded bus, lines/s of one core",
            f"{found['lines_per_cpu_s'] / 1e3:.0f} k, {by_clock:.0f} k by the clock",
            ">= 500 k",
        ),
        ("collector: CPU a line", f"{found['cpu_us']:.2f} us", "<= 2 us"),
        (
            "collector: resident after a backlog",
            f"{found['resident_mib']:.0f} MiB",
            "<= 60 MiB",
        ),
        (
            "collector: line written to line read, p50 / p99",
            f"{median:.1f} / {late:.1f} ms",
            "<= 50 / 250 ms",
        ),
    ]


def _main() -> None:
    if len(sys.argv) == 3:
        part = {"backlog": backlog, "trickle": trickle}[sys.argv[1]]
        print(json.dumps(part(Path(sys.argv[2]))))
        return
    print(f"load before: {os.getloadavg()[0]:.1f}")
    for row in run():
        print(" | ".join(row))


if __name__ == "__main__":
    _main()
