"""What a backtest found, as text for people and as objects for programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from alerting.engine import Outcome
from alerting.incident import Incident
from alerting.message import clock_time, describe, span
from alerting.notify.terminal import render
from alerting.text import cut, one_line
from tocsin.app.backtest.comparing import Comparison
from tocsin.app.backtest.labels import Score
from tocsin.app.backtest.running import Result
from tocsin.cli.lines import visible

_SAMPLES = 3
_SHOWN_SERVICES = 10


def as_object(incident: Incident) -> dict[str, Any]:
    """An incident as other programs read it; times in Unix seconds."""
    shown = incident.evidence.templates
    return {
        "incident": incident.id,
        "rule": incident.rule,
        "service": incident.service,
        "severity": incident.severity,
        "opened_at": incident.opened_at,
        "detected_at": incident.detected_at,
        "resolved_at": incident.resolved_at,
        "count": incident.errors,
        "expected": round(incident.trigger.expected, 3),
        "window_s": incident.trigger.window_s,
        "peak": incident.peak,
        "reopened": incident.reopened,
        "templates": [x.text for x in shown],
        "samples": [x.sample.text for x in shown[:_SAMPLES]],
    }


def page(first: Outcome, last: Incident) -> Iterator[str]:
    """The message that would have been sent, when, and how it went on."""
    incident = first.incident
    message = describe(incident, first.kind, first.spark, now=incident.detected_at)
    yield f"{clock_time(incident.detected_at)}, {incident.service} would have paged:"
    # The last line tells how long sending took, which nobody did.
    yield from render(message, sent_at=incident.detected_at).splitlines()[:-1]
    yield f"  Then:      {_end(last)}"
    yield ""


def _end(incident: Incident) -> str:
    again = f", came back {incident.reopened} ×" if incident.reopened else ""
    total = f"{incident.errors:,} errors, peak {incident.peak:,}/s{again}"
    if incident.resolved_at is None:
        return f"{incident.severity}, still open where the logs end; {total}"
    lasted = span(incident.duration_s(incident.resolved_at))
    return f"{incident.severity}, over after {lasted}; {total}"


def summary(result: Result) -> Iterator[str]:
    """Pages a day, and which services they were about."""
    pages = len(result.incidents)
    services, days = result.totals.services, result.days
    told = f"{_number(pages, 'page')} in {span(days * 86_400)}"
    first, last = result.totals.first, result.totals.last
    if days and last - first > days * 86_400:  # files of different times
        between = " and ".join(clock_time(x)[:10] for x in (first, last))
        told += f" that have lines, between {between},"
    yield f"{told} of {_number(services, 'service')}"
    if pages and days:
        each = pages / days / max(services, 1)
        yield f"  {pages / days:.1f} a day, {each:.2f} a day and service"
    by_service = Counter(x.service for x in result.incidents)
    for service, count in by_service.most_common(_SHOWN_SERVICES):
        yield f"  {count:>5} × {cut(one_line(service), 60)}"
    if len(by_service) > _SHOWN_SERVICES:
        yield f"        and {len(by_service) - _SHOWN_SERVICES} more services"


def quality(found: Score, result: Result) -> Iterator[str]:
    """Precision, recall and time to detect, and what was wrong."""
    yield (
        f"against the labels: precision {found.precision:.3f}, "
        f"recall {found.recall:.3f}, F1 {found.f1:.3f}"
    )
    kinds = sorted(found.due)
    shares = ", ".join(f"{x} {found.found[x]}/{found.due[x]}" for x in kinds)
    yield f"  found: {visible(shares) or 'nothing was due'}"
    if found.delay_s:
        median, decile = found.delay_s
        yield f"  time to detect: median {median:.0f} s, nine of ten {decile:.0f} s"
    wrong = _number(len(found.false), "false page")
    service_days = result.days * max(result.totals.services, 1)
    rate = f", {len(found.false) / service_days:.2f} a day and service"
    repeats = f"; {_number(found.repeats, 'repeat')}" if found.repeats else ""
    yield f"  {wrong}{rate if service_days else ''}{repeats}"
    for incident in found.false[:_SHOWN_SERVICES]:
        name = cut(one_line(incident.service), 60)
        yield f"    false: {name} at {clock_time(incident.detected_at)}"
    for service, label in found.missed[:_SHOWN_SERVICES]:
        name = cut(one_line(service), 60)
        since = clock_time(label.start)
        yield f"    missed: {name}, {visible(label.kind)} from {since}"


def difference(found: Comparison, names: tuple[str, str]) -> Iterator[str]:
    """Which pages both sets of rules have, and which only one."""
    sooner = [b.detected_at - a.detected_at for a, b in found.both]
    yield f"{_number(len(found.both), 'page')} of both"
    if sooner:
        mean = sum(sooner) / len(sooner)
        yield f"  {visible(names[0])} told them {mean:+.1f} s earlier on average"
    for name, alone in zip(names, (found.only_first, found.only_second), strict=True):
        yield f"{_number(len(alone), 'page')} of {visible(name)} alone"
        for incident in alone[:_SHOWN_SERVICES]:
            at, service = clock_time(incident.detected_at), one_line(incident.service)
            yield f"  {at}  {cut(service, 60)}: {one_line(incident.rule)}"
        if len(alone) > _SHOWN_SERVICES:
            yield f"  and {len(alone) - _SHOWN_SERVICES} more"


def notes(result: Result, *, left_out: int) -> Iterator[str]:
    """What was read, and what of it was not."""
    totals = result.totals
    said = [f"{totals.lines:,} lines of {_number(totals.files, 'file')}"]
    if left_out:
        said.append(f"{_number(left_out, 'path')} left out")
    if totals.untimed:
        said.append(f"{totals.untimed:,} lines state no time")
    if result.dropped:
        said.append(f"{result.dropped:,} lines were too far out of order")
    if result.uncounted:
        names = ", ".join(map(one_line, result.uncounted))
        said.append(f"{names}: the processor counted nothing for them at that time")
    yield "; ".join(said)
    for path, problem in totals.unreadable.items():
        yield f"{visible(path)}: {problem}"


def _number(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
