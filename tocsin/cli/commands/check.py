"""`tocsin check`: every problem at once, before anything is started."""

from __future__ import annotations

import json
from collections.abc import Sequence

import click

from tocsin.app.checking import Finding, findings
from tocsin.cli import options
from tocsin.config.mistake import ConfigMistakes, Mistake


@click.command(
    "check",
    short_help="Tell every problem of the configuration and its surroundings.",
)
@options.paths
@options.component_options
@options.collect_options
@options.http
@click.option("--json", "as_json", is_flag=True, help="One JSON object a problem.")
@click.pass_context
def command(context: click.Context, *, as_json: bool) -> int:
    """Tell every problem of the configuration and its surroundings.

    Mistakes of the configuration come first, as file:line:col, with exit status 2.
    When there is none: paths that cannot be read, a state directory that cannot be
    written, a bus that does not answer, with exit status 1.
    """
    try:
        given = options.given(context)
        given.take_up_file()
        loaded = given.load()
    except ConfigMistakes as error:
        _print(error.mistakes, as_json=as_json)
        click.echo(f"tocsin: {error}", err=True)
        return error.exit_status
    found = list(findings(loaded.config))
    _print(found, as_json=as_json)
    if found:
        return 1
    click.echo("tocsin: nothing to mend", err=True)
    return 0


def _print(problems: Sequence[Mistake | Finding], *, as_json: bool) -> None:
    for problem in problems:
        click.echo(json.dumps(_as_dict(problem)) if as_json else str(problem))


def _as_dict(problem: Mistake | Finding) -> dict[str, str]:
    if isinstance(problem, Finding):
        return problem._asdict()
    return {
        "what": str(problem.place),
        "key": problem.key,
        "problem": problem.problem,
    }
