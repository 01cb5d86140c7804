"""How fast lines become frames, on both buses, and templates; in one process.

CPU time of the process is measured, not the clock: other work on the machine does not
count, and the worker has one core at most.
"""

from __future__ import annotations

import random
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from confluent_kafka import Consumer

from processor import columns
from processor.flush import Flush, Flusher, Settings
from processor.lines_loop import LinesLoop
from processor.parsing import Parser
from processor.streams import StreamFormats
from processor.telemetry import ProcessorTelemetry
from processor.templates import Fingerprints
from processor.zones import Zone
from tests.broker import Broker
from tests.processor.installation import Writer, new_bus
from tocsin.bus.opening import open_bus
from tocsin.bus.specs import specs
from tocsin.config.model import BusConfig, ProcessorConfig
from tocsin.ports.bus import Batch, Bus, Position, Records
from tocsin.records import topics
from tocsin.telemetry.health import Health
from tocsin.telemetry.metrics import new_registry

LINES = 400_000
# Patterns are compiled with the first lines, once in the life of a process.
_WARM_UP = 40_000
_BATCH = 5_000
_ERROR_SHARE = 0.03

_WORDS = ("al", "be", "co", "du", "el", "fo", "gu", "hi", "io", "ju")
_VERBS = ("reserved", "released", "loaded", "stored", "checked", "compared", "sent")
_NAMES = [f"{a}{b}{c}" for a in _WORDS for b in _WORDS for c in _WORDS]
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
    rows = []
    with _embedded() as bus:
        rate = _end_to_end(bus, now)
    what = "processor: raw-logs to frames, embedded"
    rows.append((what, f"{rate:,.0f} lines/s", "≥ 300,000 lines/s"))
    with _kafka() as (bus, bootstrap):
        rate = _end_to_end(bus, now)
        bare = _consumed_bare(bootstrap)
    what = "processor: raw-logs to frames, Kafka"
    rows.append((what, f"{rate:,.0f} lines/s", "≥ 250,000 lines/s"))
    what = "processor: the same, in times of consuming and nothing else"
    rows.append((what, f"{bare / rate:.1f} × ({1e9 / bare:.0f} ns a line)", ""))
    resident = f"{_resident_mb():.0f} MB"
    rows += [
        ("processor: resident memory", resident, "≤ 350 MB"),
        _templates_rate(),
        _memory_of_many(now),
        _memory_of_hostile(now),
    ]
    return rows


def _templates_rate() -> tuple[str, str, str]:
    """Messages to templates, of which every third was never seen before."""
    dice = random.Random(1)
    messages = columns.column(
        [
            (
                f"{_message(dice, error=True)} id {dice.getrandbits(64):x}"
                if k % 3 == 0
                else _message(dice, error=k % 2 == 0)
            ).encode()
            for k in range(50_000)
        ]
    )
    best = 0.0
    for _ in range(3):
        fingerprints = Fingerprints()
        began = time.process_time()
        fingerprints.of(messages)
        best = max(best, len(messages) / (time.process_time() - began))
    return "processor: templates", f"{best:,.0f} lines/s", "≥ 500,000 lines/s"


def _memory_of_many(now: float) -> tuple[str, str, str]:
    """What 100,000 templates of 10,000 services add to the memory of a processor."""
    flusher = _flusher()
    before = _resident_mb()
    for start in range(0, 100_000, _BATCH):
        _flush_distinct(flusher, start, services=10_000, now=now)
    added = _resident_mb() - before
    what = "processor: 100,000 templates of 10,000 services add"
    return what, f"{added:.0f} MB", "≤ 150 MB"


def _memory_of_hostile(now: float) -> tuple[str, str, str]:
    """What the second half of 400,000 different messages of a service adds."""
    flusher = _flusher()
    for start in range(0, 200_000, _BATCH):
        _flush_distinct(flusher, start, services=1, now=now)
    before = _resident_mb()
    for start in range(200_000, 400_000, _BATCH):
        _flush_distinct(flusher, start, services=1, now=now)
    added = _resident_mb() - before
    what = "processor: a service's templates 200,000 to 400,000 add"
    return what, f"{added:.0f} MB", "≤ 20 MB"


