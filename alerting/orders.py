"""What people ordered while alerting runs: silences and acknowledgements on the bus."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from alerting.acknowledgement import decode_acknowledgement
from alerting.desk import Orders
from alerting.silences import decode_silence
from alerting.telemetry import AlertingTelemetry
from tocsin.errors import BadRecord
from tocsin.ports.bus import Bus
from tocsin.records.topics import ACKNOWLEDGEMENTS, SILENCES

_T = TypeVar("_T")


class OrderBook:
    """The two tables, as of the last `refresh`."""

    def __init__(self, bus: Bus, *, telemetry: AlertingTelemetry) -> None:
        self._telemetry = telemetry
        self._silences = bus.table(SILENCES)
        self._acknowledgements = bus.table(ACKNOWLEDGEMENTS)
        self.orders = self._read()

    def refresh(self) -> None:
        """Take in what was ordered since; cheap when nothing was."""
        changed = self._silences.refresh() | self._acknowledgements.refresh()
        if changed:
            self.orders = self._read()

    def close(self) -> None:
        """Close the tables."""
        self._silences.close()
        self._acknowledgements.close()

    def _read(self) -> Orders:
        silences = self._decoded(SILENCES, decode_silence, self._silences.rows.values())
        rows = self._acknowledgements.rows.values()
        acked = self._decoded(ACKNOWLEDGEMENTS, decode_acknowledgement, rows)
        return Orders(tuple(silences), {x.incident: x for x in acked})

    def _decoded(
        self, table: str, decode: Callable[[bytes], _T], values: Iterable[bytes]
    ) -> list[_T]:
        rows = []
        for value in values:
            try:
                rows.append(decode(value))
            except BadRecord as error:
                self._telemetry.bad_record(table, error)
        return rows
