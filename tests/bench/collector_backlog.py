"""What `tocsin collect` holds in memory while it catches up with a backlog.

200 MB on each bus, 2 GB with TOCSIN_SOAK=1: what is resident must not grow with it.
"""

from __future__ import annotations

import os
import re
import tempfile
import time
from pathlib import Path

from tests.bench.collector import log_line
from tests.broker import Broker
from tests.scenarios.program import Collector, eventually
from tests.scenarios.stage import Installation

_BYTES = 2_000_000_000 if os.environ.get("TOCSIN_SOAK") == "1" else 200_000_000
_FILES = 4
_LINE_BYTES = 200
_WITHIN_S = 1_200.0


def write_backlog(directory: Path) -> int:
    """Write the backlog; how many lines it has."""
    block = "".join(map(log_line, range(10_000))).encode()
    blocks = _BYTES // _FILES // len(block)
    for number in range(_FILES):
        with (directory / f"app{number}.log").open("wb") as file:
            for _ in range(blocks):
                file.write(block)
    return _FILES * blocks * len(block) // _LINE_BYTES


def most_resident_mib(collector: Collector) -> float:
    """The most that a process ever held, as the kernel counted it."""
    status = Path(f"/proc/{collector.pid}/status").read_text()
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert found is not None
    return int(found[1]) / 1024


def caught_up(directory: Path, broker: Broker | None) -> tuple[float, float]:
    """Ship the backlog; the most MiB that were resident, and lines a second."""
    directory.mkdir()
    home = Installation(directory, broker, prefix="backlog.")
    lines = write_backlog(home.logs)
    begun = time.perf_counter()
    with home.collector() as collector:
        eventually(
            lambda: collector.metric("tocsin_collector_lines_total") >= lines,
            f"{lines} lines",
            within_s=_WITHIN_S,
        )
        taken_s = time.perf_counter() - begun
        return most_resident_mib(collector), lines / taken_s


def run() -> list[tuple[str, str, str]]:
    """The rows of the table: what, measured, bar."""
    rows = []
    with tempfile.TemporaryDirectory(prefix="tocsin-bench-") as name:
        directory = Path(name)
        broker = Broker(directory / "broker")
        broker.start()
        try:
            for bus, at in (("embedded", None), ("Kafka", broker)):
                mib, speed = caught_up(directory / bus, at)
                rows.append(
                    (
                        f"{bus}: most resident in a backlog of {_BYTES / 1e9:g} GB",
                        f"{mib:.0f} MiB, {speed / 1e3:.0f} k lines/s with its start",
                        "<= 80 MiB",
                    )
                )
        finally:
            broker.stop()
    return rows


if __name__ == "__main__":
    for row in run():
        print(" | ".join(row))
