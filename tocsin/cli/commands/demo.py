"""`tocsin demo`: see it work without any logs of one's own."""

from __future__ import annotations

from pathlib import Path

import click

from tocsin.app.demo.running import run_demo, write_only
from tocsin.cli import values


@click.command("demo", short_help="Show it all on logs that are written on the spot.")
@click.option(
    "--duration",
    callback=values.duration,
    metavar="2m",
    help="End after that; without it, after the incident is resolved.",
)
@click.option(
    "--keep",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Write logs and state there and leave them; otherwise they are removed.",
)
@click.option(
    "--write-only",
    "only",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Write logs there until Ctrl-C, for a Tocsin that runs elsewhere.",
)
@click.option(
    "--every",
    callback=values.duration,
    default="10m",
    show_default=True,
    help="With --write-only: how far bursts are apart.",
)
@click.option(
    "--http",
    callback=values.address,
    metavar="HOST:PORT",
    help="Serve /metrics of the three components at PORT, PORT+1 and PORT+2.",
)
@click.option(
    "--seed",
    type=int,
    default=7,
    show_default=True,
    help="Another seed writes other lines.",
)
def command(  # noqa: PLR0913 - one parameter an option
    *,
    duration: float | None,
    keep: Path | None,
    only: Path | None,
    every: float,
    http: str | None,
    seed: int,
) -> int:
    """Show it all on logs that are written on the spot.

    Seven services write logs in seven formats into a temporary directory. After ten
    seconds one of them breaks, and `tocsin run` says so; it recovers, and that is
    said too. Where TOCSIN_SLACK_… is set the messages go to Slack as well.
    """
    if only is not None:
        return write_only(only, seed=seed, every_s=every)
    return run_demo(keep=keep, duration_s=duration, seed=seed, http=http)
