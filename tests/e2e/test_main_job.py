"""The main job, whole: five services' logs in, one Slack message out, on both buses.

Lines are written live, so these stories wait by the wall clock: for what must happen,
with generous bounds, never for a fixed time in the hope that it has happened.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from tests.e2e.product import Product, wait_for
from tests.e2e.services import FORMATS, Service
from tests.slack import Answer, FakeSlack

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(180)]

TICKS = 100  # writes of each service, 0.1 s apart
LINES = 100  # lines a tick and service: 5 × 100 × 100 = 50,000 lines
BURST = range(60, 64)  # the ticks in which checkout's errors come
BURST_LINES = 40  # errors a tick
STRAY = {10: "auth", 25: "orders", 70: "worker"}  # a lone error now and then


@dataclass
class Story:
    """What happened while the services wrote."""

    services: list[Service]
    sixth_error_at: float

    def truth(self) -> dict[str, dict[str, int]]:
        """Lines by service and level."""
        return {s.name: dict(s.counts) for s in self.services}


def write_story(product: Product, at_tick: Callable[[int], None]) -> Story:
    """Write 50,000 lines in ten seconds, with rotations, and one burst of errors."""
    services = [Service(product.logs, name) for name in FORMATS]
    by_name = {service.name: service for service in services}
    for service in services:
        service.write(time.time(), 1)
    wait_for(lambda: product.streams() == len(services), what="five known files")
    sixth_error_at = 0.0
    started = time.monotonic()
    for tick in range(TICKS):
        at_tick(tick)
        now = time.time()
        for number, service in enumerate(services):
            burst = service.name == "checkout" and tick in BURST
            service.write(now, LINES - (BURST_LINES if burst else 0))
            if burst:
                service.write(now, BURST_LINES, level="ERROR")
                sixth_error_at = sixth_error_at or time.time()
            if tick % 40 == 10 + 5 * number:
                service.rotate()
        if tick in STRAY:
            by_name[STRAY[tick]].write(now, 1, level="ERROR")
        time.sleep(max(0.0, started + 0.1 * (tick + 1) - time.monotonic()))
    return Story(services, sixth_error_at)


def expect_exact_counts(product: Product, story: Story) -> None:
    """All windows close and their sums equal the truth, service by service."""
    truth = story.truth()
    total = sum(sum(levels.values()) for levels in truth.values())

    def everything() -> dict[str, dict[str, int]] | None:
        counts = product.counts()
        seen = sum(sum(levels.values()) for levels in counts.values())
        return counts if seen >= total else None

    assert wait_for(everything, what=f"{total} lines in log-metrics-1m") == truth


def expect_one_message(slack: FakeSlack, story: Story) -> float:
    """Slack shows one message, for checkout, edited to resolved; its delay."""
    shown = wait_for(
        lambda: [m for m in slack.messages("#alerts") if "✅" in m.header],
        what="resolved message",
    )

    assert len(slack.messages("#alerts")) == len(shown) == 1
    assert "checkout" in shown[0].header
    return shown[0].at - story.sixth_error_at


def events(product: Product) -> Counter[str]:
    """How often each event of an incident's life stands in `alerts`."""
    return Counter(record.event for record in product.alerts())


def test_a_burst_becomes_one_message_and_every_line_is_counted_once(
    product: Product, slack: FakeSlack, record_property: Callable[[str, object], None]
) -> None:
    product.start()

    story = write_story(product, lambda _: None)

    expect_exact_counts(product, story)
    delay_s = expect_one_message(slack, story)
    record_property("burst_to_slack_s", round(delay_s, 3))
    print(f"sixth error line to Slack: {delay_s:.3f} s")
    assert delay_s < 2.0
    assert events(product)["opened"] == events(product)["resolved"] == 1


def test_killing_every_component_in_turn_changes_nothing(
    product: Product, slack: FakeSlack
) -> None:
    victims = {
        15: "collect",
        30: "process",
        45: "alert",
        61: "collect",
        63: "alert",
        75: "process",
        85: "collect",
    }

    slack.script(
        "chat.postMessage",
        Answer(status=500),
        Answer(status=429, error="ratelimited", retry_after_s=1.0),
    )

    def kill(tick: int) -> None:
        if tick in victims:
            product.kill(victims[tick])

    product.start()

    story = write_story(product, kill)

    expect_exact_counts(product, story)
    expect_one_message(slack, story)
    assert events(product)["opened"] == 1


def write_history(service: Service, *, until: float, hours: float, rate: int) -> None:
    """Lines of the past, one error in a hundred."""
    for second in range(int(-hours * 3600), 0):
        service.write(until + second, rate)
        if second % 5 == 0:
            service.write(until + second, max(1, rate // 20), level="ERROR")


def test_more_traffic_with_the_same_share_of_errors_is_no_incident(
    product: Product, slack: FakeSlack
) -> None:
    service = Service(product.logs, "orders")
    write_history(service, until=time.time(), hours=0.75, rate=20)
    product.start()

    for _ in range(20):
        service.write(time.time(), 100)
        service.write(time.time(), 1, level="ERROR")
        time.sleep(1)
    calm = slack.messages("#alerts")
    service.write(time.time(), 300, level="ERROR")

    wait_for(lambda: slack.messages("#alerts"), what="message about the real burst")
    assert calm == []


def test_old_errors_found_after_a_downtime_page_nobody(
    product: Product, slack: FakeSlack
) -> None:
    service = Service(product.logs, "checkout")
    service.write(time.time(), 100)
    product.start()
    wait_for(product.counts, what="windows")
    assert product.stop() == 0

    hour_ago = time.time() - 3600
    service.write(hour_ago, 200)
    service.write(hour_ago, 300, level="ERROR")
    product.start()

    def all_counted() -> bool:
        return product.counts().get("checkout") == dict(service.counts)

    wait_for(all_counted, what="the old lines in log-metrics-1m")
    assert slack.messages("#alerts") == []
    service.write(time.time(), 300, level="ERROR")
    wait_for(lambda: slack.messages("#alerts"), what="message about the new burst")
