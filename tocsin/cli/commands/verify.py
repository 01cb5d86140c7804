"""`tocsin verify`: the proof that every byte was shipped exactly once."""

from __future__ import annotations

from contextlib import closing

import click

from tocsin.app.connecting import open_for_reading, require_topic
from tocsin.app.verify.files import Files
from tocsin.app.verify.proof import prove
from tocsin.cli import options, values
from tocsin.cli.proof_text import objects, story
from tocsin.errors import TocsinError
from tocsin.records import topics
from tocsin.records.text import chosen_text


@click.command(
    "verify",
    short_help="Prove that every byte of every file was shipped exactly once.",
)
@options.paths
@options.bus_options
@options.collect_options
@click.option(
    "--wait",
    "wait_s",
    callback=values.duration,
    default="3s",
    show_default=True,
    metavar="3s",
    help="How long lines may take that a running collector has not shipped yet.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a file.")
@click.pass_context
def command(context: click.Context, *, wait_s: float, as_json: bool) -> int:
    """Prove that every byte of every file was shipped exactly once.

    Reads all of raw-logs and the files of PATH, and tells holes, overlaps and
    differences with their positions in the file. Without PATH it proves whatever the
    topic holds. Give it the options that the collector has. Exit status 1: something
    is missing, doubled or different.
    """
    config = options.given(context).load().config
    with open_for_reading(config, "verify") as bus:
        for name in (topics.RAW_LOGS, topics.STREAMS, topics.CHECKPOINTS):
            require_topic(bus, name)
        collector = config.collector
        text = chosen_text(collector.encoding or "", collector.delimiter)
        files = Files(collector.paths, collector.exclude, text)
        with closing(files):
            proof = prove(bus, files, host=collector.host, wait_s=wait_s)
    if not proof.files and not proof.unreadable:
        raise TocsinError(
            "nothing to prove: no file and no record",
            hint="check PATH, --bus, --state-dir and --topic-prefix",
        )
    for line in objects(proof) if as_json else story(proof):
        click.echo(line)
    return 0 if proof.holds else 1
