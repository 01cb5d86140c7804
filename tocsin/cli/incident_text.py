"""Incidents as text for people and as flat objects for programs."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from alerting.incident import Incident, Kind, Reason
from alerting.message import alert_record, describe, span
from alerting.notice import Notice, Standing, Verdict, phrase
from alerting.notify.terminal import render
from alerting.text import cut, one_line
from tocsin.cli.lines import clock_text
from tocsin.records.public import AlertRecord

_COLUMNS = "{:<24} {:<13} {:<9} {:<20} {:<19} {:>10} {:>8}"


def table(
    known: Sequence[Incident], said: Mapping[str, Notice], *, now: float
) -> Iterator[str]:
    """A line for each incident under a line of headings; times are local."""
    yield _COLUMNS.format(
        "ID", "STATE", "SEVERITY", "SERVICE", "SINCE", "DURATION", "ERRORS"
    ).rstrip()
    for incident in known:
        since = time.localtime(incident.opened_at)
        yield _COLUMNS.format(
            incident.id,
            phrase(incident, said.get(incident.id), now=now).value,
            incident.severity,
            cut(one_line(incident.service), 20),
            time.strftime("%Y-%m-%d %H:%M:%S", since),
            span(incident.duration_s(now)),
            f"{incident.errors:,}",
        )


def story(
    incident: Incident,
    notice: Notice | None,
    steps: Sequence[AlertRecord],
    *,
    now: float,
) -> Iterator[str]:
    """The message as it would be sent now, the last decision, and what was told."""
    message = describe(incident, _kind(incident), (), now=now, notice=notice)
    # Its last line tells how long sending took, which showing does not.
    yield from render(message, sent_at=now).splitlines()[:-1]
    yield f"  Decision:  {decision(incident)}"
    if notice is not None:
        by = f" ({one_line(notice.standing_by)})" if notice.standing_by else ""
        yield f"  People:    {Standing[notice.standing].value}{by}"
        yield f"  Message:   {Verdict[notice.verdict].value}"
    if notice is None or not notice.channels:
        yield "  Nobody was told of it."
    else:
        yield f"  Shown in:  {', '.join(map(one_line, notice.channels))}"
    if steps:
        yield "  Told:"
    for step in steps:
        yield f"    {clock_text(step.at)}  {step.event:<9}  {one_line(step.reason)}"


def decision(incident: Incident) -> str:
    """Why the last thing was done with it, or nothing."""
    known = Reason.__members__.get(incident.reason)
    return known.value if known else incident.reason


def as_object(
    incident: Incident, notice: Notice | None, *, now: float
) -> dict[str, Any]:
    """The incident by the names of the topic alerts; times in Unix seconds."""
    record = msgspec.to_builtins(alert_record(incident, _kind(incident), now))
    for name in ("event", "at"):
        del record[name]
    return {
        **record,
        "state": phrase(incident, notice, now=now).value,
        "peak": incident.peak,
        "paged": incident.paged,
        "standing": notice.standing.lower() if notice else None,
        "standing_by": notice.standing_by if notice else "",
        "acknowledged_by": notice.acked_by if notice else "",
        "channels": list(notice.channels) if notice else [],
        "decision": decision(incident),
    }


def _kind(incident: Incident) -> Kind:
    return "opened" if incident.is_open else "resolved"
