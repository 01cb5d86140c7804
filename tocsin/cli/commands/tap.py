"""`tocsin tap`: look at what travels on the bus."""

from __future__ import annotations

from contextlib import closing
from itertools import islice

import click

from tocsin.app.connecting import open_for_reading, require_topic
from tocsin.app.stopping import Stopping
from tocsin.app.tapping import tap
from tocsin.cli import options, values
from tocsin.cli.lines import as_json, readable
from tocsin.ports.bus import Start
from tocsin.records import topics
from tocsin.telemetry.log import Log

TOPICS = (
    topics.RAW_LOGS,
    topics.LOG_METRICS,
    topics.LOG_METRICS_1M,
    topics.ALERTS,
    topics.DEAD_LETTERS,
)


@click.command("tap", short_help="Print what a topic carries.")
@click.argument("topic", metavar="TOPIC", type=click.Choice(TOPICS))
@options.bus_options
@click.option(
    "--from",
    "start",
    callback=values.start,
    default="end",
    show_default=True,
    metavar="beginning|end|5m",
    help="Where to begin; a time such as 5m means that long ago.",
)
@click.option("--count", type=click.IntRange(1), help="End after so many records.")
@click.option(
    "--no-follow", is_flag=True, help="End with what is there instead of waiting."
)
@click.option("--json", "json_lines", is_flag=True, help="One JSON object a record.")
@click.pass_context
def command(  # noqa: PLR0913 - one parameter an option
    context: click.Context,
    *,
    topic: str,
    start: Start | float,
    count: int | None,
    no_follow: bool,
    json_lines: bool,
) -> None:
    """Print what a topic carries, until Ctrl-C.

    TOPIC is raw-logs, log-metrics, log-metrics-1m, alerts or dead-letters. It reads
    beside all others and leaves no trace on the bus.
    """
    config = options.given(context).load().config
    stopping = Stopping(Log("tap"))
    stopping.install()
    show = as_json if json_lines else readable
    with open_for_reading(config, "tap") as bus:
        require_topic(bus, topic)
        records = tap(
            bus, topic, start=start, follow=not no_follow, stop=stopping.event
        )
        with closing(records):
            for record in islice(records, count):
                click.echo(show(record))
