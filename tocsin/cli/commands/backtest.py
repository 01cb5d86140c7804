"""`tocsin backtest`: what the rules would have told about logs that exist already."""

from __future__ import annotations

import json

import click

from alerting.incident import Incident
from alerting.worker import burst_rule, policy
from tocsin.app.backtest.pool import default_processes
from tocsin.app.backtest.running import Result, backtest, log_files
from tocsin.cli import options
from tocsin.cli.lines import visible

_SAMPLES = 3


@click.command(
    "backtest",
    short_help="Tell what the rules would have told about existing logs.",
)
@options.paths
@options.config_file
@options.backtest_options
@click.option(
    "--processes",
    type=click.IntRange(1, 64),
    metavar="N",
    help="How many processes read; by default one for each core.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object an incident.")
@click.pass_context
def command(context: click.Context, *, processes: int | None, as_json: bool) -> None:
    """Tell what the rules would have told about existing logs.

    Reads the files below PATH at full speed, with the clock of their lines; the
    service is the folder below PATH. Nothing is sent and nothing is kept.
    """
    config = options.load_for_reading(context).config
    files, scan = log_files(config)
    result = backtest(
        files,
        config,
        rule=burst_rule(config.alerting.burst),
        policy=policy(config.alerting.burst),
        processes=processes or default_processes(),
    )
    for incident in result.incidents:
        if as_json:
            click.echo(json.dumps(as_object(incident), ensure_ascii=False))
        else:
            click.echo(f"{incident.id} {visible(incident.service)}")
    _tell(result, left_out=len(scan.left))


def as_object(incident: Incident) -> dict[str, object]:
    """An incident as other programs read it."""
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


def _tell(result: Result, *, left_out: int) -> None:
    """What was read and what was not, on stderr."""
    totals = result.totals
    said = [f"{totals.lines:,} lines of {totals.files} files"]
    if left_out:
        said.append(f"{left_out} paths are no logs")
    if totals.untimed:
        said.append(f"{totals.untimed:,} lines state no time")
    if result.dropped:
        said.append(f"{result.dropped:,} lines were too far out of order")
    click.echo(f"tocsin: {'; '.join(said)}", err=True)
    for path, problem in totals.unreadable.items():
        click.echo(f"tocsin: {visible(path)}: {problem}", err=True)
