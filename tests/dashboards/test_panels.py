"""Every panel shows something, and the right thing, on a real Prometheus."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.openmetrics.exposition import generate_latest

from dashboards.files import FILES
from tests.dashboards.prometheus import Prometheus, promtool, scrape_config
from tests.dashboards.promql import expressions, substituted
from tests.dashboards.scene import (
    ERRORS_A_SECOND,
    LINES_A_SECOND,
    SERVICES,
    Scene,
    history,
)
from tocsin.telemetry.health import Health
from tocsin.telemetry.http import serve

pytestmark = pytest.mark.slow

_WEEK_S = 7 * 86_400
_SCRAPE_MS = 500
# Long enough for a busy machine, on which these tests take a while.
_RATE_INTERVAL = "2m"


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """Scrapes three components by our configuration; knows the same hour last week."""
    directory = tmp_path_factory.mktemp("prometheus")
    _backfill(directory)
    scene = Scene()
    with ExitStack() as stack:
        ports = {}
        for name, registry in scene.registries.items():
            server = serve("127.0.0.1:0", registry, Health())
            stack.callback(server.close)
            ports[name] = server.port
        config = scrape_config(ports, interval_ms=_SCRAPE_MS)
        started = Prometheus(directory, config)
        stack.callback(started.stop)
        started.start()
        _live(scene, started)
        yield started


def _backfill(directory: Path) -> None:
    week_ago = time.time() - _WEEK_S
    times = (week_ago + offset for offset in range(-180, 300, 5))
    text = directory / "history.txt"
    text.write_bytes(generate_latest(history(Scene(), times)))  # type: ignore[no-untyped-call]
    promtool("tsdb", "create-blocks-from", "openmetrics", text, directory / "data")


def _live(scene: Scene, server: Prometheus) -> None:
    """Some ticks, each scraped from all three before the next comes."""
    for ticks in range(1, 5):
        scene.tick(time.time())
        lines = ticks * LINES_A_SECOND
        server.wait_for(
            f'tocsin_collector_lines_total{{service="{SERVICES[0]}"}} == {lines}'
            f" and on () (sum(tocsin_lines_processed_total) == {2 * lines})"
            f" and on () (tocsin_incidents_opened_total == {ticks})"
        )


def _boards() -> list[Any]:
    return [json.loads(path.read_text()) for path in FILES]


def _panel(title: str) -> list[str]:
    (panel,) = [
        panel
        for board in _boards()
        for panel in board["panels"]
        if panel["title"] == title
    ]
    return [_sent(target["expr"]) for target in panel["targets"]]


def _sent(expr: str) -> str:
    return substituted(expr, rate_interval=_RATE_INTERVAL)


@pytest.mark.parametrize(
    "expr", sorted({expr for board in _boards() for expr in expressions(board)})
)
def test_every_query_gives_data(prometheus: Prometheus, expr: str) -> None:
    assert prometheus.query(_sent(expr)) != []


def test_the_error_share_is_that_of_the_lines(prometheus: Prometheus) -> None:
    (series,) = prometheus.query(*_panel("Error share"))

    share = ERRORS_A_SECOND / LINES_A_SECOND
    assert float(series["value"][1]) == pytest.approx(share)


def test_levels_have_the_names_that_have_colours(prometheus: Prometheus) -> None:
    found = {
        series["metric"]["level"]
        for series in prometheus.query(*_panel("Lines by level"))
    }
    colored = {
        override["matcher"]["options"]
        for board in _boards()
        for panel in board["panels"]
        if panel["title"] == "Lines by level"
        for override in panel["fieldConfig"]["overrides"]
    }

    assert {"info", "error"} <= found <= colored


def test_the_services_with_errors_are_named(prometheus: Prometheus) -> None:
    series = prometheus.query(*_panel("Errors by service"))

    assert {one["metric"]["service"] for one in series} == set(SERVICES)


def test_one_service_is_silent(prometheus: Prometheus) -> None:
    (series,) = prometheus.query(*_panel("Silent services"))

    assert series["value"][1] == "1"


def test_one_incident_fires(prometheus: Prometheus) -> None:
    (series,) = prometheus.query(*_panel("Firing incidents"))

    assert series["value"][1] == "1"


def test_the_time_to_alert_is_read_from_the_histogram(prometheus: Prometheus) -> None:
    (series,) = prometheus.query(*_panel("Time to alert, p95"))

    assert 0.1 < float(series["value"][1]) < 2
