"""Describes a Grafana dashboard in few words and renders Grafana's JSON from it.

Only what our boards need: rows of panels, laid out from left to right on Grafana's
grid of 24 columns, so that panels cannot overlap and a diff shows what changed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

GRID_COLUMNS = 24
_SCHEMA_VERSION = 39  # Grafana 11 writes it; later ones migrate it when they load
_DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}


@dataclass(frozen=True)
class Query:
    """A PromQL expression; `legend` may use `{{label}}`."""

    expr: str
    legend: str = ""


@dataclass(frozen=True)
class Threshold:
    """From `value` up the panel shows `color`."""

    value: float
    color: str


@dataclass(frozen=True)
class Panel:
    """One panel.

    A stat shows the last value, a timeseries the course, a state-timeline from when to
    when something held, a table what holds now.
    """

    kind: Literal["stat", "timeseries", "state-timeline", "table"]
    title: str
    description: str
    unit: str
    queries: Sequence[Query]
    width: int
    thresholds: Sequence[Threshold] = ()
    colors: Sequence[tuple[str, str]] = ()  # legend to fixed colour
    stacked: bool = False
    no_value: str = ""
    decimals: int | None = None
    link: tuple[str, str] | None = None  # title and address, opened from a series
    is_signed: bool = False  # it may be below zero


@dataclass(frozen=True)
class Row:
    """Panels of one height beside each other."""

    height: int
    panels: Sequence[Panel]


@dataclass(frozen=True)
class Variable:
    """A drop-down with the values of a label, several at once or all, or just one."""

    name: str
    label: str
    query: str
    is_single: bool = False


@dataclass(frozen=True)
class Annotation:
    """Marks on every timeseries while the query gives a value above zero."""

    name: str
    expr: str
    title: str
    text: str
    color: str


@dataclass(frozen=True)
class Board:
    """A dashboard; `uid` is its address and never changes."""

    uid: str
    title: str
    description: str
    rows: Sequence[Row]
    variables: Sequence[Variable] = ()
    annotations: Sequence[Annotation] = ()


def render(board: Board) -> dict[str, Any]:
    """The dashboard as Grafana's JSON model."""
    return {
        "uid": board.uid,
        "title": board.title,
        "description": board.description,
        "tags": ["tocsin"],
        "schemaVersion": _SCHEMA_VERSION,
        "editable": False,
        "graphTooltip": 1,  # one crosshair over all panels
        "refresh": "10s",
        "time": {"from": "now-1h", "to": "now"},
        "timezone": "browser",
        "annotations": {"list": [_annotation(one) for one in board.annotations]},
        "templating": {
            "list": [_datasource_variable(), *map(_variable, board.variables)]
        },
        "panels": list(_panels(board.rows)),
    }


def _panels(rows: Sequence[Row]) -> Iterator[dict[str, Any]]:
    number = y = 0
    for row in rows:
        x = 0
        for panel in row.panels:
            number += 1
            yield {
                "id": number,
                "gridPos": {"x": x, "y": y, "w": panel.width, "h": row.height},
                **_panel(panel),
            }
            x += panel.width
        y += row.height


def _panel(panel: Panel) -> dict[str, Any]:
    return {
        "type": panel.kind,
        "title": panel.title,
        "description": panel.description,
        "datasource": _DATASOURCE,
        "targets": [
            {
                "refId": chr(ord("A") + number),
                "datasource": _DATASOURCE,
                "expr": query.expr,
                "legendFormat": query.legend or "__auto",
                **_RANGES[panel.kind == "table"],
            }
            for number, query in enumerate(panel.queries)
        ],
        "fieldConfig": {
            "defaults": _defaults(panel),
            "overrides": [_fixed_color(*pair) for pair in panel.colors],
        },
        "options": _OPTIONS[panel.kind],
        **({"transformations": _OF_A_TABLE} if panel.kind == "table" else {}),
    }


# By whether it is a table: a row a series as of now, or the course of each.
_RANGES: tuple[dict[str, Any], dict[str, Any]] = (
    {"range": True},
    {"range": False, "instant": True, "format": "table"},
)
_HIDDEN = ("Time", "Value", "__name__", "instance", "job")
_OF_A_TABLE = [
    {"id": "organize", "options": {"excludeByName": dict.fromkeys(_HIDDEN, True)}}
]
_STAT_OPTIONS = {
    "colorMode": "value",
    "graphMode": "area",
    "reduceOptions": {"calcs": ["lastNotNull"], "values": False},
}
_TIMESERIES_OPTIONS = {
    "legend": {
        "displayMode": "table",
        "placement": "bottom",
        "calcs": ["lastNotNull", "max"],
        "sortBy": "Last *",
        "sortDesc": True,
    },
    "tooltip": {"mode": "multi", "sort": "desc"},
}
_OPTIONS: dict[str, dict[str, Any]] = {
    "stat": _STAT_OPTIONS,
    "timeseries": _TIMESERIES_OPTIONS,
    "state-timeline": {
        "mergeValues": True,
        "showValue": "never",
        "rowHeight": 0.8,
        "legend": {"displayMode": "hidden", "showLegend": False},
        "tooltip": {"mode": "single"},
    },
    "table": {"showHeader": True},
}


def _defaults(panel: Panel) -> dict[str, Any]:
    steps = [
        {"value": None, "color": _BASE_COLORS.get(panel.kind, "green")},
        *({"value": step.value, "color": step.color} for step in panel.thresholds),
    ]
    defaults: dict[str, Any] = {
        "unit": panel.unit,
        "thresholds": {"mode": "absolute", "steps": steps},
    }
    if not panel.is_signed:
        defaults["min"] = 0
    if panel.kind == "timeseries":
        defaults["color"] = {"mode": "palette-classic-by-name"}
        defaults["custom"] = {
            "fillOpacity": 30 if panel.stacked else 8,
            "stacking": {"mode": "normal" if panel.stacked else "none"},
            "showPoints": "never",
        }
    if panel.no_value:
        defaults["noValue"] = panel.no_value
    if panel.decimals is not None:
        defaults["decimals"] = panel.decimals
    if panel.link:
        title, url = panel.link
        defaults["links"] = [{"title": title, "url": url}]
    return defaults


_BASE_COLORS = {"stat": "text", "state-timeline": "transparent", "table": "text"}


def _fixed_color(legend: str, color: str) -> dict[str, Any]:
    return {
        "matcher": {"id": "byName", "options": legend},
        "properties": [
            {"id": "color", "value": {"mode": "fixed", "fixedColor": color}}
        ],
    }


def _datasource_variable() -> dict[str, Any]:
    return {
        "name": "datasource",
        "label": "Data source",
        "type": "datasource",
        "query": "prometheus",
    }


def _variable(variable: Variable) -> dict[str, Any]:
    return {
        "name": variable.name,
        "label": variable.label,
        "type": "query",
        "datasource": _DATASOURCE,
        "query": variable.query,
        "refresh": 2,  # when the time range changes: services come and go
        "sort": 1,
        **({"multi": False} if variable.is_single else _SEVERAL),
    }


_SEVERAL = {
    "multi": True,
    "includeAll": True,
    "allValue": ".*",
    "current": {"text": ["All"], "value": ["$__all"]},
}


def _annotation(annotation: Annotation) -> dict[str, Any]:
    return {
        "name": annotation.name,
        "datasource": _DATASOURCE,
        "enable": True,
        "expr": annotation.expr,
        "titleFormat": annotation.title,
        "textFormat": annotation.text,
        "iconColor": annotation.color,
        "step": "10s",
    }
