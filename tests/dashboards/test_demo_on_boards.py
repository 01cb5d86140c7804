"""The demo's burst, as real programs, is to be seen on every panel."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from dashboards.files import FILES
from tests.dashboards.prometheus import Prometheus, scrape_config
from tests.dashboards.promql import expressions, substituted

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

_LISTENS = re.compile(r"(\w+) +http_listening url=http://127\.0\.0\.1:(\d+)")
# Generous: a busy machine starts three Pythons slowly, and a rate needs two scrapes.
_START_S, _BURST_S, _SHOWN_S = 60.0, 60.0, 20.0


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """Scrapes the three programs of a demo whose incident is open."""
    directory = tmp_path_factory.mktemp("demo")
    with ExitStack() as stack:
        said = _demo(directory, stack)
        ports = _ports(said)
        server = Prometheus(directory, scrape_config(ports, interval_ms=1000))
        stack.callback(server.stop)
        server.start()
        server.wait_for("sum(tocsin_incidents_active) > 0", timeout_s=_BURST_S)
        server.wait_for("tocsin_time_to_alert_seconds_count > 0", timeout_s=10)
        yield server


def _demo(directory: Path, stack: ExitStack) -> Path:
    """Start it; the file that it talks to."""
    said = directory / "said"
    plain = {k: v for k, v in os.environ.items() if not k.startswith("TOCSIN_")}
    with said.open("wb") as output:
        demo = subprocess.Popen(
            [
                *(sys.executable, "-m", "tocsin", "demo", "--http", "127.0.0.1:0"),
                *("--keep", directory / "kept"),
            ],
            env=plain,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    stack.callback(_end, demo)
    return said


def _end(demo: subprocess.Popen[bytes]) -> None:
    demo.send_signal(signal.SIGTERM)
    try:
        demo.wait(timeout=20)
    except subprocess.TimeoutExpired:
        demo.kill()
        demo.wait()
        raise


def _ports(said: Path) -> dict[str, int]:
    """The port that each component says it listens on."""
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline:
        found = _LISTENS.findall(said.read_text())
        if len(found) == 3:
            return {name: int(port) for name, port in found}
        time.sleep(0.1)
    raise AssertionError(said.read_text()[-3000:])


def _of_today() -> list[str]:
    boards = [json.loads(path.read_text()) for path in FILES]
    every = {expr for board in boards for expr in expressions(board)}
    return sorted(expr for expr in every if "offset 1w" not in expr)


@pytest.mark.parametrize("expr", _of_today())
def test_every_query_gives_data(prometheus: Prometheus, expr: str) -> None:
    prometheus.wait_for(substituted(expr), timeout_s=_SHOWN_S)


def test_the_burst_is_on_the_graph_of_errors(prometheus: Prometheus) -> None:
    (incident,) = prometheus.query("tocsin_incident_state > 0")
    service = incident["metric"]["service"]

    shown = "sum(rate(tocsin_lines_processed_total{%s}[20s])) > 1"
    prometheus.wait_for(
        shown % f'service="{service}",level="error"', timeout_s=_SHOWN_S
    )


def test_the_time_to_alert_is_measured(prometheus: Prometheus) -> None:
    (series,) = prometheus.query("tocsin_time_to_alert_seconds_sum")

    # 0.1 s on a quiet machine; the bound is for one that is not.
    assert 0 < float(series["value"][1]) < 10
