"""Metrics stay bounded, whatever services the logs name."""

from __future__ import annotations

import msgspec
import pytest
from prometheus_client import CollectorRegistry

from alerting.telemetry import AlertingTelemetry
from tests.alerting.test_message import incident, over
from tocsin.telemetry.metrics import MAX_LABELS

_SERVICES = 100_000


@pytest.mark.slow
def test_100_000_services_are_200_series_and_one_for_the_rest() -> None:
    registry = CollectorRegistry()
    telemetry = AlertingTelemetry(registry)
    one = incident()

    telemetry.incidents(
        msgspec.structs.replace(one, service=f"s{x}") for x in range(_SERVICES)
    )

    series = [x for m in registry.collect() for x in m.samples]
    assert len([x for x in series if x.name == "tocsin_incident_state"]) == (
        MAX_LABELS + 1
    )
    active = registry.get_sample_value(
        "tocsin_incidents_active", {"severity": "critical"}
    )
    assert active == _SERVICES


def test_a_resolved_incident_leaves_the_metrics() -> None:
    registry = CollectorRegistry()
    telemetry = AlertingTelemetry(registry)
    labels = {"rule": "burst", "service": "checkout-api", "severity": "critical"}

    telemetry.incidents([incident()])
    before = registry.get_sample_value("tocsin_incident_state", labels)
    telemetry.incidents([over(incident())])

    assert before == 1
    assert registry.get_sample_value("tocsin_incident_state", labels) is None
