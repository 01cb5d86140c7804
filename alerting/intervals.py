"""Mute intervals: hours of the week in which a route is quiet. Pure.

They are hours of the wall clock in their time zone, so they keep their place when
clocks are changed: an hour that is skipped is not there, one that comes twice counts
twice. An interval over midnight belongs to the day on which it begins.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from tocsin.config.alerting import MuteIntervalConfig
from tocsin.config.kinds import DAYS


@dataclass(frozen=True, slots=True)
class MuteInterval:
    """Minutes of the day `[start, end)` on some days of the week (0 is Monday).

    `end` may be smaller than `start`: then it is on the next day. `zone` None: UTC.
    """

    name: str
    days: frozenset[int]
    times: tuple[tuple[int, int], ...]
    zone: ZoneInfo | None = None

    def covers(self, now: float) -> bool:
        """Whether the interval holds at `now` (Unix seconds)."""
        local = datetime.fromtimestamp(now, self.zone or UTC)
        minute = local.hour * 60 + local.minute
        return any(
            self._covers(local.weekday(), minute, *times) for times in self.times
        )

    def _covers(self, day: int, minute: int, start: int, end: int) -> bool:
        if start < end:
            return day in self.days and start <= minute < end
        if day in self.days and minute >= start:
            return True
        return (day - 1) % 7 in self.days and minute < end


def muted_by(
    intervals: Sequence[MuteInterval], names: Sequence[str], now: float
) -> str | None:
    """The first of the named intervals that holds now."""
    return next((x.name for x in intervals if x.name in names and x.covers(now)), None)


def mute_intervals(config: Sequence[MuteIntervalConfig]) -> tuple[MuteInterval, ...]:
    """The intervals as they are configured."""
    return tuple(
        MuteInterval(
            name=x.name,
            days=frozenset(map(DAYS.index, x.days)),
            times=tuple(map(_times, x.times)),
            zone=ZoneInfo(x.timezone) if x.timezone != "UTC" else None,
        )
        for x in config
    )


def _times(text: str) -> tuple[int, int]:
    start, end = (_minute(part) for part in text.split("-"))
    return start, end


def _minute(text: str) -> int:
    hours, minutes = text.split(":")
    return int(hours) * 60 + int(minutes)
