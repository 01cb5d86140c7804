"""`tocsin incidents`: what fires now, what did, and who looks after it."""

from __future__ import annotations

import json
import time

import click
import msgspec

from tocsin.app.connecting import open_for_reading, require_topic
from tocsin.app.incidents import find, incidents, notices, steps
from tocsin.app.ordering import acknowledge, me
from tocsin.cli import options
from tocsin.cli.incident_text import as_object, story, table
from tocsin.records.topics import ACKNOWLEDGEMENTS, INCIDENTS


@click.group("incidents", short_help="List incidents, show or acknowledge one.")
def command() -> None:
    """List incidents, show or acknowledge one."""


@command.command("list")
@options.bus_options
@click.option("--open", "only_open", is_flag=True, help="Only those not resolved yet.")
@click.option("--service", metavar="NAME", help="Only those of this service.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object an incident.")
@click.pass_context
def list_them(
    context: click.Context, *, only_open: bool, service: str | None, as_json: bool
) -> None:
    """List incidents, the newest first."""
    config = options.given(context).load().config
    with open_for_reading(config, "incidents") as bus:
        require_topic(bus, INCIDENTS)
        known, unreadable = incidents(bus)
        said = notices(bus)
    shown = [
        incident
        for incident in known
        if (incident.is_open or not only_open)
        and (service is None or incident.service == service)
    ]
    now = time.time()
    if as_json:
        for incident in shown:
            click.echo(
                json.dumps(
                    as_object(incident, said.get(incident.id), now=now),
                    ensure_ascii=False,
                )
            )
    elif shown:
        click.echo("\n".join(table(shown, said, now=now)))
    else:
        click.echo("tocsin: no incidents", err=True)
    if unreadable:
        click.echo(f"tocsin: {unreadable} rows cannot be read", err=True)


@command.command()
@click.argument("name", metavar="ID")
@options.bus_options
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.pass_context
def show(context: click.Context, *, name: str, as_json: bool) -> None:
    """Show one incident, why it is as it is, and what was told of it.

    ID is an incident's id, or its beginning.
    """
    config = options.given(context).load().config
    with open_for_reading(config, "incidents") as bus:
        require_topic(bus, INCIDENTS)
        incident = find(incidents(bus)[0], name)
        notice = notices(bus).get(incident.id)
        told = steps(bus, incident.id)
    now = time.time()
    if as_json:
        shown = as_object(incident, notice, now=now)
        shown["steps"] = msgspec.to_builtins(told)
        click.echo(json.dumps(shown, ensure_ascii=False))
    else:
        click.echo("\n".join(story(incident, notice, told, now=now)))


@command.command()
@click.argument("name", metavar="ID")
@click.option("--comment", default="", help="What is done about it.")
@click.option("--by", metavar="NAME", default=me, help="Who; you by default.")
@options.bus_options
@click.pass_context
def ack(context: click.Context, *, name: str, comment: str, by: str) -> None:
    """Say that you look after an incident: its message shows it, nobody is reminded.

    ID is an incident's id, or its beginning.
    """
    config = options.given(context).load().config
    with open_for_reading(config, "incidents") as bus:
        require_topic(bus, ACKNOWLEDGEMENTS)
        incident = find(incidents(bus)[0], name)
        acknowledge(bus, incident.id, by=by, comment=comment, now=time.time())
    click.echo(f"tocsin: {incident.id} is acknowledged by {by}", err=True)
