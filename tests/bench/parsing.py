"""How fast lines are read, in columns and line by line, in one process.

CPU time of the process is measured, not the clock. The peer does the same with `re`,
one line at a time: all patterns of the registry in their order, then the rules.
"""

from __future__ import annotations

import random
import re
import time
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import numpy as np

from processor.parsing import Parser
from processor.recognition import Recogniser
from processor.streams import StreamFormats
from processor.zones import Zone
from tests.bench.processor import FORMATS as WRITERS
from tests.bench.processor import lines_of
from tocsin.formats import levels
from tocsin.formats.catalogue import FORMATS
from tocsin.formats.fallback import LEVEL_RULES
from tocsin.values import LEVELS

BATCH = 20_000
_ROUNDS = 5


def _general(template: str) -> Callable[..., str]:
    """A writer of lines that no format of the registry matches."""

    def write(stamp: str, text: str, *, error: bool) -> str:
        at = datetime.fromisoformat(stamp).replace(tzinfo=UTC)
        return template.format(at=at, level="ERROR" if error else "INFO", text=text)

    return write


GENERAL = {
    "spark": _general("{at:%y/%m/%d %H:%M:%S} {level} storage.BlockManager: {text}"),
    "postgresql": _general(
        "{at:%Y-%m-%d %H:%M:%S}.250 UTC [4711] app@shop {level}:  {text}"
    ),
    "tomcat": _general(
        "{at:%d-%b-%Y %H:%M:%S}.250 {level} [main] o.a.c.Orders.load {text}"
    ),
    "openstack": _general(
        "nova.log.1 {at:%Y-%m-%d %H:%M:%S}.250 4711 {level} nova.api [req-1 - -] {text}"
    ),
}


def run() -> list[tuple[str, str, str]]:
    """Rows of the table of `make bench`: what, measured, bar."""
    now = time.time()
    streams = {name: lines_of(name, BATCH, now=now) for name in WRITERS}
    streams |= {name: _written(write, now) for name, write in GENERAL.items()}
    rows = []
    for name, lines in streams.items():
        bar = (
            "≥ 400,000" if name == "json" else "≥ 1,000,000" if name == "log4j" else ""
        )
        rate = _known(lines, now)
        rows.append((f"read and count {name}", f"{rate:,.0f} lines/s", bar))
    mixed = _mixed(streams, now)
    rows.append(
        ("twelve streams, errors' templates", f"{mixed:,.0f} lines/s", "≥ 300,000")
    )
    peer = _peer(
        [line for lines in streams.values() for line in lines[:: BATCH // 333]]
    )
    rows.append(("the same by `re`, line by line", f"{peer:,.0f} lines/s", ""))
    rows.append(
        ("in columns, as a multiple of that", f"{mixed / peer:.0f} ×", "≥ 10 ×")
    )
    return rows


def _written(write: Callable[..., str], now: float) -> list[bytes]:
    dice = random.Random(7)
    lines = []
    for k in range(BATCH):
        at = time.gmtime(now - 60 + 60 * k / BATCH)
        text = f"block {dice.randrange(10**6)} was stored in {dice.randrange(99)} ms"
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", at)
        lines.append(write(stamp, text, error=dice.random() < 0.03).encode())
    return lines


def _best(work: Callable[[], object], lines: int) -> float:
    best = 1e9
    for _ in range(_ROUNDS):
        began = time.process_time()
        work()
        best = min(best, time.process_time() - began)
    return lines / best


def _known(lines: Sequence[bytes], now: float) -> float:
    """Reading and counting lines of a stream whose format was learned."""
    recogniser, arrival = Recogniser(Zone("UTC")), np.full(BATCH, now)
    first = recogniser.read(lines, arrival=arrival)
    hints = np.full(BATCH, first.formats[0])

    def work() -> None:
        reading = recogniser.read(lines, arrival=arrival, hints=hints)
        np.bincount(reading.levels, minlength=LEVELS)

    return _best(work, BATCH)


def _mixed(streams: dict[str, list[bytes]], now: float) -> float:
    """A batch of all streams in turn; formats are learned as the processor does."""
    each = BATCH // len(streams)
    lines = [line for part in streams.values() for line in part[:each]]
    stream_of = np.repeat(np.arange(len(streams)), each)
    names = [name.encode() for name in streams]
    parser, formats = Parser(Zone("UTC")), StreamFormats()
    arrival = np.full(len(lines), now)

    def work() -> None:
        hints = formats.hints(names)[stream_of]
        events = parser.parse(lines, arrival=arrival, hints=hints, errors_only=True)
        formats.learn(names, stream_of, events.formats)

    work()
    return _best(work, len(lines))


def _peer(lines: Sequence[bytes]) -> float:
    heads = [re.compile(f.head_pattern.encode()) for f in FORMATS if f.head]
    rules = [re.compile(rule.pattern.encode()) for rule in LEVEL_RULES]

    def work() -> None:
        Counter(map(_by_re, lines, [(heads, rules)] * len(lines)))

    return _best(work, len(lines))


def _by_re(
    line: bytes, patterns: tuple[list[re.Pattern[bytes]], list[re.Pattern[bytes]]]
) -> object:
    heads, rules = patterns
    found = next((m for head in heads if (m := head.match(line))), None)
    if found is None or "level" not in found.groupdict():
        found = next((m for rule in rules if (m := rule.search(line[:200]))), found)
    word = found.groupdict().get("level") if found else None
    return levels.of_value(word.decode("latin-1")) if word else None
