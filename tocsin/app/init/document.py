"""The configuration that `tocsin init` writes: what was found, and what can be set."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from tocsin.app.init.survey import Survey, by_share, files
from tocsin.errors import TocsinError

_REST = """\
  # Statistics by the values of fields of JSON or logfmt lines:
  # count_by: [action]
  # What else is taken out of samples, beside passwords, tokens, e-mail addresses:
  # redact:
  #   customer: 'C-[0-9]{8}'

alerting:
  # Without a receiver the messages are shown on the terminal. The secret itself can
  # stand in the environment: TOCSIN_SLACK_WEBHOOK_URL, or TOCSIN_SLACK_BOT_TOKEN.
  slack: {}
    # webhook_url: https://hooks.slack.com/services/...
    # channel: "#oncall"
  burst:
    # Fewer errors never page, however unusual they are.
    min_count: 6

# One machine needs no more than the file that this names. For several machines:
# bus:
#   url: kafka://broker-1:9092,broker-2:9092

# Metrics and health at this port and the next two:
# http: 127.0.0.1:9464
"""


def document(
    found: Survey, paths: Sequence[str], exclude: Sequence[str], *, local_s: float
) -> str:
    """The text of a file for what was found; `local_s` is the machine's zone.

    Raises:
        TocsinError: a PATH cannot be written in YAML.
    """
    lines = [
        "# Written by `tocsin init`. Every key has a default; docs/configuration.md",
        "# explains all. `tocsin check --config FILE` tells what is wrong.",
        "",
        "collector:",
        "  paths:",
        *(f"    - {_quoted(path)}" for path in paths),
        *_services(found),
    ]
    if exclude:
        lines += ["  exclude:", *(f"    - {_quoted(glob)}" for glob in exclude)]
    lines += ["", "processor:", *_zone(found, local_s)]
    return "\n".join(lines) + "\n" + _REST


def timezone_of(found: Survey, local_s: float) -> str:
    """The zone for times that state none, as far as the files tell."""
    offset = found.offset_s
    if offset is None or offset == local_s:
        return "local"
    if offset == 0:
        return "UTC"
    if offset % 3600 == 0 and abs(offset) <= 12 * 3600:
        # The names of these zones have the sign of what is to be added to them.
        return f"Etc/GMT{-offset / 3600:+.0f}"
    return "local"


def write(path: Path, text: str, *, force: bool) -> None:
    """Write a new file; over one that is there only with `force`.

    Raises:
        TocsinError: there is a file already, or it cannot be written.
    """
    try:
        with path.open("w" if force else "x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        raise TocsinError(
            f"{path} is there already",
            hint="--force writes over it, --output FILE writes another one",
        ) from error
    except OSError as error:
        raise TocsinError(f"{path}: {error.strerror}") from error


def _services(found: Survey) -> list[str]:
    named = [
        f"  #   {_plain(service.name)}: {files(service)}, "
        f"{_plain(', '.join(name for name, _ in by_share(service)))}"
        for service in found.services
    ]
    return ["  # Services, named by the folder below a path, or by the file:", *named]


def _zone(found: Survey, local_s: float) -> list[str]:
    zoneless = [s.name for s in found.services if s.without_zone]
    comment = "  # The zone of times that state none, such as Europe/Berlin."
    if zoneless:
        comment += f"\n  # Here: those of {_plain(', '.join(zoneless))}."
    return [comment, f"  timezone: {timezone_of(found, local_s)}"]


def _plain(text: str) -> str:
    """A name from the disk in a comment: one line, and not a long one."""
    return "".join(c if c.isprintable() else "?" for c in text)[:200]


def _quoted(path: str) -> str:
    try:
        path.encode()
    except UnicodeEncodeError as error:
        raise TocsinError(
            f"the name is no UTF-8: {_plain(path)}",
            hint="name the directory above it",
        ) from error
    return json.dumps(path, ensure_ascii=False)
