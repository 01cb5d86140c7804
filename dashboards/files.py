"""The dashboards' JSON files, as Grafana reads them, and what must stand in them."""

from __future__ import annotations

import json
from pathlib import Path

from dashboards import incidents, logs_overview, pipeline, service
from dashboards.board import render

_FOLDER = Path(__file__).parent / "grafana" / "dashboards"

_BOARDS = {
    "logs-overview.json": logs_overview.BOARD,
    "incidents.json": incidents.BOARD,
    "pipeline.json": pipeline.BOARD,
    "service.json": service.BOARD,
}

FILES = {
    _FOLDER / name: json.dumps(render(board), indent=2) + "\n"
    for name, board in _BOARDS.items()
}
