"""How long a person waits for `tocsin --help`."""

from __future__ import annotations

import subprocess
import sys
import time
from statistics import median


def run() -> list[tuple[str, str, str]]:
    """Start it ten times."""
    times_s = [_start_s() for _ in range(10)]
    return [("`tocsin --help`, median of 10", f"{median(times_s):.3f} s", "≤ 0.3 s")]


def _start_s() -> float:
    started = time.perf_counter()
    command = [sys.executable, "-m", "tocsin", "--help"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started
