"""A collector on a real bus and real files, and the proof of what it shipped."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from collector.checkpoint import decode_path
from collector.telemetry import CollectorTelemetry
from collector.worker import run
from tocsin.bus.opening import open_bus
from tocsin.bus.specs import specs
from tocsin.config.model import BusConfig, CollectorConfig
from tocsin.ports.bus import Bus
from tocsin.records.keys import Mark, RawKey, parse_key
from tocsin.records.streams import Stream, decode_stream
from tocsin.records.topics import DEAD_LETTERS, RAW_LOGS, STREAMS
from tocsin.telemetry.health import Health
from tocsin.telemetry.metrics import new_registry

DEADLINE_S = 20.0


@dataclass(frozen=True)
class Shipped:
    """One record of raw-logs."""

    key: RawKey
    value: bytes

    @property
    def end(self) -> int:
        """The offset after the record, as the contract has it."""
        ended = 0 if self.key.mark is Mark.PARTIAL else 1
        return self.key.offset + len(self.value) + ended


def all_records(bus: Bus, topic: str = RAW_LOGS) -> list[Shipped]:
    """Everything committed to a topic, by partition and offset."""
    reader = bus.reader([topic])
    found: list[tuple[int, int, Shipped]] = []
    try:
        while True:
            batches = reader.poll(max_records=100_000, wait_s=0.05)
            for batch in batches:
                columns = zip(batch.records.keys, batch.records.values, strict=True)
                found += [
                    (batch.partition, batch.lo + i, Shipped(parse_key(key), value))
                    for i, (key, value) in enumerate(columns)
                ]
            if not batches and reader.is_caught_up():
                break
    finally:
        reader.close()
    return [record for _, _, record in sorted(found, key=lambda each: each[:2])]


def by_file(records: Sequence[Shipped]) -> dict[str, list[Shipped]]:
    """Records by file-id, in the order in which they were committed."""
    files: dict[str, list[Shipped]] = {}
    for record in records:
        files.setdefault(record.key.file_id, []).append(record)
    return files


def prove_tiling(records: Sequence[Shipped], *, start: int | None = 0) -> None:
    """Each file's records follow each other without a hole and without an overlap.

    `start`: where each file begins; None if anywhere.
    """
    for file_id, shipped in by_file(records).items():
        expected = shipped[0].key.offset if start is None else start
        for record in shipped:
            assert record.key.offset == expected, (file_id, record.key, expected)
            assert record.key.mark in {Mark.NONE, Mark.PARTIAL}, record.key
            expected = record.end


def wait_for(truth: Callable[[], bool], what: str = "it") -> None:
    """Wait until `truth` holds; fail after a generous time."""
    deadline = time.monotonic() + DEADLINE_S
    while not truth():
        assert time.monotonic() < deadline, f"{what} did not come true"
        time.sleep(0.005)


def ready_bus(state_dir: Path, url: str = "embedded://", *, prefix: str = "") -> Bus:
    """An open bus with all topics."""
    config = BusConfig(url=url, topic_prefix=prefix)
    bus = open_bus(config, state_dir=state_dir)
    bus.ensure_topics(specs(config), create=True)
    return bus


@dataclass
class Rig:
    """A directory with logs and a bus; collectors come and go on them."""

    bus: Bus
    logs: Path
    config: dict[str, object] = field(default_factory=dict)
    identity: str = "rig"
    threads: list[threading.Thread] = field(default_factory=list)

    @contextlib.contextmanager
    def collecting(
        self, *paths: str, bus: Bus | None = None, **config: object
    ) -> Iterator[CollectorTelemetry]:
        """Run a collector in a thread meanwhile."""
        stop = threading.Event()
        errors: list[BaseException] = []
        self.registry = new_registry()
        telemetry = CollectorTelemetry(self.registry)
        chosen = {"scan_interval": 0.02, "host": "h", **self.config, **config}
        made = CollectorConfig.model_validate(
            {"paths": list(paths) or [str(self.logs)], **chosen}
        )

        def work() -> None:
            try:
                run(
                    bus or self.bus,
                    made,
                    identity=self.identity,
                    telemetry=telemetry,
                    health=Health(),
                    stop=stop,
                )
            except BaseException as error:  # noqa: BLE001 - handed to the test below
                errors.append(error)

        thread = threading.Thread(target=work)
        self.threads.append(thread)
        thread.start()
        try:
            yield telemetry
        finally:
            stop.set()
            thread.join(DEADLINE_S)
        assert not thread.is_alive()
        if errors:
            raise errors[0]

    def metric(self, name: str, **labels: str) -> float:
        """A metric of the last collector."""
        return self.registry.get_sample_value(name, labels) or 0.0

    def records(self) -> list[Shipped]:
        """Everything shipped."""
        return all_records(self.bus)

    def lines(self) -> list[bytes]:
        """The values shipped, file by file."""
        return [r.value for file in by_file(self.records()).values() for r in file]

    def wait_for_lines(self, count: int) -> None:
        """Wait until that many lines are shipped."""
        wait_for(lambda: len(self.records()) >= count, f"{count} lines")

    def streams(self) -> dict[str, Stream]:
        """The newest row of each file-id."""
        view = self.bus.table(STREAMS)
        try:
            return {k.decode(): decode_stream(v) for k, v in view.rows.items()}
        finally:
            view.close()

    def paths(self) -> dict[str, str]:
        """The newest path of each file-id."""
        return {key: decode_path(row.path) for key, row in self.streams().items()}

    def dead_letters(self) -> list[Shipped]:
        """What was refused."""
        return all_records(self.bus, DEAD_LETTERS)


class LogLines(logging.Handler):
    """Keeps what was logged."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())

    def having(self, *texts: str) -> list[str]:
        """The lines that contain all of `texts`."""
        return [line for line in self.lines if all(text in line for text in texts)]
