"""`tocsin init`: looks at log files and writes a configuration for them."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from tocsin.app.init.document import document, timezone_of, write
from tocsin.app.init.survey import (
    Service,
    Survey,
    by_share,
    files,
    local_offset_s,
    survey,
)
from tocsin.cli.lines import clock_text, visible
from tocsin.errors import ConfigError, TocsinError
from tocsin.values import Level

_MOST_LEFT = 10


@click.command("init", short_help="Look at logs and write a configuration for them.")
@click.argument("paths", nargs=-1, metavar="PATH...", required=True)
@click.option("--exclude", multiple=True, metavar="GLOB", help="Leave these files out.")
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    default=Path("tocsin.yaml"),
    metavar="FILE",
    show_default=True,
    help="Where to write it.",
)
@click.option("--force", is_flag=True, help="Write over a file that is there.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a service.")
def command(
    *,
    paths: tuple[str, ...],
    exclude: tuple[str, ...],
    output: Path,
    force: bool,
    as_json: bool,
) -> None:
    """Look at logs, tell what they are, and write a configuration for them.

    PATH is a file, a directory or a quoted glob with **, as for `tocsin run`. It looks
    at the last lines of each file: services, formats, zones, lines without a level,
    events of several lines. `tocsin run` takes up ./tocsin.yaml by itself.
    """
    now = time.time()
    if output.exists() and not force:
        raise TocsinError(
            f"{output} is there already",
            hint="--force writes over it, --output FILE writes another one",
        )
    found = survey(paths, exclude=exclude, now=now)
    if not found.services:
        missing = ", ".join(found.missing)
        raise ConfigError(
            f"found no logs: {visible(missing)}",
            hint="check the paths; `tocsin run --help` says what a PATH may be",
        )
    for line in _as_json(found) if as_json else _told(found, now):
        click.echo(line)
    absolute = [str(Path(path).absolute()) for path in paths]
    text = document(found, absolute, exclude, local_s=local_offset_s(now))
    write(output, text, force=force)
    click.echo(f"tocsin: wrote {output}; next: tocsin run", err=True)


def _told(found: Survey, now: float) -> Iterator[str]:
    for service in found.services:
        yield from _service(service)
    yield from _left(found)
    if any(service.without_zone for service in found.services):
        zone = timezone_of(found, local_offset_s(now))
        yield f"times that state no zone are taken as: {zone}"


def _service(service: Service) -> Iterator[str]:
    name, path = visible(service.name), visible(service.paths[0])
    yield f"{name}: {files(service)}, {service.bytes / 1e6:.1f} MB, such as {path}"
    for format_, reading in by_share(service):
        level = "no level" if reading.level is Level.UNKNOWN else reading.level.name
        at = "no time" if reading.at is None else clock_text(reading.at)
        line = visible(reading.example.decode("utf-8", "replace"))
        yield f"  {_share(reading.events, service)} {format_}: {level}, {at} in {line}"
    for what, events in (
        ("without a level", service.without_level),
        ("without a time", service.without_time),
        ("with a time without a zone", service.without_zone),
        ("of several lines", service.multi_line),
    ):
        if events:
            yield f"  {_share(events, service)} {what}"


def _share(events: int, service: Service) -> str:
    share = events / max(service.events, 1)
    return " <1%" if share < 0.005 else f"{share:4.0%}"


def _left(found: Survey) -> Iterator[str]:
    for path, why in list(found.left.items())[:_MOST_LEFT]:
        yield f"left out, {why.replace('_', ' ')}: {visible(path)}"
    if len(found.left) > _MOST_LEFT:
        yield f"left out: {len(found.left) - _MOST_LEFT} more"
    for path in found.missing:
        yield f"nothing there: {visible(path)}"
    if found.more:
        yield f"not looked at: {found.more} more files"


def _as_json(found: Survey) -> Iterator[str]:
    for service in found.services:
        row: dict[str, Any] = {
            "service": service.name,
            "files": service.paths,
            "bytes": service.bytes,
            "events": service.events,
            "lines": service.lines,
            "without_level": service.without_level,
            "without_time": service.without_time,
            "without_zone": service.without_zone,
            "multi_line": service.multi_line,
            "formats": {name: r.events for name, r in service.formats.items()},
        }
        yield json.dumps(row)
