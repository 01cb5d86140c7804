"""From a line in a file to Slack's answer, under load, with the real programs."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.broker import Broker
from tests.e2e.product import Product, wait_for
from tests.e2e.services import FORMATS, Service
from tests.slack import FakeSlack

LINES_PER_S = 10_000
LEARNING_S = 10  # before the first burst
APART_S = 3  # between two bursts
BURST = 200  # of the 1,000 lines a second of its service
SLACK_ANSWERS_IN_S = 0.05
AIMS = {"collect": "≤ 60 MB", "process": "≤ 350 MB", "alert": "≤ 150 MB"}
Row = tuple[str, str, str]


def run() -> list[Row]:
    """Load `tocsin run` with 10,000 lines/s of ten services, of which each bursts once.

    Ten within a minute is what still gets a message each.
    """
    rows = _measured("embedded", "embedded://")
    with _broker() as broker:
        return rows + _measured("Kafka", f"kafka://{broker.bootstrap}")


@contextmanager
def _broker() -> Iterator[Broker]:
    with tempfile.TemporaryDirectory() as folder:
        broker = Broker(Path(folder))
        broker.start()
        try:
            yield broker
        finally:
            broker.stop()


def _measured(name: str, bus: str) -> list[Row]:
    with (
        tempfile.TemporaryDirectory() as folder,
        FakeSlack(latency_s=SLACK_ANSWERS_IN_S) as slack,
        Product(Path(folder), bus=bus, slack=slack) as product,
    ):
        services = [
            Service(product.logs, f"{kind}-{n}", kind=kind)
            for n in range(2)
            for kind in FORMATS
        ]
        written_at, peak_bytes = _load(product, services)
        wait_for(
            lambda: len(slack.messages("#alerts")) >= len(services), what="messages"
        )
        delays_s = [
            message.at - written_at[service.name]
            for service in services
            for message in slack.messages("#alerts")
            if service.name in message.header
        ]
    typical, worst = statistics.median(delays_s), max(delays_s)
    at = f"at {LINES_PER_S:,} lines/s"
    return [
        (
            f"{name}: burst written → Slack accepted, {at}, p50 / longest of ten",
            f"{typical:.3f} / {worst:.3f} s",
            "≤ 0.3 / 1 s",
        ),
        *(
            (
                f"{name}: {component} resident at most, {at}",
                f"{peak_bytes[component] / 1e6:.0f} MB",
                aim,
            )
            for component, aim in AIMS.items()
        ),
    ]


def _load(
    product: Product, services: list[Service]
) -> tuple[dict[str, float], dict[str, int]]:
    """Write for all services; when each one's burst was written, and peak memory."""
    written_at: dict[str, float] = {}
    peak_bytes: dict[str, int] = {}
    bursts = {
        10 * (LEARNING_S + APART_S * n): service for n, service in enumerate(services)
    }
    started = time.monotonic()
    for tick in range(max(bursts) + 10):
        for service in services:
            service.write(time.time(), LINES_PER_S // 10 // len(services))
        if bursting := bursts.get(tick):
            bursting.write(time.time(), BURST, level="ERROR")
            written_at[bursting.name] = time.time()
        if tick % 10 == 9:
            peak_bytes = _highest(peak_bytes, product.resident_bytes())
        time.sleep(max(0.0, started + 0.1 * (tick + 1) - time.monotonic()))
    return written_at, peak_bytes


def _highest(a: dict[str, int], b: dict[str, int]) -> dict[str, int]:
    return {name: max(a.get(name, 0), b.get(name, 0)) for name in a.keys() | b.keys()}
