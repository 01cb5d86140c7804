"""The dashboards' JSON files, as Grafana reads them, and what must stand in them."""

from __future__ import annotations

import json
from pathlib import Path

from dashboards.board import render
from dashboards.logs_overview import BOARD

_FOLDER = Path(__file__).parent / "grafana" / "dashboards"

FILES = {
    _FOLDER / "logs-overview.json": json.dumps(render(BOARD), indent=2) + "\n",
}
