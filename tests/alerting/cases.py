"""Incidents as the tests of what is said of them need them."""

from __future__ import annotations

from alerting.burst import Severity
from alerting.evidence import Evidence
from alerting.incident import Arrival, Incident, Phase, Trigger, incident_id
from tests.alerting.story import START


def incident(  # what a test varies
    service: str = "checkout",
    *,
    rule: str = "burst",
    severity: Severity = "warning",
    is_open: bool = True,
    paged: bool = True,
    at: float = START,
) -> Incident:
    """An incident of a service that began at `at`."""
    return Incident(
        id=incident_id(rule, service, int(at)),
        rule=rule,
        service=service,
        phase=Phase.OPEN if is_open else Phase.RESOLVED,
        severity=severity,
        sequence=1,
        paged=paged,
        opened_at=at,
        fired_at=at,
        detected_at=at,
        edited_at=at,
        trigger=Trigger(5, 9, 0.1, 0.5, 0.01, 0.02),
        errors=9,
        peak=4,
        evidence=Evidence(),
        arrival=Arrival(at, at, at),
        resolved_at=None if is_open else at + 60,
        quiet_since=None if is_open else at + 50,
    )
