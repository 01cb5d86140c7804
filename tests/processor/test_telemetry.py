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
