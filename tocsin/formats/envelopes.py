"""What wraps lines of other programs: the line inside is what is read.

A wrapper's time stands in where the line inside states none.
"""

from __future__ import annotations

from dataclasses import dataclass

from tocsin.formats import levels, times

_ISO = times.BY_NAME["iso"].pattern
_LEVELS = "|".join(sorted(levels.WORDS, reverse=True))


@dataclass(frozen=True, slots=True)
class Envelope:
    """A wrapper around a line.

    `pattern` has the group `inner` and may have `time`, of the form "iso". In an event
    of several lines `again` begins every further one. `hint` is a text that all lines
    of it contain near their beginning: looking for it is cheap.
    """

    name: str
    source: str
    hint: str
    pattern: str
    again: str
    example: str
    inner: str


TEXT_ENVELOPES: tuple[Envelope, ...] = (
    Envelope(
        "cri",
        "Kubernetes, CRI logging format (containerd, CRI-O)",
        " std",
        rf"^(?P<time>{_ISO}) (?:stdout|stderr) [FP] (?P<inner>(?s:.*))",
        rf"\n{_ISO} (?:stdout|stderr) [FP] ",
        "2026-03-14T09:21:07.490193021Z stderr F level=warn msg=slow",
        "level=warn msg=slow",
    ),
    Envelope(
        "compose",
        "Docker Compose, `docker compose logs`",
        " | ",
        r"^[A-Za-z][A-Za-z0-9_.-]* +\| (?P<inner>(?s:.*))",
        r"\n[A-Za-z][A-Za-z0-9_.-]* +\| ",
        "api-1      | 2026-03-14T09:21:07.482Z [error] boom",
        "2026-03-14T09:21:07.482Z [error] boom",
    ),
)

NO_NAMES = rf"^(?i:{_LEVELS}) +\| "
"""What looks like a name before a bar, but is a level."""

DOCKER_JSON = b'{"log":"'
"""How a line of Docker's json-file driver begins."""
