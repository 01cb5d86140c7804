"""`make bench`: speeds side by side, as ratios in one run where a peer stands beside.

`python -m tests.bench [PART …] [--write FILE]` runs all parts, or those named. A part
is a module of this package with `run() -> list[tuple[str, str, str]]`: what was
measured, the figure, and the bar or aim it is held against ("" where there is none).
"""

from __future__ import annotations

import argparse
import importlib
import os
import platform
import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

PARTS = (
    "startup",
    "idle",
    "bus_embedded",
    "bus_kafka",
    "collector",
    "collector_files",
    "collector_peers",
    "collector_delay",
    "collector_backlog",
    "processor",
    "parsing",
    "alerting",
    "backtest",
    "end_to_end",
)
LIBRARIES = ("confluent-kafka", "pandas", "pyarrow", "zstandard", "msgspec")


def machine() -> str:
    """One line on where and with what the figures were measured."""
    cpus = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ]
    cpu = cpus[0] if cpus else platform.processor() or platform.machine()
    libraries = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    day = datetime.now(UTC).strftime("%Y-%m-%d")
    return (
        f"{day} · {os.cpu_count()} × {cpu} · {platform.system()} {platform.release()}"
        f" · Python {platform.python_version()} · {libraries}"
    )


def table(part: str) -> str:
    """Run one part; its rows as a Markdown table."""
    started = time.perf_counter()
    rows = importlib.import_module(f"tests.bench.{part}").run()
    taken_s = time.perf_counter() - started
    lines = [f"### {part} ({taken_s:.0f} s)", "", "| what | measured | bar |"]
    lines += ["|---|---|---|", *(f"| {a} | {b} | {c} |" for a, b, c in rows), ""]
    return "\n".join(lines)


def main() -> None:
    """Print, and with --write keep, the tables."""
    cli = argparse.ArgumentParser(description="speeds of Tocsin's parts")
    cli.add_argument("part", nargs="*", choices=[[], *PARTS], default=[])
    cli.add_argument("--write", type=Path, metavar="FILE", help="keep the tables here")
    args = cli.parse_args()
    pieces = [f"{machine()}\n"]
    print(pieces[0], flush=True)
    for part in args.part or PARTS:
        pieces.append(table(part))
        print(pieces[-1], flush=True)
    if args.write:
        args.write.write_text("# Benchmarks\n\n" + "\n".join(pieces), "utf-8")


if __name__ == "__main__":
    main()
