"""`tocsin backtest`: what the rules would have told about logs that exist already."""

from __future__ import annotations

import json
from pathlib import Path

import click

from alerting.engine import Outcome
from alerting.worker import burst_rule, policy
from tocsin.app.backtest.labels import read_labels, score
from tocsin.app.backtest.pool import default_processes, warm_up
from tocsin.app.backtest.running import Result, backtest, log_files
from tocsin.cli import options
from tocsin.cli.backtest_text import as_object, notes, page, quality, summary


@click.command(
    "backtest",
    short_help="Tell what the rules would have told about existing logs.",
)
@options.paths
@options.config_file
@options.backtest_options
@click.option(
    "--labels",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="CSV of known trouble (service,start,end[,kind]): how good are the pages?",
)
@click.option(
    "--processes",
    type=click.IntRange(1, 64),
    metavar="N",
    help="How many processes read; by default one for each core.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object an incident.")
@click.pass_context
def command(
    context: click.Context,
    *,
    labels: Path | None,
    processes: int | None,
    as_json: bool,
) -> None:
    """Tell what the rules would have told about existing logs.

    Reads the files below PATH at full speed, with the clock of their lines; the
    service is the folder below PATH. Shows every message that would have been sent,
    and how many a day that is. Nothing is sent and nothing is kept.
    """
    processes = processes or default_processes()
    if processes > 1:
        warm_up()
    config = options.load_for_reading(context).config
    truth = read_labels(labels) if labels else None
    files, scan = log_files(config)
    firsts: dict[str, Outcome] = {}
    result = backtest(
        files,
        config,
        rule=burst_rule(config.alerting.burst),
        policy=policy(config.alerting.burst),
        processes=processes,
        told=lambda outcome: _remember(firsts, outcome),
    )
    if as_json:
        for incident in result.incidents:
            click.echo(json.dumps(as_object(incident), ensure_ascii=False))
    else:
        _show(result, firsts)
    for line in notes(result, left_out=len(scan.left)):
        click.echo(f"tocsin: {line}", err=True)
    if truth is not None:
        # In the way of a program that reads the objects.
        for line in quality(score(result.incidents, truth), result):
            click.echo(line, err=as_json)


def _remember(firsts: dict[str, Outcome], outcome: Outcome) -> None:
    firsts.setdefault(outcome.incident.id, outcome)


def _show(result: Result, firsts: dict[str, Outcome]) -> None:
    for incident in result.incidents:
        if incident.id in firsts:
            for line in page(firsts[incident.id], incident):
                click.echo(line)
    for line in summary(result):
        click.echo(line)
