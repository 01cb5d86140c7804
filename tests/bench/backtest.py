"""How fast history is run over: the whole command, beside reading its files alone.

Twenty-five services for two hours, some 1.5 million lines with bursts, in files of
their own. The CPU time of one process that does it all says how many cores it takes.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np

from tests.bench.alerts import Service, service

_SERVICES, _SECONDS, _SEED = 25, 7200, 7
_START = "2026-03-14T00:00:00"
_ORDINARY = (
    "INFO GET /api/orders/%d 200 in %d ms",
    "INFO order %d shipped, parcel %x",
    "INFO payment %x authorised for order %d",
    "DEBUG pool size %d, waiting %d",
    "INFO committed offset %d of partition %d",
    "WARN slow query: %d ms for request %x",
)
_ERRORS = (
    "ERROR payment %x declined by gateway, status %d",
    "ERROR connection to db-%d refused after %d ms",
    "ERROR request %x failed: upstream timed out after %d ms",
)


@dataclass(frozen=True, slots=True)
class Took:
    """What a run of the command took, and the hash of what it told."""

    clock_s: float
    cpu_s: float
    told: str


def run() -> list[tuple[str, str, str]]:
    """What, measured, bar."""
    with tempfile.TemporaryDirectory() as folder:
        logs = Path(folder)
        lines = sum(_write(logs, number) for number in range(_SERVICES))
        alone_s = _read_alone(logs)
        one, two = (_backtest(logs, processes) for processes in (1, 2))
    same = "yes" if one.told == two.told else "NO"
    best = lines / two.clock_s
    return [
        (f"{lines:,} lines, two processes", f"{best:,.0f} lines/s", ">= 400,000"),
        ("the same, one process, CPU", f"{one.cpu_s / lines * 1e6:.2f} µs/line", ""),
        ("the same, one process", f"{lines / one.clock_s:,.0f} lines/s", ""),
        ("time to that of reading the files", f"{two.clock_s / alone_s:.1f} ×", ""),
        ("one process and two tell the same", same, "yes"),
    ]


def _write(folder: Path, number: int) -> int:
    """The log of a service; how many lines it has."""
    rng = np.random.default_rng([_SEED, number])
    made = service(rng, seconds=_SECONDS)
    path = folder / f"service-{number:02d}" / "app.log"
    path.parent.mkdir()
    text = "\n".join(_lines(made, rng)) + "\n"
    path.write_text(text)
    return text.count("\n")


def _lines(made: Service, rng: np.random.Generator) -> list[str]:
    start = np.datetime64(_START, "s")
    stamps = np.datetime_as_string(start + np.arange(_SECONDS)).tolist()
    seconds = np.repeat(np.arange(_SECONDS), made.lines)
    millis = np.sort(rng.integers(1000, size=len(seconds)) + seconds * 1000)
    is_error = [
        k < errors
        for errors, lines in zip(made.errors, made.lines, strict=True)
        for k in range(lines)
    ]
    kinds = rng.integers(60, size=len(seconds)).tolist()
    numbers = rng.integers(1_000_000, size=(2, len(seconds))).tolist()
    written = []
    columns = zip(millis.tolist(), is_error, kinds, *numbers, strict=True)
    for at, bad, kind, first, second in columns:
        texts = _ERRORS if bad else _ORDINARY
        text = texts[kind % len(texts)] % (first, second)
        written.append(f"{stamps[at // 1000]}.{at % 1000:03d}Z {text}")
    return written


def _read_alone(folder: Path) -> float:
    started = time.perf_counter()
    sum(path.read_bytes().count(b"\n") for path in folder.glob("*/*.log"))
    return time.perf_counter() - started


def _backtest(folder: Path, processes: int) -> Took:
    command = [sys.executable, "-m", "tocsin", "backtest", "--json"]
    command += ["--processes", str(processes), str(folder)]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    told = subprocess.run(command, check=True, capture_output=True).stdout
    clock_s = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Took(clock_s, cpu_s, sha256(told).hexdigest())
