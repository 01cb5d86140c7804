"""What the collector tells."""

from __future__ import annotations

from collector.names import LeftOut
from collector.telemetry import CollectorTelemetry
from tests.collector.rig import LogLines
from tocsin.errors import TransactionAborted
from tocsin.telemetry.metrics import MAX_LABELS, OTHER, new_registry


def test_service_labels_are_bounded_whatever_the_files_are_called() -> None:
    registry = new_registry()
    telemetry = CollectorTelemetry(registry)

    for number in range(1_000):
        telemetry.committed(f"service-{number}", lines=2, size=20, read_at=5.0)

    [lines] = [m for m in registry.collect() if m.name == "tocsin_collector_lines"]
    assert len(lines.samples) == MAX_LABELS + 1
    other = registry.get_sample_value(
        "tocsin_collector_lines_total", {"service": OTHER}
    )
    assert other == 2 * (1_000 - MAX_LABELS)


def test_what_is_left_out_is_told_once_and_again_when_the_reason_changes(
    log: LogLines,
) -> None:
    telemetry = CollectorTelemetry(new_registry())

    for _ in range(3):
        telemetry.left_out({"/a.log": LeftOut.BINARY})
    telemetry.left_out({"/a.log": LeftOut.UNREADABLE})

    assert len(log.having("left_out", "binary", "/a.log")) == 1
    assert len(log.having("file_unreadable", "/a.log", "chmod")) == 1


def test_a_bus_that_stays_away_is_told_in_intervals(log: LogLines) -> None:
    now = 0.0
    telemetry = CollectorTelemetry(new_registry(), clock=lambda: now)

    for second in range(100):
        now = float(second)
        telemetry.bus_unavailable(OSError("no route"))
    telemetry.bus_available()

    assert len(log.having("bus_unavailable")) == 4
    assert len(log.having("bus_available", "after_s=99.000")) == 1


def test_transactions_that_fail_again_and_again_are_told_in_intervals(
    log: LogLines,
) -> None:
    now = 0.0
    telemetry = CollectorTelemetry(new_registry(), clock=lambda: now)
    denied = TransactionAborted("no right", hint="give it")

    for second in range(100):
        now = float(second)
        telemetry.transaction_aborted(denied)
    telemetry.bus_available()
    telemetry.transaction_aborted(denied)

    assert len(log.having("transaction_aborted", "no right", "give it")) == 5
    assert len(log.having("transaction_aborted", "attempts=91")) == 1
    assert len(log.having("transaction_aborted", "attempts=1 ")) == 2
