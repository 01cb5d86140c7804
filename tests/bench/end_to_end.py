"""From a line in a file to Slack's answer, under load, with the real programs."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from tests.e2e.product import Product, wait_for
from tests.e2e.services import FORMATS, Service
from tests.slack import FakeSlack

SECONDS = 15
LINES_PER_S = 10_000
BURST = 200  # of the 2,000 lines a second of its service


def run() -> list[tuple[str, str, str]]:
    """Load `tocsin run` with 10,000 lines/s; a burst at the end; the embedded bus."""
    with tempfile.TemporaryDirectory() as folder, FakeSlack() as slack:
        product = Product(Path(folder), bus="embedded://", slack=slack)
        with product:
            services = [Service(product.logs, name) for name in FORMATS]
            peak_bytes = _load(product, services)
            services[0].write(time.time(), BURST, level="ERROR")
            written_at = time.time()
            message = wait_for(lambda: slack.messages("#alerts"), what="message")[0]
            peak_bytes = _highest(peak_bytes, product.resident_bytes())
    delay_s = message.at - written_at
    aims = {"collect": "≤ 60 MB", "process": "≤ 350 MB", "alert": "≤ 150 MB"}
    load = f"{LINES_PER_S:,} lines/s"
    return [
        (f"a burst written → Slack accepted, at {load}", f"{delay_s:.3f} s", "≤ 1 s"),
        *(
            (
                f"{name}: resident at most, at {load}",
                f"{peak_bytes[name] / 1e6:.0f} MB",
                aim,
            )
            for name, aim in aims.items()
        ),
    ]


def _load(product: Product, services: list[Service]) -> dict[str, int]:
    peak_bytes: dict[str, int] = {}
    started = time.monotonic()
    for tick in range(SECONDS * 10):
        for service in services:
            service.write(time.time(), LINES_PER_S // 10 // len(services))
        if tick % 10 == 9:
            peak_bytes = _highest(peak_bytes, product.resident_bytes())
        time.sleep(max(0.0, started + 0.1 * (tick + 1) - time.monotonic()))
    return peak_bytes


def _highest(a: dict[str, int], b: dict[str, int]) -> dict[str, int]:
    return {name: max(a.get(name, 0), b.get(name, 0)) for name in a.keys() | b.keys()}
