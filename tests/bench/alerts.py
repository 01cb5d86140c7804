"""How good the pages are: the burst rule beside simpler ones, on the same errors.

`make bench-alerts`. Counts a second of synthetic services, made here and unlike those
of any test: Poisson noise, clumped noise and services that err on a schedule; bursts
of four shapes, and surges of traffic in which no page is due. A page is right from the
start of a burst until 120 s after its end. Each rule gets the life of an incident: over
after two quiet minutes, and the same one again, without a page, for ten more.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import median

import numpy as np

from alerting.burst import BurstDetector, BurstRule
from tests.bench.__main__ import machine
from tocsin.app.backtest.labels import AFTER_S

_SERVICES, _HOURS, _SEED = 60, 4, 20_260
_START = 1_773_446_400
_QUIET_S, _REOPEN_S = 120, 600

Fires = Callable[[int], bool]
"""Whether a rule fires at a second; asked for each, in order."""


@dataclass(frozen=True, slots=True)
class Service:
    """A service's errors and lines by second, and its bursts and surges."""

    errors: list[int]
    lines: list[int]
    bursts: list[tuple[int, int]]
    surges: list[tuple[int, int]]


def service(rng: np.random.Generator, *, seconds: int) -> Service:
    """Draw a service."""
    rate = 10 ** rng.uniform(-0.5, 1.7)
    share = 10 ** rng.uniform(-3.5, -1.3)
    usual = np.full(seconds, rate * share)
    kind = rng.integers(4)
    if kind == 1:  # clumps of half a minute, log-normal
        clumps = rng.lognormal(-0.4, 0.9, seconds // 30 + 1)
        usual *= np.repeat(clumps, 30)[:seconds]
    elif kind == 2:  # a job by the clock that always fails a little
        usual[int(rng.integers(600)) :: 600] += 12
    elif kind == 3:  # a slow tide
        usual *= 1 + 0.6 * np.sin(np.arange(seconds) / 2400 + rng.uniform(0, 6))
    traffic = np.ones(seconds)
    extra = np.zeros(seconds)
    bursts, surges = [], []
    at = 2700 + int(rng.integers(900))
    while at < seconds - 2700:
        shape = int(rng.integers(6))
        length = int(rng.integers(20, 900))
        if shape == 4:
            traffic[at : at + length] = rng.uniform(2, 8)
            surges.append((at, at + length))
        elif shape < 4:
            length, more = burst(shape, float(usual[at : at + 60].mean()), rng)
            extra[at : at + length] = more
            bursts.append((at, at + length))
        at += length + int(rng.integers(1500, 4000))
    errors = rng.poisson(usual * traffic + extra)
    lines = errors + rng.poisson(rate * traffic)
    return Service(errors.tolist(), lines.tolist(), bursts, surges)


def burst(
    shape: int, usual: float, rng: np.random.Generator
) -> tuple[int, np.ndarray[tuple[int], np.dtype[np.float64]]]:
    """The length of a burst, and the errors a second that it adds."""
    if shape == 0:  # a crash: all at once
        return 2, np.full(2, rng.uniform(10, 80))
    if shape == 1:  # an outage
        length = int(rng.integers(90, 600))
        return length, np.full(length, max(usual * rng.uniform(4, 15), 0.25))
    if shape == 2:  # a leak: it grows
        length = int(rng.integers(240, 900))
        return length, np.linspace(0, max(usual * rng.uniform(6, 15), 0.4), length)
    length = int(rng.integers(1200, 2400))  # a slow one
    return length, np.full(length, max(usual * rng.uniform(2, 3.5), 0.08))


def burst_rule(found: Service) -> Fires:
    """The rule that ships, with its defaults."""
    detector = BurstDetector(BurstRule())
    held = False

    def fires(at: int) -> bool:
        nonlocal held
        second, errors = _START + at, found.errors[at]
        detector.observe(
            "x", second, errors=errors, lines=found.lines[at], settled=second
        )
        seen = detector.judge("x", second) if errors else None
        if held:
            if detector.calm("x", second).is_calm:
                held = False
                detector.release("x", second)
                return False
            return True
        if seen is not None:
            held = True
            detector.hold("x", second - seen.window_s + 1)
        return held

    return fires


def static(found: Service) -> Fires:
    """Ten errors within a minute."""
    sums = np.concatenate([[0], np.cumsum(found.errors)])
    return lambda at: bool(sums[at + 1] - sums[max(0, at - 59)] >= 10)


def z_score(found: Service) -> Fires:
    """A second over mean and four standard deviations of the last ten minutes."""
    counts = np.array(found.errors, np.float64)
    sums = np.concatenate([[0], np.cumsum(counts)])
    squares = np.concatenate([[0], np.cumsum(counts**2)])

    def fires(at: int) -> bool:
        if at < 600:
            return False
        mean = (sums[at] - sums[at - 600]) / 600
        spread = math.sqrt(max((squares[at] - squares[at - 600]) / 600 - mean**2, 1e-9))
        return bool(counts[at] >= 3 and counts[at] > mean + 4 * spread)

    return fires


def spike(found: Service) -> Fires:
    """Three times as many as in the minute before, and six at least."""
    sums = np.concatenate([[0], np.cumsum(found.errors)])

    def fires(at: int) -> bool:
        if at < 120:
            return False
        now = sums[at + 1] - sums[at - 59]
        before = sums[at - 59] - sums[at - 119]
        return bool(now >= 6 and now >= 3 * max(before, 1))

    return fires


def chance(found: Service) -> Fires:
    """Pages at random, as many as there are bursts: what luck is worth."""
    rng = random.Random(len(found.bursts))
    pages = {rng.randrange(len(found.errors)) for _ in found.bursts}
    return lambda at: at in pages


ARMS: dict[str, Callable[[Service], Fires]] = {
    "burst (default)": burst_rule,
    "10 errors in 60 s": static,
    "1 s z-score > 4": z_score,
    "3 × the minute before": spike,
    "random": chance,
}


def pages(fires: Fires, seconds: int) -> Iterator[int]:
    """When a rule would page."""
    last = -_QUIET_S - _REOPEN_S - 1
    for at in range(seconds):
        if fires(at):
            if at - last > _QUIET_S + _REOPEN_S:
                yield at
            last = at


def measure(arm: Callable[[Service], Fires], services: list[Service]) -> list[str]:
    """Precision, recall, F1, median time to detect, false and surge pages."""
    found, false, surge, due = 0, 0, 0, 0
    delays: list[int] = []
    for one in services:
        taken: set[tuple[int, int]] = set()
        due += len(one.bursts)
        for at in pages(arm(one), len(one.errors)):
            span = next((x for x in one.bursts if x[0] <= at <= x[1] + AFTER_S), None)
            if span is None:
                false += 1
                surge += any(x[0] <= at <= x[1] + 60 for x in one.surges)
            elif span not in taken:
                taken.add(span)
                delays.append(at - span[0])
        found += len(taken)
    days = len(services) * len(services[0].errors) / 86_400
    precision, recall = found / max(1, found + false), found / max(1, due)
    f1 = 2 * found / max(1, found + false + due)
    delay = f"{median(delays):.0f} s" if delays else "-"
    rates = f"{false / days:.2f}", f"{surge / days:.2f}"
    return [f"{precision:.3f}", f"{recall:.3f}", f"{f1:.3f}", delay, *rates]


def main() -> None:
    """Print the table."""
    rng = np.random.default_rng(_SEED)
    services = [service(rng, seconds=_HOURS * 3600) for _ in range(_SERVICES)]
    bursts = sum(len(x.bursts) for x in services)
    days = _SERVICES * _HOURS / 24
    print(f"{machine()}\n\n{bursts} bursts in {days:.0f} service-days\n")
    print("| rule | precision | recall | F1 | time to detect | false/day | in surges |")
    print("|---|---|---|---|---|---|---|")
    for name, arm in ARMS.items():
        print(f"| {name} | {' | '.join(measure(arm, services))} |", flush=True)


if __name__ == "__main__":
    main()