def _flusher() -> Flusher:
    return Flusher(
        Parser(Zone("UTC")),
        StreamFormats(),
        Settings(heartbeat_s=1.0, window_s=60, grace_s=2.0, max_templates=20),
    )


def _flush_distinct(flusher: Flusher, start: int, *, services: int, now: float) -> None:
    """Flush a batch of messages of which no two are alike, and none came before."""
    numbers = range(start, start + _BATCH)
    texts = [f"ERROR {_NAMES[k % 1000]} {_NAMES[k // 1000]} lost" for k in numbers]
    records = Records(
        [f"service-{k % services}/h/f{k % services}:{k}".encode() for k in numbers],
        [text.encode() for text in texts],
        [int(now * 1000)] * _BATCH,
    )
    batch = Batch(topics.RAW_LOGS, 0, start, start + _BATCH, records)
    position = Position(start + _BATCH, caught_up=True, lag=0)
    flusher.flush([batch], {0: position}, now=now, known=lambda _: None)


@contextmanager
def _embedded() -> Iterator[Bus]:
    with tempfile.TemporaryDirectory() as directory:
        bus = new_bus(Path(directory))
        try:
            yield bus
        finally:
            bus.close()


@contextmanager
def _kafka() -> Iterator[tuple[Bus, str]]:
    with tempfile.TemporaryDirectory() as directory:
        broker = Broker(Path(directory))
        broker.start()
        try:
            config = BusConfig(url=f"kafka://{broker.bootstrap}")
            with open_bus(config, state_dir=Path(directory)) as bus:
                bus.ensure_topics(specs(config), create=True)
                yield bus, broker.bootstrap
        finally:
            broker.stop()


def _consumed_bare(bootstrap: str) -> float:
    """Lines a second of processor time, where they are consumed and dropped."""
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": "bare",
            "isolation.level": "read_committed",
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "fetch.queue.backoff.ms": 10,
            "queued.min.messages": 500_000,
            "queued.max.messages.kbytes": 32_768,
        }
    )
    consumer.subscribe([topics.RAW_LOGS])
    left = LINES
    began = time.process_time()
    while left > 0:
        left -= len(consumer.consume(500, 0.5))
    spent = time.process_time() - began
    consumer.close()
    return LINES / spent


def _end_to_end(bus: Bus, now: float) -> float:
    writer = Writer(bus)
    for name, batch in _batches(now):
        writer.ship(name, batch, read_at=now, file_id=f"f-{name}")
    stop = threading.Event()
    telemetry = _Counting(new_registry())
    loop = LinesLoop(
        bus,
        ProcessorConfig(timezone="UTC"),
        "bench",
        telemetry,
        Health(),
        stop,
        time.time,
    )
    thread = threading.Thread(target=loop.run)
    thread.start()
    first = _wait_for(telemetry, _WARM_UP)
    began = time.process_time()
    last = _wait_for(telemetry, LINES)
    spent = time.process_time() - began
    stop.set()
    thread.join()
    return (last - first) / spent


class _Counting(ProcessorTelemetry):
    """Counts the lines that are committed."""

    # To ask the bus for the group's offsets takes a client of this process each time,
    # and what that costs would be measured, too.
    lines = 0

    def flushed(self, flush: Flush, *, now: float) -> None:
        super().flushed(flush, now=now)
        self.lines += sum(sum(counts.levels) for counts in flush.services)


def _wait_for(telemetry: _Counting, lines: int) -> int:
    """Wait until so many lines are committed; how many are then."""
    while (done := telemetry.lines) < lines:
        time.sleep(0.01)
    return done


def _batches(now: float) -> Iterator[tuple[str, list[bytes]]]:
    """The batches of all streams in turn, as a collector ships them."""
    each = LINES // len(FORMATS)
    lines = {name: lines_of(name, each, now=now) for name in FORMATS}
    for start in range(0, each, _BATCH):
        for name in FORMATS:
            yield name, lines[name][start : start + _BATCH]


def _resident_mb() -> float:
    status = Path("/proc/self/status").read_text()
    (line,) = [line for line in status.splitlines() if line.startswith("VmRSS")]
    return int(line.split()[1]) / 1024
