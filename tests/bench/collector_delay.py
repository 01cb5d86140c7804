"""How soon a line that was written to a file is read from Kafka, committed.

Lines one by one to a file that is known, at 100 a second, and the first line of a file
that nobody knew.
"""

from __future__ import annotations

import contextlib
import statistics
import tempfile
import time
from pathlib import Path

from tests.broker import Broker
from tests.scenarios.stage import Installation
from tocsin.ports.bus import Reader, Start
from tocsin.records.topics import RAW_LOGS

_LINES = 400
_RATE = 100.0
_NEW_FILES = 30


def _arrival_s(reader: Reader, path: Path) -> float:
    """Write a line, and wait until it is there."""
    begun = time.perf_counter()
    with path.open("ab", buffering=0) as file:
        file.write(b"x" * 199 + b"\n")
    while not reader.poll(max_records=10, wait_s=1.0):
        pass
    return time.perf_counter() - begun


def measure(directory: Path, broker: Broker) -> tuple[list[float], list[float]]:
    """Seconds for the lines of a known file, and for first lines; both sorted."""
    known, new = [], []
    home = Installation(directory, broker, prefix="delay.")
    path = home.logs / "app.log"
    path.touch()
    with home.collector() as collector:
        home.wait_watching()
        with contextlib.closing(home.bus.reader([RAW_LOGS], start=Start.END)) as reader:
            reader.poll(max_records=10, wait_s=0.5)
            for _ in range(_LINES):
                known.append(_arrival_s(reader, path))
                time.sleep(max(0.0, 1 / _RATE - known[-1]))
            for number in range(_NEW_FILES):
                new.append(_arrival_s(reader, home.logs / f"new{number}.log"))
                # At another moment of the collector's turn each time.
                time.sleep(0.05 + number * 0.007)
        assert collector.lost_bytes == 0
    home.close()
    return sorted(known), sorted(new)


def run() -> list[tuple[str, str, str]]:
    """The rows of the table: what, measured, bar."""
    with tempfile.TemporaryDirectory(prefix="tocsin-bench-") as name:
        broker = Broker(Path(name) / "broker")
        broker.start()
        (Path(name) / "home").mkdir()
        try:
            known, new = measure(Path(name) / "home", broker)
        finally:
            broker.stop()
    late = known[int(len(known) * 0.99)] * 1e3
    return [
        (
            "Kafka: line written to line read, p50 / p99 at 100 lines/s",
            f"{statistics.median(known) * 1e3:.1f} / {late:.1f} ms",
            "<= 15 / 40 ms",
        ),
        (
            "Kafka: first line of a new file to line read, p50 / most",
            f"{statistics.median(new) * 1e3:.1f} / {new[-1] * 1e3:.1f} ms",
            "<= 250 ms",
        ),
    ]


if __name__ == "__main__":
    for row in run():
        print(" | ".join(row))
