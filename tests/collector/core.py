"""A collector without its loop and its clock: the test scans, ships and kills it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from collector.checkpoint import Checkpoint, decode_row, file_ids, row_prefix
from collector.descriptors import Descriptors
from collector.discovery import Discovery
from collector.framing import Framing
from collector.ledger import Setup
from collector.pins import Pins
from collector.roster import Roster
from collector.shipping import READ_S, Shipper
from collector.telemetry import CollectorTelemetry
from tests.collector.faults import Fault, FaultyBus
from tests.collector.rig import Shipped, all_records, by_file
from tocsin.config.model import CollectorConfig
from tocsin.errors import BusUnavailable
from tocsin.ports.bus import Bus
from tocsin.records.streams import Stream, decode_stream
from tocsin.records.text import chosen_text
from tocsin.records.topics import CHECKPOINTS, RAW_LOGS, STREAMS
from tocsin.telemetry.metrics import new_registry

IDENTITY = "machine"


@dataclass
class ManualClock:
    """A clock that is told the time."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now


class Core:
    """A collector without its loop; it may be dropped at any time, as if killed."""

    def __init__(
        self,
        bus: FaultyBus,
        logs: Path,
        clock: ManualClock,
        *,
        paths: Sequence[str] = (),
        max_files: int = 64,
        pins: Path | None = None,
        identity: str = IDENTITY,
        read_s: float = READ_S,
        **config: object,
    ) -> None:
        self._clock = clock
        self.registry = new_registry()
        telemetry = CollectorTelemetry(self.registry)
        directory = str(pins) if pins is not None else None
        self.pins = Pins(directory, told=telemetry.pinning_failed)
        self.descriptors = Descriptors(max_files, self.pins)
        chosen = {
            "paths": list(paths) or [str(logs)],
            "host": "h",
            "max_batch_lines": 7,
            **config,
        }
        made = CollectorConfig.model_validate(chosen)
        setup = Setup(
            identity=identity,
            config=made,
            partitions=bus.partitions(RAW_LOGS),
            framing=Framing.of(max_line=100_000, chunk=32).fit(
                chosen_text(made.encoding or "", made.delimiter)
            ),
            descriptors=self.descriptors,
            telemetry=telemetry,
            pins=self.pins,
        )
        rows = bus.table(CHECKPOINTS, prefix=row_prefix(identity))
        streams = bus.table(STREAMS)
        setup.gone.load(streams.rows, identity, file_ids(identity, rows.rows))
        self.roster = Roster(setup, dict(rows.rows))
        rows.close()
        streams.close()
        self.discovery = Discovery(
            made.paths, exclude=made.exclude, own=directory, text=setup.framing.text
        )
        self._producer = bus.producer(identity)
        self.shipper = Shipper(
            cast("Bus", bus),
            self._producer,
            self.roster,
            setup,
            clock,
            read_s=read_s,
        )

    def look(self, *, settled: bool = True) -> None:
        """One scan."""
        scan = self.discovery.scan(self.roster)
        self.roster.sweep(scan, now=self._clock(), settled=settled)

    def ship_all(self) -> None:
        """Ship until nothing is left, as the loop does."""
        while self.shipper.ship() or self.roster.ledger.rewritten:
            if self.roster.ledger.rewritten:
                self.look()

    def close(self) -> None:
        """Let go of everything, as a killed process would."""
        self.shipper.close()
        self.descriptors.close_all()
        self._producer.close()


@dataclass
class Desk:
    """One collector after the other on a directory and a bus."""

    bus: Bus
    logs: Path
    clock: ManualClock
    config: dict[str, object] = field(default_factory=dict)
    lost_before: float = 0.0

    def __post_init__(self) -> None:
        self.faulty = FaultyBus(self.bus)
        self.start()

    def start(self, **config: object) -> None:
        """A collector takes over."""
        self.config |= config
        self.core = Core(self.faulty, self.logs, self.clock, **self.config)  # type: ignore[arg-type]
        self.work()

    def kill(self) -> None:
        """It dies."""
        self.lost_before = self.lost()
        self.core.close()

    def work(self, *, after_s: float = 0.0) -> None:
        """Time passes, then it looks and ships all that there is."""
        self.clock.now += after_s
        self.core.look()
        self.core.ship_all()

    def work_in_vain(self) -> None:
        """It looks and ships while the bus is away."""
        self.faulty.fault = Fault.AWAY
        self.core.look()
        try:
            while self.core.shipper.ship():
                pass
        except BusUnavailable as error:
            self.core.look(settled=False)
            self.faulty.fault = Fault.NONE
            self.core.shipper.recover(error)
        self.faulty.fault = Fault.NONE

    def records(self) -> list[Shipped]:
        """Everything shipped."""
        return all_records(self.bus)

    def lines(self) -> list[bytes]:
        """What was shipped, sorted."""
        return sorted(record.value for record in self.records())

    def files(self) -> dict[str, list[Shipped]]:
        """What was shipped by file-id."""
        return by_file(self.records())

    def rows(self) -> list[Checkpoint]:
        """The committed rows of files."""
        view = self.bus.table(CHECKPOINTS, prefix=row_prefix(IDENTITY))
        try:
            return [decode_row(v) for k, v in view.rows.items() if b"/@" not in k]
        finally:
            view.close()

    def streams(self) -> dict[str, Stream]:
        """The rows of `streams`."""
        view = self.bus.table(STREAMS)
        try:
            return {k.decode(): decode_stream(v) for k, v in view.rows.items()}
        finally:
            view.close()

    def metric(self, name: str, **labels: str) -> float:
        """A metric of the collector that is at work."""
        return self.core.registry.get_sample_value(name, labels) or 0.0

    def lost(self) -> float:
        """The bytes that were counted as lost so far."""
        reasons = "truncated", "deleted", "too_large"
        name = "tocsin_collector_lost_bytes_total"
        return self.lost_before + sum(self.metric(name, reason=r) for r in reasons)
