"""`tocsin silence`: hear nothing of some incidents for a while."""

from __future__ import annotations

import json
import time
from datetime import datetime

import click
import msgspec

from alerting.matchers import parse_matcher
from alerting.silences import Silence
from alerting.text import cut, one_line
from tocsin.app.connecting import open_for_reading, require_topic
from tocsin.app.incidents import incidents
from tocsin.app.ordering import add_silence, expire_silence, me, silences
from tocsin.cli import options
from tocsin.config.kinds import duration_s
from tocsin.errors import ConfigError
from tocsin.records.topics import SILENCES

_SHOWN = 5
_COLUMNS = "{:<8} {:<8} {:<20} {:<20} {:<12} {:<28} {}"


@click.group("silence", short_help="Hear nothing of some incidents for a while.")
def command() -> None:
    """Hear nothing of some incidents for a while."""


@command.command()
@click.argument("matchers", nargs=-1, required=True, metavar="LABEL=PATTERN...")
@click.option("--for", "lasts", metavar="2h", help="How long from its start.")
@click.option("--from", "start", metavar="TIME", help="From when; now by default.")
@click.option("--until", metavar="TIME", help="Until when, instead of --for.")
@click.option("--comment", required=True, help="Why.")
@click.option("--by", metavar="NAME", default=me, help="Who; you by default.")
@options.bus_options
@click.pass_context
def add(  # noqa: PLR0913 - a command's parameters are its options
    context: click.Context,
    *,
    matchers: tuple[str, ...],
    lasts: str | None,
    start: str | None,
    until: str | None,
    comment: str,
    by: str,
) -> None:
    """Silence incidents that match every LABEL=PATTERN.

    Labels are service, rule and severity; * and ? stand for any text and any
    character, != for the opposite. Incidents go on and are listed; nobody is told.
    TIME is such as 2026-03-14T22:00, local unless it says otherwise.
    """
    now = time.time()
    starts_at = _instant(start) if start else now
    if (lasts is None) == (until is None):
        raise ConfigError("expected either --for or --until")
    ends_at = starts_at + _duration(lasts) if lasts else _instant(until or "")
    parsed = [parse_matcher(x) for x in matchers]
    config = options.given(context).load().config
    with open_for_reading(config, "silence") as bus:
        require_topic(bus, SILENCES)
        made = add_silence(
            bus,
            parsed,
            starts_at=starts_at,
            ends_at=ends_at,
            author=by,
            comment=comment,
            now=now,
        )
        meant = [x for x in incidents(bus)[0] if x.is_open and made.covers(x.labels)]
    click.echo(made.id)
    names = ", ".join(x.id for x in meant[:_SHOWN])
    some = f"{len(meant)} open now: {names}" if meant else "none that is open now"
    click.echo(f"tocsin: of incidents it covers {some}", err=True)


@command.command("list")
@options.bus_options
@click.option("--all", "with_expired", is_flag=True, help="Also those that are over.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a silence.")
@click.pass_context
def list_them(context: click.Context, *, with_expired: bool, as_json: bool) -> None:
    """List silences, the one that ends last first; not those of the configuration."""
    config = options.given(context).load().config
    now = time.time()
    with open_for_reading(config, "silence") as bus:
        require_topic(bus, SILENCES)
        known = silences(bus)
    shown = [x for x in known if with_expired or x.ends_at > now]
    if as_json:
        for silence in shown:
            row = msgspec.to_builtins(silence)
            row["matchers"] = [str(x) for x in silence.matchers]
            click.echo(json.dumps(row | {"state": silence.state(now)}))
        return
    if not shown:
        click.echo("tocsin: no silences", err=True)
        return
    heads = ("ID", "STATE", "FROM", "UNTIL", "BY", "MATCHERS", "COMMENT")
    click.echo(_COLUMNS.format(*heads))
    for silence in shown:
        click.echo(_row(silence, now))


@command.command()
@click.argument("name", metavar="ID")
@options.bus_options
@click.pass_context
def expire(context: click.Context, *, name: str) -> None:
    """End a silence now: what it covers and still goes on is told."""
    config = options.given(context).load().config
    with open_for_reading(config, "silence") as bus:
        require_topic(bus, SILENCES)
        expire_silence(bus, name, time.time())


def _row(silence: Silence, now: float) -> str:
    return _COLUMNS.format(
        silence.id,
        silence.state(now),
        _local(silence.starts_at),
        _local(silence.ends_at),
        cut(one_line(silence.author), 12),
        cut(one_line(" ".join(map(str, silence.matchers))), 28),
        cut(one_line(silence.comment), 60),
    ).rstrip()


def _local(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))


def _duration(text: str) -> float:
    try:
        return duration_s(text)
    except ValueError as error:
        raise ConfigError(f"--for: {error}") from error


def _instant(text: str) -> float:
    try:
        return datetime.fromisoformat(text).astimezone().timestamp()
    except ValueError as error:
        raise ConfigError(
            f"expected a time such as 2026-03-14T22:00, got {text!r}"
        ) from error
