"""`tocsin explain SERVICE`: why people were told, or were not."""

from __future__ import annotations

import time
from collections.abc import Iterator

import click

from alerting.message import span
from alerting.notice import Standing, phrase
from alerting.text import cut, one_line
from tocsin.app.connecting import open_for_reading, require_topic
from tocsin.app.explaining import Account, account, summary
from tocsin.cli import options
from tocsin.cli.incident_text import decision
from tocsin.records.topics import INCIDENTS

_SHOWN, _SHOWN_RULES = 5, 20


@click.command("explain", short_help="Say why a service was alerted on, or was not.")
@click.argument("service")
@options.bus_options
@click.pass_context
def command(context: click.Context, *, service: str) -> None:
    """Say why a service was alerted on, or was not.

    Its lines of the last two hours, every decision on them with its reason, its
    incidents, what keeps them from people, who would be told now, and what waits.
    """
    config = options.given(context).load().config
    now = time.time()
    with open_for_reading(config, "explain") as bus:
        require_topic(bus, INCIDENTS)
        made = account(bus, config, service, now=now)
    click.echo("\n".join(_lines(made, now)))


def _lines(made: Account, now: float) -> Iterator[str]:
    name = cut(one_line(made.service), 80)
    yield f"{name}, the last {span(made.span_s)}"
    yield from _seen(made, now)
    yield "Decisions on its seconds with errors:"
    yield from summary(made.decisions.most_common()) or ["      none"]
    yield from _rules(made)
    yield "Incidents:"
    for incident, notice in made.incidents[:_SHOWN]:
        word = phrase(incident, notice, now=now).value
        yield f"    {incident.id}: {word}; {decision(incident)}"
        if notice is None:
            yield "        nobody was told of it"
            continue
        by = f" ({one_line(notice.standing_by)})" if notice.standing_by else ""
        yield f"        {Standing[notice.standing].value}{by}"
        if notice.channels:
            yield f"        told in {', '.join(map(one_line, notice.channels))}"
    if not made.incidents:
        yield "    none"
    yield from _audience(made, now)


def _seen(made: Account, now: float) -> Iterator[str]:
    if made.last_line_at is None:
        yield "    no line of it was processed: check the name, and `tocsin sources`"
    else:
        ago = span(now - made.last_line_at)
        yield f"    {made.lines:,} lines, {made.errors:,} errors, the last {ago} ago"
    if made.watermark is None:
        yield "    no news from the processor at all"
    elif now - made.watermark > 60:
        yield f"    the processor is {span(now - made.watermark)} behind"


def _rules(made: Account) -> Iterator[str]:
    if made.last_line_at is None:
        return
    yield "How near each rule came to firing:"
    for rule, (at, group, near) in made.nearest.items():
        of = f", {one_line(str(group))}" if group.labels or not group.service else ""
        fires = "it fired: " if near.share >= 1 else ""
        name = cut(one_line(rule), 80)
        yield f"    {name}: {fires}{one_line(near.why)} ({_clock(at)}{of})"
    if made.elsewhere:
        names = ", ".join(cut(one_line(x), 80) for x in made.elsewhere[:_SHOWN_RULES])
        yield f"    about other services: {names}"


def _clock(at: float) -> str:
    return time.strftime("%H:%M:%S", time.localtime(at))


def _audience(made: Account, now: float) -> Iterator[str]:
    yield "Who would be told now:"
    for receiver, interval in made.told.items():
        yield f"    {receiver}" + (
            f", but {interval} keeps it quiet" if interval else ""
        )
    for silence in made.silences:
        left = span(silence.ends_at - now)
        yield (
            f"    nobody for {left}: silence {silence.id} by "
            f"{cut(one_line(silence.author), 40)}: {cut(one_line(silence.comment), 80)}"
        )
    for name in made.inhibited_by:
        yield f"    nobody while {name} is open: it explains this"
    for line in made.waiting:
        yield f"    waiting: {one_line(line)}"
