"""What alerting costs, and how soon Slack has the message.

CPU time of the process is measured, not the clock, where other work on the machine
must not count; the delay is real time, from the commit of a frame to the moment the
fake Slack accepts the message, which is what a person waits for.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Iterator
from itertools import pairwise
from multiprocessing.process import BaseProcess
from pathlib import Path

import psutil

from alerting.burst import BurstRule
from alerting.engine import Engine
from alerting.incident import Policy
from tests.alerting.process import start
from tests.alerting.story import START, Feed, Frames, pane, wait_until
from tests.bench import rules
from tests.slack import FakeSlack
from tocsin.records.frames import Frame, Pane, decode_frame, encode_frame

_SERVICES = 1000
_SECONDS = 60
_ALERTS = 9  # more than ten within a minute, with the one before, would be a storm
_WARM_FRAMES = 600


def run() -> list[tuple[str, str, str]]:
    """What, measured, bar."""
    return [
        *_frames(),
        *_services(),
        *rules.run(),
        *_live(),
        *_storm(),
    ]


def _new_engine() -> Engine:
    return Engine(BurstRule(), Policy())


def _stream(services: int, seconds: int) -> Iterator[Frame]:
    """A frame a second; every hundredth service errs in each."""
    frames = Frames()
    for second in range(START, START + seconds):
        panes = [_usual(second, x) for x in range(services)]
        yield frames.next(second, panes)


def _usual(second: int, number: int) -> Pane:
    errors = int((number + second) % 100 == 0)
    return pane(second, errors, service=f"s{number}", lines=20)


def _cost_s(values: list[bytes]) -> float:
    engine = _new_engine()
    before = time.process_time()
    for value in values:
        frame = decode_frame(value)
        engine.take(frame, frame.processed_at)
    return time.process_time() - before


def _frames() -> list[tuple[str, str, str]]:
    values = [encode_frame(x) for x in _stream(5, 4000)]
    rate = len(values) / _cost_s(values)
    return [("frames of 5 services", f"{rate:,.0f} /s", ">= 5,000 /s")]


def _services() -> list[tuple[str, str, str]]:
    values = [encode_frame(x) for x in _stream(_SERVICES, _SECONDS)]
    cost_ms = 1000 * _cost_s(values) / _SECONDS
    return [
        (
            f"a second of {_SERVICES:,} services",
            f"{cost_ms:.1f} ms CPU",
            "<= 100 ms CPU",
        )
    ]


def _live() -> list[tuple[str, str, str]]:
    """Delay and memory of the real process, under the load of 1,000 services."""
    with (
        tempfile.TemporaryDirectory() as folder,
        Feed(Path(folder)) as feed,
        FakeSlack(latency_s=0.05) as slack,
    ):
        process = _start(feed, slack)
        try:
            delays_s, rss = _measure(feed, slack, process)
        finally:
            process.terminate()
            process.join(15)
    middle = statistics.median(delays_s)
    worst = max(delays_s)
    return [
        ("frame committed -> Slack accepted, p50", f"{middle:.3f} s", "<= 0.2 s"),
        (f"the same, longest of {_ALERTS}", f"{worst:.3f} s", "<= 0.5 s"),
        ("alerting, resident", f"{rss / 2**20:.0f} MiB", "<= 150 MiB"),
    ]


def _storm() -> list[tuple[str, str, str]]:
    """200 services err in one second, with 10,000 known.

    When the first page is there, how far apart messages are, what the process holds.
    """
    with (
        tempfile.TemporaryDirectory() as folder,
        Feed(Path(folder)) as feed,
        FakeSlack(latency_s=0.05) as slack,
    ):
        process = _start(feed, slack)
        try:
            first_s, gap_s, listed, rss = _burst_of_services(feed, slack, process)
        finally:
            process.terminate()
            process.join(15)
    return [
        ("storm of 200 services, first page", f"{first_s:.2f} s", "<= 2 s"),
        ("the same, least time between messages", f"{gap_s:.2f} s", ">= 0.98 s"),
        ("the same, incidents in its first message", f"{listed}", ">= 150"),
        ("alerting with 10,000 services", f"{rss / 2**20:.0f} MiB", "<= 200 MiB"),
    ]


def _burst_of_services(
    feed: Feed, slack: FakeSlack, process: BaseProcess
) -> tuple[float, float, int, int]:
    now = int(time.time())
    frames = Frames()
    for at in range(20):
        numbers = range(at * 500, (at + 1) * 500)
        usual = [_usual(now - 60 + at, x) for x in numbers]
        feed.send(frames.next(now - 61 + at, usual))
    feed.send(frames.next(now - 30, [pane(now - 30, 30, service="ready")]))
    if not wait_until(lambda: len(slack.messages("#ops")) == 1, timeout_s=60):
        raise RuntimeError("alerting did not come to the end of the load in 60 s")
    time.sleep(1.1)  # the channel's own interval is not what is measured
    second = int(time.time())
    panes = [pane(second, 9, service=f"storm-{x:03}") for x in range(200)]
    feed.send(frames.next(second - 1, panes))
    committed_at = time.time()
    if not wait_until(lambda: len(slack.replies("#ops")) >= 4, timeout_s=30):
        raise RuntimeError("no storm within 30 s")
    posts = [x.at for x in slack.accepted("chat.postMessage")][1:]
    shown = slack.messages("#ops")[-1]
    listed = sum(f"storm-{x:03}:" in shown.everything for x in range(200))
    gap_s = min(b - a for a, b in pairwise(posts))
    rss = psutil.Process(process.pid).memory_info().rss
    return shown.at - committed_at, gap_s, listed, rss


def _start(feed: Feed, slack: FakeSlack) -> BaseProcess:
    return start(feed.path, slack.api_url, "never", feed.path.with_suffix(".log"))


def _measure(
    feed: Feed,
    slack: FakeSlack,
    process: BaseProcess,
) -> tuple[list[float], int]:
    now = int(time.time())
    frames = Frames()
    for at in range(_WARM_FRAMES):  # a few services for long, then all of them
        second = now - 700 + at
        numbers = range(0, _SERVICES, 1 if at > _WARM_FRAMES - 20 else 20)
        feed.send(frames.next(second, [_usual(second, x) for x in numbers]))
    feed.send(frames.next(now - 60, [pane(now - 60, 30, service="ready")]))
    if not wait_until(lambda: len(slack.messages("#ops")) == 1, timeout_s=60):
        raise RuntimeError("alerting did not come to the end of the load in 60 s")
    delays_s = [_delay_s(feed, slack, frames, number) for number in range(_ALERTS)]
    return delays_s, psutil.Process(process.pid).memory_info().rss


def _delay_s(feed: Feed, slack: FakeSlack, frames: Frames, number: int) -> float:
    time.sleep(1.1)  # the channel's own interval is not what is measured
    second = int(time.time())
    feed.send(frames.next(second, [pane(second, 9, service=f"burst-{number}")]))
    committed_at = time.time()
    title = f"burst-{number}:"
    if not wait_until(lambda: title in slack.messages("#ops")[-1].header):
        raise RuntimeError(f"no message about {title} within 10 s")
    return max(0.0, slack.messages("#ops")[-1].at - committed_at)


if __name__ == "__main__":
    for row in run():
        print("{:<44} {:>14}  {}".format(*row))
