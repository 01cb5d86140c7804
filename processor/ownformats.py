"""Formats from the configuration, in columns: they are tried before all others."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from processor import columns
from processor.columns import Column, Floats, Ints
from processor.headertimes import find_times
from processor.heads import heads_of
from processor.times import of_any_form
from processor.zones import Zone
from tocsin.errors import ConfigError
from tocsin.formats import levels
from tocsin.values import Level


@dataclass(frozen=True, slots=True)
class OwnFormat:
    """A pattern (RE2) with some of the groups `time level message service`."""

    name: str
    pattern: str

    def check(self) -> None:
        """Tell a pattern that is none of RE2's.

        Raises:
            ConfigError: it is not.
        """
        try:
            columns.matches(columns.column([b""]), self.pattern)
        except ValueError as error:
            raise ConfigError(
                f"not a pattern of processor.formats: {self.name}: {error}",
                hint="patterns are RE2's: no look-around, no references back",
            ) from error


@dataclass(frozen=True, slots=True)
class OwnLines:
    """What lines of an own format say: UNKNOWN and NaN where that is nothing known."""

    rows: Ints
    levels: npt.NDArray[np.uint8]
    seconds: Floats
    states_level: bool
    states_time: bool
    services: Column | None


def read(format_: OwnFormat, lines: Column, arrival: Floats, zone: Zone) -> OwnLines:
    """Read the lines that a format matches."""
    rows, groups = columns.extract_few(lines, format_.pattern)
    level = np.full(len(rows), Level.UNKNOWN, np.uint8)
    if "level" in groups:
        which, words = columns.codes(groups["level"])
        known = [levels.of_value(word.decode("latin-1")) for word in words]
        level = np.array(known, np.uint8)[which]
    seconds = np.full(len(rows), np.nan)
    if "time" in groups:
        seconds = of_any_form(groups["time"], arrival[rows], zone)
        left = np.flatnonzero(np.isnan(seconds))
        if len(left):
            heads = heads_of(columns.select(groups["time"], left), left)
            seconds[left], _ = find_times(heads, arrival[rows[left]], zone)
    return OwnLines(
        rows=rows,
        levels=level,
        seconds=seconds,
        states_level="level" in groups,
        states_time="time" in groups,
        services=groups.get("service"),
    )


def messages(format_: OwnFormat, lines: Column) -> Column:
    """The messages of lines of a format; of patterns without the group, the lines."""
    rows, groups = columns.extract_few(lines, format_.pattern)
    if "message" not in groups:
        return lines
    return columns.put(lines, rows, columns.to_list(groups["message"]))
