"""`tocsin backtest`: what the rules would have told about logs that exist already."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from tocsin.app.backtest.comparing import compare as compare_pages
from tocsin.app.backtest.history import LogFile
from tocsin.app.backtest.labels import Labels, read_labels, score
from tocsin.app.backtest.pool import collect_rarely, default_processes, warm_up
from tocsin.app.backtest.rates import Rates
from tocsin.app.backtest.running import Result, Watch, backtest, log_files, replay
from tocsin.app.connecting import open_for_reading, require_topic
from tocsin.cli import options
from tocsin.cli.backtest_text import (
    as_object,
    difference,
    notes,
    page,
    quality,
    summary,
)
from tocsin.config.alerting import AlertingConfig
from tocsin.config.model import Config
from tocsin.config.rules_file import read_rules
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
    "--rules",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Take the rules of this file instead of those of the configuration.",
)
@click.option(
    "--compare",
    nargs=2,
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="RULES_A RULES_B",
    help="Run two files of rules, and tell which pages only one of them has.",
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
    rules: Path | None,
    compare: tuple[Path, Path] | None,
    processes: int | None,
    as_json: bool,
) -> None:
    """Tell what the rules would have told about existing logs.

    Reads the files below PATH at full speed, with the clock of their lines; the
    service is the folder below PATH. Shows every message that would have been sent,
    and how many a day that is. Nothing is sent and nothing is kept.
    """
    collect_rarely()
    truth = read_labels(labels) if labels else None
    source = _source(context, processes, from_topic=from_topic)
    if compare is not None:
        _compare(source, compare, truth)
        return
    watch = Watch(rates=Rates() if plot else None)
    result = source.run(watch, read_rules(rules) if rules else None)
    if as_json:
        for incident in result.incidents:
            click.echo(json.dumps(as_object(incident), ensure_ascii=False))
    else:
        _show(result, watch)
    for line in notes(result, left_out=source.left_out):
        click.echo(f"tocsin: {line}", err=True)
    if truth is not None:
        # In the way of a program that reads the objects.
        for line in quality(score(result.incidents, truth), result):
            click.echo(line, err=as_json)
    if plot is not None and watch.rates is not None:
        _draw(plot, watch.rates, result, truth)


@dataclass(frozen=True, slots=True)
class _Source:
    """Where the history is: files, or a topic where there are none."""

    config: Config
    files: Sequence[LogFile] | None
    processes: int
    left_out: int = 0

    def run(self, watch: Watch, rules: AlertingConfig | None = None) -> Result:
        """Run rules over it, by default those of the configuration."""
        rules = self.config.alerting if rules is None else rules
        if self.files is not None:
            return backtest(
                self.files, self.config, watch, rules, processes=self.processes
            )
        with open_for_reading(self.config, "backtest") as bus:
            require_topic(bus, LOG_METRICS)
            return replay(bus, watch, rules)


def _source(
    context: click.Context, processes: int | None, *, from_topic: bool
) -> _Source:
    processes = processes or default_processes()
    if from_topic:
        return _Source(options.given(context).load().config, None, processes)
    if processes > 1:
        warm_up()
    config = options.load_for_reading(context).config
    files, scan = log_files(config)
    return _Source(config, files, processes, len(scan.left))


def _compare(source: _Source, files: tuple[Path, Path], truth: Labels | None) -> None:
    rules = [read_rules(x) for x in files]
    first, second = (source.run(Watch(), x) for x in rules)
    found = compare_pages(first.incidents, second.incidents)
    for line in difference(found, (str(files[0]), str(files[1]))):
        click.echo(line)
    for path, result in zip(files, (first, second), strict=True):
        click.echo(f"\n{path}:")
        for line in summary(result):
            click.echo(line)
        if truth is not None:
            for line in quality(score(result.incidents, truth), result):
                click.echo(line)


def _show(result: Result, watch: Watch) -> None:
    for incident in result.incidents:
        if incident.id in watch.firsts:
            for line in page(watch.firsts[incident.id], incident):
                click.echo(line)
    for line in summary(result):
        click.echo(line)


def _draw(path: Path, rates: Rates, result: Result, truth: Labels | None) -> None:
    from tocsin.app.backtest.plot import draw  # noqa: PLC0415 - it needs numpy

    totals = result.totals
    picture = draw(
        rates, result.incidents, first=totals.first, last=totals.last, labels=truth
    )
    try:
        picture.save(path)
    except OSError as error:
        raise TocsinError(f"cannot write {path}: {error.strerror}") from error
    click.echo(f"tocsin: drawn to {path}", err=True)
