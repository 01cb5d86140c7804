"""Wall-clock times without a zone, as UTC."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np

from processor.columns import Floats
from tocsin.errors import ConfigError

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - wall-clock time on purpose
# Zones change their offset on quarters of an hour at the finest.
_BLOCK_S = 900
_REMEMBERED = 10_000


class Zone:
    """A time zone by its IANA name, or "local" for the machine's.

    `year`: the year of times that state none; by default the latest one that is not
    after their arrival.

    Raises:
        ConfigError: there is no such zone.
    """

    def __init__(self, name: str, *, year: int | None = None) -> None:
        self.year = year
        try:
            self._tz = None if name == "local" else ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ConfigError(
                f"processor.timezone: no time zone is named {name!r}",
                hint='use an IANA name such as "Europe/Berlin", or "local"',
            ) from error
        self._is_utc = name == "UTC"
        self._offsets: dict[int, float] = {}

    def to_utc(self, wall: Floats) -> Floats:
        """Wall-clock seconds since 1970 as Unix seconds."""
        if self._is_utc or len(wall) == 0:
            return wall
        blocks = (wall // _BLOCK_S).astype(np.int64)
        first = int(blocks.min())
        if int(blocks.max()) == first:  # the usual batch is of a few seconds
            return wall - self._offset(first)
        distinct, which = np.unique(blocks, return_inverse=True)
        offsets = np.array([self._offset(int(block)) for block in distinct])
        return np.asarray(wall - offsets[which])

    def _offset(self, block: int) -> float:
        if block not in self._offsets:
            if len(self._offsets) >= _REMEMBERED:
                self._offsets.clear()
            self._offsets[block] = self._look_up(block)
        return self._offsets[block]

    def _look_up(self, block: int) -> float:
        try:
            wall = _EPOCH + timedelta(seconds=block * _BLOCK_S)
            aware = wall.replace(tzinfo=self._tz) if self._tz else wall.astimezone()
            return (aware.utcoffset() or timedelta()).total_seconds()
        except (OverflowError, ValueError, OSError):
            return 0.0  # at the ends of the calendar; such times are implausible
