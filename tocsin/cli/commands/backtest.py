"""`tocsin backtest`: what the rules would have told about logs that exist already."""

from __future__ import annotations

import json
from pathlib import Path

import click

from alerting.worker import burst_rule, policy
from tocsin.app.backtest.labels import read_labels, score
from tocsin.app.backtest.plot import Rates, draw
from tocsin.app.backtest.pool import default_processes, warm_up
from tocsin.app.backtest.running import Result, Watch, backtest, log_files, replay
from tocsin.app.connecting import open_for_reading, require_topic
from tocsin.cli import options
from tocsin.cli.backtest_text import as_object, notes, page, quality, summary
from tocsin.errors import TocsinError
from tocsin.records.topics import LOG_METRICS


@click.command(
    "backtest",
    short_help="Tell what the rules would have told about existing logs.",
)
@options.paths
@options.bus_options
@options.backtest_options
@click.option(
    "--from-topic",
    is_flag=True,
    help="Instead of files, run over the counts that log-metrics keeps.",
)
@click.option(
    "--labels",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="CSV of known trouble (service,start,end[,kind]): how good are the pages?",
)
@click.option(
    "--plot",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Draw rates, what was expected, and incidents as PNG.",
)
@click.option(
    "--processes",
    type=click.IntRange(1, 64),
    metavar="N",
    help="How many processes read; by default one for each core.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object an incident.")
@click.pass_context
def command(  # noqa: PLR0913 - the options
    context: click.Context,
    *,
    from_topic: bool,
    labels: Path | None,
    plot: Path | None,
    processes: int | None,
    as_json: bool,
) -> None:
    """Tell what the rules would have told about existing logs.

    Reads the files below PATH at full speed, with the clock of their lines; the
    service is the folder below PATH. Shows every message that would have been sent,
    and how many a day that is. Nothing is sent and nothing is kept.
    """
    truth = read_labels(labels) if labels else None
    watch = Watch(rates=Rates() if plot else None)
    if from_topic:
        result, left_out = _over_topic(context, watch), 0
    else:
        result, left_out = _over_files(context, watch, processes)
    if as_json:
        for incident in result.incidents:
            click.echo(json.dumps(as_object(incident), ensure_ascii=False))
    else:
        _show(result, watch)
    for line in notes(result, left_out=left_out):
        click.echo(f"tocsin: {line}", err=True)
    if truth is not None:
        # In the way of a program that reads the objects.
        for line in quality(score(result.incidents, truth), result):
            click.echo(line, err=as_json)
    if plot is not None and watch.rates is not None:
        _draw(plot, watch.rates, result)


def _over_files(
    context: click.Context, watch: Watch, processes: int | None
) -> tuple[Result, int]:
    processes = processes or default_processes()
    if processes > 1:
        warm_up()
    config = options.load_for_reading(context).config
    files, scan = log_files(config)
    result = backtest(
        files,
        config,
        watch,
        rule=burst_rule(config.alerting.burst),
        policy=policy(config.alerting.burst),
        processes=processes,
    )
    return result, len(scan.left)


def _over_topic(context: click.Context, watch: Watch) -> Result:
    config = options.given(context).load().config
    with open_for_reading(config, "backtest") as bus:
        require_topic(bus, LOG_METRICS)
        burst = config.alerting.burst
        return replay(bus, watch, rule=burst_rule(burst), policy=policy(burst))


def _show(result: Result, watch: Watch) -> None:
    for incident in result.incidents:
        if incident.id in watch.firsts:
            for line in page(watch.firsts[incident.id], incident):
                click.echo(line)
    for line in summary(result):
        click.echo(line)


def _draw(path: Path, rates: Rates, result: Result) -> None:
    totals = result.totals
    picture = draw(rates, result.incidents, first=totals.first, last=totals.last)
    try:
        picture.save(path)
    except OSError as error:
        raise TocsinError(f"cannot write {path}: {error.strerror}") from error
    click.echo(f"tocsin: drawn to {path}", err=True)
