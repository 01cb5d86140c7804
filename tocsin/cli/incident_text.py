"""Incidents as text for people and as flat objects for programs."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from alerting.incident import Incident, Kind, Reason
from alerting.message import alert_record, describe, span
from alerting.notify.terminal import render
from alerting.text import cut, one_line
from tocsin.cli.lines import clock_text
from tocsin.records.public import AlertRecord

_COLUMNS = "{:<24} {:<9} {:<9} {:<20} {:<19} {:>10} {:>8}"


def table(known: Sequence[Incident], *, now: float) -> Iterator[str]:
    """A line for each incident under a line of headings; times are local."""
    yield _COLUMNS.format(
        "ID", "STATE", "SEVERITY", "SERVICE", "SINCE", "DURATION", "ERRORS"
    ).rstrip()
    for incident in known:
        since = time.localtime(incident.opened_at)
        yield _COLUMNS.format(
            incident.id,
            incident.phase.value,
            incident.severity,
            cut(one_line(incident.service), 20),
            time.strftime("%Y-%m-%d %H:%M:%S", since),
            span(incident.duration_s(now)),
            f"{incident.errors:,}",
        )


def story(
    incident: Incident, steps: Sequence[AlertRecord], *, now: float
) -> Iterator[str]:
    """The message as it would be sent now, the last decision, and what was told."""
    message = describe(incident, _kind(incident), (), now=now)
    # Its last line tells how long sending took, which showing does not.
    yield from render(message, sent_at=now).splitlines()[:-1]
    yield f"  Decision:  {decision(incident)}"
    if not incident.paged:
        yield "  Nobody was told of it."
    if steps:
        yield "  Told:"
    for step in steps:
        yield f"    {clock_text(step.at)}  {step.event:<9}  {one_line(step.reason)}"


def decision(incident: Incident) -> str:
    """Why the last thing was done with it, or nothing."""
    known = Reason.__members__.get(incident.reason)
    return known.value if known else incident.reason


def as_object(incident: Incident, *, now: float) -> dict[str, Any]:
    """The incident by the names of the topic alerts; times in Unix seconds."""
    record = msgspec.to_builtins(alert_record(incident, _kind(incident), now))
    for name in ("event", "at"):
        del record[name]
    return {
        **record,
        "state": incident.phase.value,
        "peak": incident.peak,
        "paged": incident.paged,
        "decision": decision(incident),
    }


def _kind(incident: Incident) -> Kind:
    return "opened" if incident.is_open else "resolved"
