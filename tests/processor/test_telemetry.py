"""What Prometheus reads from the processor."""

from __future__ import annotations

import pytest

from processor.flush import Flush, ServiceCounts
from processor.telemetry import ProcessorTelemetry
from tocsin.telemetry.metrics import new_registry


@pytest.mark.parametrize("level", ["warn", "error", "fatal", "unknown"])
def test_a_level_counts_from_zero_before_its_first_line(level: str) -> None:
    registry = new_registry()
    calm = ServiceCounts("checkout", (0, 0, 90, 0, 0, 0, 0), late=0)
    flush = Flush(frames=[], dead=[], learned=[], gaps=[], services=[calm])

    ProcessorTelemetry(registry).flushed(flush, now=1_000.0)

    labels = {"service": "checkout", "level": level}
    assert registry.get_sample_value("tocsin_lines_processed_total", labels) == 0


def test_failures_count_from_zero_once_a_format_is_learned() -> None:
    registry = new_registry()

    ProcessorTelemetry(registry).learned("/logs/a.log", "checkout", "json", None)

    name, labels = "tocsin_parse_failures_total", {"format": "json"}
    assert registry.get_sample_value(name, labels) == 0


@pytest.mark.slow
def test_a_hundred_thousand_services_make_a_bounded_number_of_series() -> None:
    registry = new_registry()
    services = [
        ServiceCounts(f"s{number}", (0, 0, 1, 0, 1, 0, 0), late=1)
        for number in range(100_000)
    ]
    flush = Flush(frames=[], dead=[], learned=[], gaps=[], services=services)

    ProcessorTelemetry(registry).flushed(flush, now=1_000.0)

    series = sum(len(metric.samples) for metric in registry.collect())
    labels = {"service": "__other__", "level": "error"}
    others = registry.get_sample_value("tocsin_lines_processed_total", labels)
    assert series < 201 * 9
    assert others == 100_000 - 200


def test_what_was_understood_is_told_first_after_a_second_then_each_ten(
    caplog: pytest.LogCaptureFixture,
) -> None:
    telemetry = ProcessorTelemetry(new_registry())
    news = [ServiceCounts("api", (0, 0, 90, 0, 5, 0, 5), late=0)]
    nothing: list[ServiceCounts] = []

    with caplog.at_level("INFO", logger="tocsin.processor"):
        for at, services in (
            (0.0, news),
            (0.5, news),
            (1.0, nothing),
            (1.5, news),
            (10.9, nothing),
            (11.0, nothing),
            (30.0, nothing),
        ):
            flush = Flush(frames=[], dead=[], learned=[], gaps=[], services=services)
            telemetry.flushed(flush, now=at)

    assert [record.getMessage() for record in caplog.records] == [
        "lines_read service=api lines=200 errors=10 without_level=5.0%",
        "lines_read service=api lines=100 errors=5 without_level=5.0%",
    ]


def test_ten_thousand_new_streams_do_not_flood_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    telemetry = ProcessorTelemetry(new_registry())
    news = [ServiceCounts("api", (0, 0, 1, 0, 0, 0, 0), late=0)]

    with caplog.at_level("INFO", logger="tocsin.processor"):
        for number in range(10_000):
            telemetry.learned(f"/logs/{number}.log", "api", "json", None)
        for at in (0.0, 1.0):
            flush = Flush(frames=[], dead=[], learned=[], gaps=[], services=news)
            telemetry.flushed(flush, now=at)

    told = [record.getMessage() for record in caplog.records]
    assert told[0] == "format_learned path=/logs/0.log service=api format=json"
    assert told[50] == "more_formats_learned streams=9950"
    assert len(told) == 52
