"""What the tests need beside Python: `python -m tests.setup` installs what it can.

As root on Debian it installs the missing packages; it fetches the broker's jars. It
prints one line for each thing that is still missing and what is skipped for it. With
CI=true a missing thing is a failure.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import NamedTuple

from tests.broker import BrokerMissing, fetch_jars


class Tool(NamedTuple):
    """A program that tests run, and the Debian package it comes in."""

    program: str
    package: str
    skipped: str


TOOLS = (
    Tool("java", "default-jre-headless", "the tests on a real Kafka"),
    Tool("mvn", "maven", "the tests on a real Kafka"),
    Tool("prometheus", "prometheus", "the tests on a real Prometheus"),
    Tool(
        "prometheus-alertmanager",
        "prometheus-alertmanager",
        "the tests on a real Alertmanager",
    ),
)


def main() -> int:
    """Install, warm the cache, tell what is missing; the exit status."""
    if wanted := _absent():
        _install([tool.package for tool in wanted])
    missing = [
        f"{tool.program} is not installed (Debian: {tool.package}): "
        f"{tool.skipped} are skipped"
        for tool in _absent()
    ]
    if not any(tool.program in {"java", "mvn"} for tool in _absent()):
        missing += _broker_problems()
    for line in missing:
        _tell(line)
    return 1 if missing and os.environ.get("CI") == "true" else 0


def _tell(line: str) -> None:
    sys.stderr.write(f"setup: {line}\n")


def _absent() -> list[Tool]:
    return [tool for tool in TOOLS if shutil.which(tool.program) is None]


def _install(packages: list[str]) -> None:
    """Install Debian packages where that is possible; what fails is told by `main`."""
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        return
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    _tell(f"installing {' '.join(packages)}")
    for command in (
        ["apt-get", "update", "-qq"],
        ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages],
    ):
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            env=quiet,
            stdin=subprocess.DEVNULL,
            timeout=900,
            check=False,
        )
        if done.returncode != 0:
            said = done.stderr.strip().splitlines() or ["no output"]
            _tell(f"{' '.join(command[:2])}: {said[-1]}")


def _broker_problems() -> list[str]:
    try:
        fetch_jars()
    except BrokerMissing as problem:
        return [f"{problem}: the tests on a real Kafka are skipped"]
    return []


if __name__ == "__main__":
    sys.exit(main())
