"""The dashboards are complete, tidy and the same as what generates them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import promql_parser
import pytest

from dashboards.files import FILES
from tests.dashboards.promql import expressions, substituted
from tests.dashboards.stack import ROOT

GRAFANA = ROOT / "dashboards" / "grafana" / "dashboards"


@pytest.fixture(params=sorted(GRAFANA.glob("*.json")), ids=lambda path: path.stem)
def board(request: pytest.FixtureRequest) -> Any:
    return json.loads(request.param.read_text())


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_the_files_are_what_the_code_generates(path: Path) -> None:
    assert path.read_text() == FILES[path], "run `python -m dashboards`"


def test_there_is_no_file_that_nothing_generates() -> None:
    assert set(GRAFANA.iterdir()) == set(FILES)


def test_every_panel_says_what_it_shows(board: Any) -> None:
    titles = [panel["title"] for panel in board["panels"]]

    assert len(titles) == len(set(titles))
    for panel in board["panels"]:
        assert panel["title"]
        assert panel["description"].endswith("."), panel["title"]
        assert panel["fieldConfig"]["defaults"]["unit"]
        assert panel["targets"]


def test_panels_lie_on_the_grid_and_do_not_overlap(board: Any) -> None:
    cells = [set(_cells(panel["gridPos"])) for panel in board["panels"]]

    assert all(x < 24 for one in cells for x, _ in one)
    assert not any(one & other for one, other in combinations(cells, 2))
    width = max(y for one in cells for _, y in one) + 1
    assert sum(len(one) for one in cells) == 24 * width, "a hole on the grid"


def test_ids_are_unique(board: Any) -> None:
    ids = [panel["id"] for panel in board["panels"]]

    assert len(ids) == len(set(ids))
    for panel in board["panels"]:
        refs = [target["refId"] for target in panel["targets"]]
        assert len(refs) == len(set(refs))


def test_every_query_goes_to_the_chosen_data_source(board: Any) -> None:
    chosen = {"type": "prometheus", "uid": "${datasource}"}
    text = json.dumps(board)

    assert board["templating"]["list"][0]["name"] == "datasource"
    assert "__inputs" not in text
    assert "${DS_" not in text
    for panel in board["panels"]:
        assert panel["datasource"] == chosen
        assert all(target["datasource"] == chosen for target in panel["targets"])
    for annotation in board["annotations"]["list"]:
        assert annotation["datasource"] == chosen


def test_rates_follow_the_zoom(board: Any) -> None:
    for expr in expressions(board):
        for window in _windows(expr):
            assert window in {"$__rate_interval", "$__range"}, expr


def test_every_query_can_be_parsed(board: Any) -> None:
    for expr in expressions(board):
        promql_parser.parse(substituted(expr))


def test_variables_in_queries_are_declared(board: Any) -> None:
    declared = {variable["name"] for variable in board["templating"]["list"]}
    for expr in expressions(board):
        bare = expr.replace("$__rate_interval", "").replace("$__range", "")
        used = {part.split('"')[0] for part in bare.split("$")[1:]}
        assert used <= declared, expr


def test_links_lead_to_boards_that_exist(board: Any) -> None:
    uids = {json.loads(path.read_text())["uid"] for path in GRAFANA.glob("*.json")}
    links = [
        link["url"]
        for panel in board["panels"]
        for link in panel["fieldConfig"]["defaults"].get("links", [])
    ]

    assert links
    for link in links:
        parts = urlsplit(link)
        assert parts.path.removeprefix("/d/") in uids
        assert "${__url_time_range}" in parts.query


def _cells(place: dict[str, int]) -> Iterator[tuple[int, int]]:
    for x in range(place["x"], place["x"] + place["w"]):
        for y in range(place["y"], place["y"] + place["h"]):
            yield x, y


def _windows(expr: str) -> list[str]:
    return [part.partition("]")[0] for part in expr.split("[")[1:]]
