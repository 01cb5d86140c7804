"""`tocsin run`: which children there are and what each is told."""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence

from tocsin.app.stopping import Stopping
from tocsin.app.supervisor import Supervisor
from tocsin.config.model import Config
from tocsin.telemetry import log as logs
from tocsin.telemetry.log import Log
from tocsin.values import parse_address

CHILDREN = ("collect", "process", "alert")
_NAMES = {"collect": "collector", "process": "processor", "alert": "alerting"}


def commands(
    config: Config, *, common: Sequence[str], collect: Sequence[str]
) -> dict[str, list[str]]:
    """The command line of each child by component, as a person could type it."""
    return {
        _NAMES[name]: [
            # -P: a file `queue.py` in the working directory is not ours to import.
            *(sys.executable, "-P", "-m", "tocsin", name, "--supervised"),
            *common,
            *_http(config, place),
            *(collect if name == "collect" else ()),
        ]
        for place, name in enumerate(CHILDREN)
    }


def _http(config: Config, place: int) -> list[str]:
    """HOST:PORT for the collector, the next two ports for the others; 0 stays 0."""
    if config.http is None:
        return []
    host, port = parse_address(config.http)
    host = f"[{host}]" if ":" in host else host
    return ["--http", f"{host}:{port + place if port else 0}"]


def run_all(config: Config, *, common: Sequence[str], collect: Sequence[str]) -> int:
    """Run all components until a signal; blocks. The status to exit with."""
    logs.configure("run")
    log = Log("run")
    stopping = Stopping(log)
    stopping.install()
    words = commands(config, common=common, collect=collect)
    supervisor = Supervisor(words, log)
    if not sys.stderr.isatty():
        signal.signal(signal.SIGHUP, lambda *_: supervisor.send(signal.SIGHUP))
    status = supervisor.run(stopping)
    log.info("stopped")
    return status
