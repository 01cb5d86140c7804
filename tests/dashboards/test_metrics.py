"""What the components export is documented, well formed and all that queries use."""

from __future__ import annotations

import json

import pytest
from prometheus_client import generate_latest

from dashboards.files import FILES
from tests.dashboards import metrics_reference
from tests.dashboards.metrics_reference import Exported, by_component
from tests.dashboards.prometheus import promtool
from tests.dashboards.promql import expressions, label_names, metric_names
from tests.dashboards.scene import Scene
from tests.dashboards.stack import ROOT, load_yaml
from tocsin.telemetry.http import add_process_metrics

# Prometheus adds these to what it scrapes.
_PARTS = ("bucket", "count", "sum")
_OF_PROMETHEUS = {"up", "job", "instance"}


def metrics() -> list[Exported]:
    return [metric for found in by_component().values() for metric in found]


def queries() -> list[str]:
    boards = [json.loads(path.read_text()) for path in FILES]
    groups = load_yaml(ROOT / "dashboards" / "prometheus" / "rules.yml")["groups"]
    rules = [rule["expr"] for group in groups for rule in group["rules"]]
    return [expr for board in boards for expr in expressions(board)] + rules


def test_the_reference_is_true() -> None:
    assert metrics_reference.PATH.read_text() == metrics_reference.render(), (
        "run `python -m tests.dashboards.metrics_reference`"
    )


def test_every_metric_has_series_in_the_scene() -> None:
    scene = Scene()
    scene.tick(1_000_000.0)

    silent = [
        family.name
        for registry in scene.registries.values()
        for family in registry.collect()
        if not family.samples
    ]
    assert silent == []


def test_a_metric_of_several_components_is_the_same_in_each() -> None:
    kinds = {(metric.name, metric.kind, metric.labels) for metric in metrics()}

    assert len({name for name, _, _ in kinds}) == len(kinds)


def test_queries_use_only_what_is_exported() -> None:
    names = {metric.name for metric in metrics()}
    histograms = {metric.name for metric in metrics() if metric.kind == "histogram"}
    names |= {f"{name}_{part}" for name in histograms for part in _PARTS}
    labels = {label for metric in metrics() for label in metric.labels} | {"le"}

    for query in queries():
        assert metric_names(query) <= names | _OF_PROMETHEUS, query
        assert label_names(query) <= labels | _OF_PROMETHEUS, query


@pytest.mark.slow
@pytest.mark.parametrize("component", ["collector", "processor", "alerting"])
def test_prometheus_s_tool_finds_nothing_wrong(component: str) -> None:
    scene = Scene()
    scene.tick(1_000_000.0)
    registry = scene.registries[component]
    add_process_metrics(registry)

    assert promtool("check", "metrics", stdin=generate_latest(registry)) == ""
