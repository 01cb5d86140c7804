"""The demo's story: who says what and when; the same for the same seed.

All is well, then one service breaks for some seconds and recovers. With `every_s` it
breaks again at that distance.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from tocsin.app.demo.services import BY_NAME, ERROR, INFO, SERVICES, Service, fill

HISTORY_S = 120.0
"""What the files hold already when the demo starts."""

_STRAY_ERROR_EACH_S = 90.0
"""Real services have an error now and then; that is no burst."""

_WARN_LESS = 0.8
"""So many of the warnings that are drawn become the service's commonest line."""

_STRAY = "request {id} failed: client closed the connection"


class Line(NamedTuple):
    """One event: when it happens, seconds after the start; negative: before."""

    after_s: float
    service: Service
    level: str
    message: str


@dataclass(frozen=True, slots=True)
class Burst:
    """When which service breaks, for how long and how badly."""

    service: str = "payments"
    at_s: float = 10.0
    lasts_s: float = 8.0
    lines_per_s: float = 30.0
    every_s: float | None = None

    def begins(self) -> Iterator[float]:
        """The times at which it breaks."""
        at_s = self.at_s
        yield at_s
        while self.every_s is not None:
            at_s += self.every_s
            yield at_s


def tell(
    *, seed: int = 7, burst: Burst | None = None, history_s: float = HISTORY_S
) -> Iterator[Line]:
    """All lines in the order of their time, without end."""
    streams = [
        _usual(service, random.Random(f"{seed}/{service.name}"), -history_s)
        for service in SERVICES
    ]
    streams.append(_strays(random.Random(f"{seed}/strays"), -history_s))
    broken = burst or Burst()
    streams.append(_broken(broken, random.Random(f"{seed}/burst")))
    return heapq.merge(*streams, key=lambda line: line.after_s)


def render(line: Line, *, start_at: float, rng: random.Random) -> str:
    """The line as its service writes it, newline included; `start_at` in Unix s."""
    at = start_at + line.after_s
    return line.service.render(at, line.level, line.message, rng) + "\n"


def _usual(service: Service, rng: random.Random, at_s: float) -> Iterator[Line]:
    while True:
        at_s += rng.expovariate(service.lines_per_s)
        level, message = rng.choice(service.usual)
        if level != INFO and rng.random() < _WARN_LESS:
            level, message = service.usual[0]
        yield Line(at_s, service, level, fill(message, rng))


def _strays(rng: random.Random, at_s: float) -> Iterator[Line]:
    while True:
        at_s += rng.expovariate(1 / _STRAY_ERROR_EACH_S)
        service = BY_NAME[rng.choice(("checkout", "auth", "worker"))]
        yield Line(at_s, service, ERROR, fill(_STRAY, rng))


def _broken(burst: Burst, rng: random.Random) -> Iterator[Line]:
    service = BY_NAME[burst.service]
    for begin_s in burst.begins():
        at_s = begin_s
        while at_s < begin_s + burst.lasts_s:
            level, message = rng.choice(service.broken)
            yield Line(at_s, service, level, fill(message, rng))
            at_s += rng.expovariate(burst.lines_per_s)
