"""Which collectors live, told by the table `collectors`: when each was last heard of.

What counts is when alerting sees a row change, by its own clock: that of a collector's
host may be wrong. So a collector is down when its row does not change for 30 s; one
that is not heard of for a day is taken for gone, and its row deleted.
"""

from __future__ import annotations

from collections.abc import Mapping

from alerting.telemetry import AlertingTelemetry
from tocsin.errors import BadRecord
from tocsin.ports.bus import Bus
from tocsin.records.collectors import BEAT_S, CollectorBeat, decode_beat
from tocsin.records.topics import COLLECTORS

DOWN_AFTER_S = 3 * BEAT_S
_GONE_AFTER_S = 86_400.0


class RollCall:
    """When each collector was last heard of. Pure; rows come in as beats."""

    def __init__(self) -> None:
        self._beats: dict[bytes, CollectorBeat] = {}
        self._heard: dict[bytes, float] = {}

    def note(self, beats: Mapping[bytes, CollectorBeat], now: float) -> None:
        """Take in the rows as they are now."""
        for key, beat in beats.items():
            before = self._beats.get(key)
            if before is None:  # written some time before this process began
                self._heard[key] = min(now, beat.at)
            elif before != beat:
                self._heard[key] = now
        for key in self._heard.keys() - beats.keys():
            del self._heard[key]
        self._beats = dict(beats)

    @property
    def heard_at(self) -> dict[str, float]:
        """By host, when a collector of it was last heard of."""
        found: dict[str, float] = {}
        for key, at in self._heard.items():
            host = self._beats[key].host
            found[host] = max(at, found.get(host, at))
        return found

    def down(self, now: float) -> list[str]:
        """The hosts none of whose collectors lives, though one should."""
        return sorted(
            host
            for host, at in self.heard_at.items()
            if DOWN_AFTER_S < now - at <= _GONE_AFTER_S
        )

    def gone(self, now: float) -> list[bytes]:
        """The keys of rows to be deleted."""
        return [x for x, at in self._heard.items() if now - at > _GONE_AFTER_S]


class CollectorTable:
    """The roll call, as of the last `refresh`."""

    def __init__(self, bus: Bus, *, telemetry: AlertingTelemetry) -> None:
        self._telemetry = telemetry
        self._view = bus.table(COLLECTORS)
        self.roll = RollCall()

    def refresh(self, now: float) -> None:
        """Take in what collectors wrote since; cheap when nothing was."""
        self._view.refresh()
        beats = {}
        for key, value in self._view.rows.items():
            try:
                beats[key] = decode_beat(value)
            except BadRecord as error:
                self._telemetry.bad_record(COLLECTORS, error)
        self.roll.note(beats, now)

    def close(self) -> None:
        """Close the table."""
        self._view.close()
