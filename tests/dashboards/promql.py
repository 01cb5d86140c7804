"""The PromQL that dashboards and rules hold, and the metrics it names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import promql_parser

_LABEL_VALUES = re.compile(r"label_values\((?P<expr>.+), *(?P<label>\w+)\)")


def expressions(board: Any) -> list[str]:
    """Every query of a dashboard: panels, annotations and variables."""
    panels = [target["expr"] for one in board["panels"] for target in one["targets"]]
    marks = [annotation["expr"] for annotation in board["annotations"]["list"]]
    return [*panels, *marks, *_variable_queries(board)]


def _variable_queries(board: Any) -> Iterator[str]:
    for variable in board["templating"]["list"]:
        if variable["type"] == "query":
            match = _LABEL_VALUES.fullmatch(variable["query"])
            if match is None:
                raise AssertionError(f"not label_values(): {variable['query']}")
            yield match["expr"]


def substituted(expr: str, *, rate_interval: str = "20s", span: str = "1h") -> str:
    """The query as Grafana sends it, with everything selected."""
    return (
        expr.replace("$__rate_interval", rate_interval)
        .replace("$__range", span)
        .replace("$service", ".*")
    )


def metric_names(expr: str) -> set[str]:
    """The metrics that a query reads."""
    return {
        node.name
        for node in _nodes(expr)
        if isinstance(node, promql_parser.VectorSelector) and node.name is not None
    }


def label_names(expr: str) -> set[str]:
    """The labels that a query selects or groups by."""
    found: set[str] = set()
    for node in _nodes(expr):
        if isinstance(node, promql_parser.VectorSelector):
            found |= {matcher.name for matcher in node.matchers.matchers}
        if isinstance(node, promql_parser.AggregateExpr) and node.modifier is not None:
            found |= set(node.modifier.labels)
    return found


def _nodes(expr: str) -> list[Any]:
    nodes: list[Any] = []
    promql_parser.walk(promql_parser.parse(substituted(expr)), nodes.append)
    return nodes
