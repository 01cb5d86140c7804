"""What people ordered while alerting runs: silences and acknowledgements on the bus."""

from __future__ import annotations

from alerting.acknowledgement import decode_acknowledgement
from alerting.desk import Orders
from alerting.rows import readable
from alerting.silences import decode_silence
from alerting.telemetry import AlertingTelemetry
from tocsin.ports.bus import Bus
from tocsin.records.topics import ACKNOWLEDGEMENTS, SILENCES


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
        rows = self._silences.rows.values()
        silences = readable(SILENCES, decode_silence, rows, self._telemetry)
        rows = self._acknowledgements.rows.values()
        acked = readable(
            ACKNOWLEDGEMENTS, decode_acknowledgement, rows, self._telemetry
        )
        return Orders(tuple(silences), {x.incident: x for x in acked})
