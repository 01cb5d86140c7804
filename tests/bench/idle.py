"""What each component costs while no line is written, on both buses."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from tests.broker import Broker
from tests.e2e.product import COMPONENTS, Product
from tests.slack import FakeSlack

SETTLED_S = 10  # from the start on; imports, the groups' assignments and the last panes
WATCHED_S = 20


def run() -> list[tuple[str, str, str]]:
    """`tocsin run` on one file of one line, that nobody writes to."""
    rows = _watched("embedded", "embedded://")
    with tempfile.TemporaryDirectory() as folder:
        broker = Broker(Path(folder))
        broker.start()
        try:
            return rows + _watched("Kafka", f"kafka://{broker.bootstrap}")
        finally:
            broker.stop()


def _watched(name: str, bus: str) -> list[tuple[str, str, str]]:
    with (
        tempfile.TemporaryDirectory() as folder,
        FakeSlack() as slack,
        Product(Path(folder), bus=bus, slack=slack) as product,
    ):
        (product.logs / "app.log").write_text("2026-11-25T09:00:00Z INFO started\n")
        time.sleep(SETTLED_S)
        before, started = product.cpu_s(), time.monotonic()
        time.sleep(WATCHED_S)
        after, took_s = product.cpu_s(), time.monotonic() - started
    return [
        (
            f"{name}: idle {component}, share of a core",
            f"{(after[component] - before[component]) / took_s:.2%}",
            "≤ 1 %",
        )
        for component in COMPONENTS
    ]
