"""What ten rules of all kinds cost with 10,000 services: CPU time and memory.

In a process of its own, because memory that others gave back is not given back.
"""

from __future__ import annotations

import subprocess
import sys
import time

import psutil

from alerting.burst import BurstRule
from alerting.engine import Engine
from alerting.incident import Policy
from alerting.rules.rule import rule_of
from tests.alerting.story import START, Frames, pane
from tocsin.config.alerting import RuleConfig
from tocsin.records.frames import Frame, Pane, decode_frame, encode_frame

_SERVICES, _WARM_S, _SECONDS = 10_000, 10, 20
_RULES = (
    {"name": "many", "type": "threshold", "warning": 50, "critical": 200},
    {"name": "loud", "type": "threshold", "level": "any", "warning": 9000},
    {"name": "share", "type": "ratio", "warning": 0.5, "min_count": 100},
    {"name": "grew", "type": "change", "warning": 5},
    {"name": "memory", "type": "match", "text": "OutOfMemory", "critical": 1},
    {"name": "silent", "type": "absence"},
    {"name": "new", "type": "new_pattern"},
    {"name": "slo", "type": "budget", "objective": 0.99},
    {"name": "spread", "type": "cardinality", "of": "host", "warning": 5},
    {"name": "both", "type": "composite", "when": "many and share"},
)


def run() -> list[tuple[str, str, str]]:
    """What, measured, bar."""
    made = subprocess.check_output([sys.executable, "-m", "tests.bench.rules"])
    cost_ms, rss = made.decode().split()
    what = f"{_SERVICES:,} services, {len(_RULES)} rules"
    return [
        (f"a second of {what}", f"{float(cost_ms):.0f} ms CPU", "<= 300 ms CPU"),
        (f"memory with {what}", f"{int(rss) / 2**20:.0f} MiB", "<= 200 MiB"),
    ]


def _frame(frames: Frames, second: int) -> Frame:
    """Twenty lines of each service, every hundredth with an error."""
    panes = [_pane(second, x) for x in range(_SERVICES)]
    return decode_frame(encode_frame(frames.next(second, panes)))


def _pane(second: int, number: int) -> Pane:
    errors = int((number + second) % 100 == 0)
    return pane(second, errors, service=f"s{number}", lines=20)


def _measure() -> tuple[float, int]:
    rules = [rule_of(RuleConfig.model_validate(x)) for x in _RULES]
    engine = Engine(BurstRule(), Policy(), rules=rules)
    frames = Frames()
    cost_s = 0.0
    for second in range(START, START + _WARM_S + _SECONDS):
        frame = _frame(frames, second)
        before = time.process_time()
        engine.take(frame, frame.processed_at)
        engine.remembered()
        if second >= START + _WARM_S:
            cost_s += time.process_time() - before
    return 1000 * cost_s / _SECONDS, psutil.Process().memory_info().rss


if __name__ == "__main__":
    print(*_measure())
