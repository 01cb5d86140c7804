"""How fast lines become frames, on the embedded bus, in one process.

CPU time of the process is measured, not the clock: other work on the machine does not
count, and the worker has one core at most.
"""

from __future__ import annotations

import random
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np

from processor.lines_loop import LinesLoop
from processor.parsing import Parser
from processor.telemetry import ProcessorTelemetry
from processor.zones import Zone
from tests.processor.installation import Writer, new_bus
from tocsin.config.model import ProcessorConfig
from tocsin.ports.bus import TopicPartition
from tocsin.records import topics
from tocsin.telemetry.health import Health
from tocsin.telemetry.metrics import new_registry

LINES = 400_000
_BATCH = 5_000
_ERROR_SHARE = 0.03

_VERBS = ("reserved", "released", "loaded", "stored", "checked", "compared", "sent")
_THINGS = ("order", "customer", "invoice", "basket", "session", "page", "job")


def _message(dice: random.Random, *, error: bool) -> str:
    verb, thing = dice.choice(_VERBS), dice.choice(_THINGS)
    outcome = "failed, giving up after 3 attempts" if error else "in"
    return f"{verb} {thing} {dice.randrange(10**6)} {outcome} {dice.randrange(999)} ms"


def _json(stamp: str, text: str, *, error: bool) -> str:
    level = "error" if error else "info"
    return (
        f'{{"level":"{level}","time":"{stamp}.250Z","logger":"shop.orders",'
        f'"pid":4711,"msg":"{text}"}}'
    )


def _logfmt(stamp: str, text: str, *, error: bool) -> str:
    level = "error" if error else "info"
    return f'time={stamp}.250Z level={level} msg="{text}" component=orders pid=4711'


def _syslog(stamp: str, text: str, *, error: bool) -> str:
    pri = 11 if error else 14
    at = time.strftime("%b %e %H:%M:%S", time.strptime(stamp, "%Y-%m-%dT%H:%M:%S"))
    return f"<{pri}>{at} web-1 orders[4711]: {text}"


def _log4j(stamp: str, text: str, *, error: bool) -> str:
    level = "ERROR" if error else "INFO "
    at = stamp.replace("T", " ")
    return f"{at},250 {level} [http-nio-8080-exec-4] c.a.orders.Orders - {text}"


def _python(stamp: str, text: str, *, error: bool) -> str:
    level = "ERROR" if error else "INFO"
    return f"{stamp.replace('T', ' ')},250 - shop.orders - {level} - {text}"


def _klog(stamp: str, text: str, *, error: bool) -> str:
    at = stamp[5:].replace("-", "").replace("T", " ")
    return f"{'E' if error else 'I'}{at}.250000    4711 orders.go:88] {text}"


def _access(stamp: str, text: str, *, error: bool) -> str:
    at = time.strftime("%d/%b/%Y:%H:%M:%S", time.strptime(stamp, "%Y-%m-%dT%H:%M:%S"))
    page = text.split()[2]
    status = 502 if error else 200
    return (
        f'10.1.2.3 - - [{at} +0000] "GET /orders/{page} HTTP/1.1" {status} 512 '
        '"https://shop.example/" "Mozilla/5.0 (X11; Linux x86_64)"'
    )


def _nginx(stamp: str, text: str, *, error: bool) -> str:
    level = "error" if error else "notice"
    at = stamp.replace("-", "/").replace("T", " ")
    return f"{at} [{level}] 31#31: *812 {text}, client: 10.1.2.3, server: shop"


FORMATS: dict[str, Callable[..., str]] = {
    "json": _json,
    "logfmt": _logfmt,
    "syslog": _syslog,
    "log4j": _log4j,
    "python": _python,
    "klog": _klog,
    "access": _access,
    "nginx": _nginx,
}


def lines_of(name: str, count: int, *, now: float) -> list[bytes]:
    """Lines of one format, some of them errors, over the last minute."""
    dice = random.Random(name)
    write = FORMATS[name]
    found = []
    for k in range(count):
        error = dice.random() < _ERROR_SHARE
        at = time.gmtime(now - 60 + 60 * k / count)
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", at)
        text = _message(dice, error=error)
        found.append(write(stamp, text, error=error).encode())
    return found


def run() -> list[tuple[str, str, str]]:
    """Rows of the table of `make bench`: what, measured, bar."""
    now = time.time()
    rate, resident = _end_to_end(now)
    rows = [
        ("processor: raw-logs to frames", f"{rate:,.0f} lines/s", "≥ 300,000 lines/s"),
        ("processor: resident memory", f"{resident:.0f} MB", "≤ 350 MB"),
    ]
    for name in FORMATS:
        rate = _parse_rate(lines_of(name, 100_000, now=now), now)
        rows.append((f"processor: parse {name}", f"{rate:,.0f} lines/s", ""))
    return rows


def _parse_rate(lines: list[bytes], now: float) -> float:
    """The best of some batches of 20,000 lines of a format that is known."""
    parser = Parser(Zone("UTC"))
    arrival = np.full(20_000, now)
    best = 0.0
    hints = None
    for start in range(0, len(lines), 20_000):
        batch = lines[start : start + 20_000]
        began = time.process_time()
        events = parser.parse(batch, arrival=arrival, hints=hints, errors_only=True)
        best = max(best, len(batch) / (time.process_time() - began))
        hints = np.full(len(batch), events.formats[0])
    return best


def _end_to_end(now: float) -> tuple[float, float]:
    with tempfile.TemporaryDirectory() as directory:
        bus = new_bus(Path(directory))
        writer = Writer(bus)
        for name, batch in _batches(now):
            writer.ship(name, batch, read_at=now, file_id=f"f-{name}")
        stop = threading.Event()
        loop = LinesLoop(
            bus,
            ProcessorConfig(timezone="UTC"),
            "bench",
            ProcessorTelemetry(new_registry()),
            Health(),
            stop,
            time.time,
        )
        began = time.process_time()
        thread = threading.Thread(target=loop.run)
        thread.start()
        while not _is_done(bus.committed("tocsin-processor", [topics.RAW_LOGS])):
            time.sleep(0.02)
        spent = time.process_time() - began
        stop.set()
        thread.join()
        bus.close()
    return LINES / spent, _resident_mb()


def _batches(now: float) -> Iterator[tuple[str, list[bytes]]]:
    """The batches of all streams in turn, as a collector ships them."""
    each = LINES // len(FORMATS)
    lines = {name: lines_of(name, each, now=now) for name in FORMATS}
    for start in range(0, each, _BATCH):
        for name in FORMATS:
            yield name, lines[name][start : start + _BATCH]


def _is_done(committed: Mapping[TopicPartition, int]) -> bool:
    return sum(committed.values()) >= LINES


def _resident_mb() -> float:
    status = Path("/proc/self/status").read_text()
    (line,) = [line for line in status.splitlines() if line.startswith("VmRSS")]
    return int(line.split()[1]) / 1024
