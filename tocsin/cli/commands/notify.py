"""`tocsin notify test`: whether everybody who is to be told can be told."""

from __future__ import annotations

import json

import click

from tocsin.app.notify_test import tell_all
from tocsin.cli import options


@click.group("notify", short_help="Send an example to every receiver.")
def command() -> None:
    """Send an example to every receiver."""


@command.command()
@click.argument("receivers", nargs=-1, metavar="[RECEIVER...]")
@options.config_file
@click.option("--json", "as_json", is_flag=True, help="One JSON object a receiver.")
@click.pass_context
def test(context: click.Context, *, receivers: tuple[str, ...], as_json: bool) -> int:
    """Send a real example to every receiver, or to some, and say what happened.

    Where messages can be edited it is shown as resolved at once. Exit status 1 if
    one receiver did not accept it.
    """
    config = options.given(context).load().config
    failed = 0
    for answer in tell_all(config, receivers):
        failed += not answer.accepted
        if as_json:
            click.echo(json.dumps(answer._asdict(), ensure_ascii=False))
            continue
        took = f"{answer.took_s * 1000:.0f} ms"
        outcome = f"accepted in {took}" if answer.accepted else answer.problem
        click.echo(f"{answer.receiver}: {outcome}")
        if answer.cure:
            click.echo(f"    {answer.cure}")
    return 1 if failed else 0
