"""A real embedded bus with lines on it, and what the processor made of them."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from processor import worker
from processor.telemetry import ProcessorTelemetry
from tocsin.bus.opening import open_bus
from tocsin.bus.specs import specs
from tocsin.config.model import BusConfig, ProcessorConfig
from tocsin.ports.bus import Bus, Records
from tocsin.records import topics
from tocsin.records.frames import Frame, decode_frame
from tocsin.records.keys import partition_of, stream_prefix
from tocsin.records.public import WindowRecord
from tocsin.records.streams import Stream, encode_stream
from tocsin.telemetry.health import Health
from tocsin.telemetry.metrics import new_registry

QUICK = ProcessorConfig(
    flush=0.02,
    heartbeat=0.1,
    timezone="UTC",
    window=1.0,
    grace=0.1,
    max_batch_lines=500,
)


def new_bus(directory: Path) -> Bus:
    """A bus in a directory, with every topic."""
    config = BusConfig()
    bus = open_bus(config, state_dir=directory)
    bus.ensure_topics(specs(config), create=True)
    return bus


class Writer:
    """Ships lines as the collector does, but of no file."""

    def __init__(self, bus: Bus) -> None:
        self._partitions = bus.partitions(topics.RAW_LOGS)
        self._producer = bus.producer("test-writer")
        self._offsets: Counter[str] = Counter()

    def stream(self, service: str, file_id: str, path: str, **labels: str) -> None:
        """Tell where a file-id's lines come from."""
        row = encode_stream(Stream(path, service, "h", "test", 0.0, 0.0, labels))
        with self._producer.transaction() as transaction:
            transaction.put(topics.STREAMS, {file_id.encode(): row})

    def ship(
        self,
        service: str,
        lines: Sequence[bytes],
        *,
        read_at: float,
        file_id: str = "f1",
    ) -> None:
        """Append lines of one stream."""
        prefix = stream_prefix(service, "h", file_id)
        keys = []
        for line in lines:
            keys.append(f"{prefix}:{self._offsets[prefix]}".encode())
            self._offsets[prefix] += len(line) + 1
        self.append(partition_of(prefix, self._partitions), keys, lines, read_at)

    def append(
        self,
        partition: int,
        keys: Sequence[bytes],
        lines: Sequence[bytes],
        read_at: float,
    ) -> None:
        """Append records as they are."""
        stamps = [int(read_at * 1000)] * len(lines)
        with self._producer.transaction() as transaction:
            transaction.send(topics.RAW_LOGS, partition, Records(keys, lines, stamps))


@contextmanager
def processor(bus: Bus, config: ProcessorConfig = QUICK) -> Iterator[None]:
    """A running processor; leaving the block stops it and raises what it raised."""
    stop = threading.Event()
    raised: list[BaseException] = []

    def work() -> None:
        try:
            worker.run(
                bus,
                config,
                identity="p1",
                telemetry=ProcessorTelemetry(new_registry()),
                health=Health(),
                stop=stop,
            )
        except BaseException as error:  # noqa: BLE001 - the test shall see it
            raised.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(10)
    assert not thread.is_alive()
    for error in raised:
        raise error


def values_of(bus: Bus, topic: str) -> list[bytes]:
    """The values of all records of a topic, from its beginning."""
    return [value for records in _all(bus, topic) for value in records.values]


def keys_of(bus: Bus, topic: str) -> list[bytes]:
    """The keys of all records of a topic."""
    return [key for records in _all(bus, topic) for key in records.keys]


def _all(bus: Bus, topic: str) -> list[Records]:
    reader = bus.reader([topic])
    found: list[Records] = []
    while not reader.is_caught_up():
        batches = reader.poll(max_records=10_000, wait_s=0.2)
        found.extend(batch.records for batch in batches)
    reader.close()
    return found


def frames_of(bus: Bus) -> list[Frame]:
    """All frames."""
    return [decode_frame(value) for value in values_of(bus, topics.LOG_METRICS)]


def windows_of(bus: Bus) -> list[WindowRecord]:
    """Every window's highest revision."""
    best: dict[tuple[str, int, int], WindowRecord] = {}
    for value in values_of(bus, topics.LOG_METRICS_1M):
        record = msgspec.json.decode(value, type=WindowRecord)
        key = (record.service, record.window_start, record.window_s)
        assert key not in best or record.revision > best[key].revision
        best[key] = record
    return list(best.values())


def counted(windows: Sequence[WindowRecord]) -> dict[str, dict[str, int]]:
    """The sums of windows by service and level, zeros left out."""
    sums: dict[str, Counter[str]] = {}
    for record in windows:
        levels = msgspec.to_builtins(record)
        counts = sums.setdefault(record.service, Counter())
        for name in ("trace", "debug", "info", "warn", "error", "fatal", "unknown"):
            counts[name] += levels[name]
    return {service: dict(+counts) for service, counts in sums.items()}


def wait_for_windows(bus: Bus, lines: int, *, within_s: float = 15.0) -> None:
    """Wait until the windows hold so many lines, or the time is over."""
    until = time.monotonic() + within_s
    while time.monotonic() < until:
        if sum(record.lines for record in windows_of(bus)) >= lines:
            return
        time.sleep(0.05)


def wait_for(happened: Callable[[], bool], *, within_s: float = 15.0) -> None:
    """Wait until it happened, or the time is over."""
    until = time.monotonic() + within_s
    while not happened() and time.monotonic() < until:
        time.sleep(0.05)


def wait_for_heartbeats(bus: Bus, count: int, *, within_s: float = 15.0) -> None:
    """Wait until so many more frames were written, or the time is over."""
    start = len(frames_of(bus))
    wait_for(lambda: len(frames_of(bus)) >= start + count, within_s=within_s)
