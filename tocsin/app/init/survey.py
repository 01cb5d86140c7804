"""A look at log files: services, formats, zones, levels, multi-line events.

The last lines of each file are read by the code that reads them in service. Memory and
time are bounded by the number of files and bytes that are looked at.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from collector.discovery import Discovery, Found
from collector.service import origin_of
from processor.parsing import Events, Parser
from processor.recognition import NO_FORMAT
from processor.zones import Zone
from tocsin.formats.multiline import split
from tocsin.values import Level

MAX_FILES = 500
LOOK_AT_BYTES = 128 * 1024
_EXAMPLE_BYTES = 200
# Two zones that never have the same time.
_ZONE, _OTHER_ZONE = "UTC", "Etc/GMT-9"
# A file's last line was written when the file was; zones differ by quarters of an hour.
_QUARTER_S, _LATE_S = 900.0, 120.0


@dataclass(slots=True)
class Reading:
    """How often lines were read as a format, and one of them as it was read."""

    events: int
    example: bytes
    level: Level
    at: float | None


@dataclass(slots=True)
class Service:
    """What the files of a service have in their last lines.

    `formats` by name, "unknown" where none matches. `offsets`: how far the files' times
    without a zone are before UTC, in seconds, by the number of files that tell.
    """

    name: str
    paths: list[str] = field(default_factory=list)
    bytes: int = 0
    events: int = 0
    lines: int = 0
    without_level: int = 0
    without_time: int = 0
    without_zone: int = 0
    multi_line: int = 0
    formats: dict[str, Reading] = field(default_factory=dict)
    offsets: Counter[float] = field(default_factory=Counter)

    def add(self, other: Service) -> None:
        """Take in what was found in another file."""
        self.paths += other.paths
        self.bytes += other.bytes
        self.events += other.events
        self.lines += other.lines
        self.without_level += other.without_level
        self.without_time += other.without_time
        self.without_zone += other.without_zone
        self.multi_line += other.multi_line
        self.offsets += other.offsets
        for name, reading in other.formats.items():
            known = self.formats.setdefault(name, reading)
            if known is not reading:
                known.events += reading.events


def files(service: Service) -> str:
    """How many files a service has, as text."""
    count = len(service.paths)
    return f"{count} file" if count == 1 else f"{count} files"


def by_share(service: Service) -> list[tuple[str, Reading]]:
    """The formats of a service, the most frequent first."""
    return sorted(service.formats.items(), key=lambda item: -item[1].events)


@dataclass(frozen=True, slots=True)
class Survey:
    """What was found.

    `left`: paths that are not read, and why; `more`: files that were not looked at.
    """

    services: list[Service]
    left: dict[str, str]
    missing: list[str]
    more: int = 0

    @property
    def offset_s(self) -> float | None:
        """How far times without a zone are before UTC, where the files agree."""
        offsets: Counter[float] = sum((s.offsets for s in self.services), Counter())
        return next(iter(offsets)) if len(offsets) == 1 else None


def survey(paths: Sequence[str], *, exclude: Sequence[str], now: float) -> Survey:
    """Look at the files of PATHs."""
    scan = Discovery(paths, exclude=exclude, archives=False).scan()
    files = sorted(scan.files.values(), key=lambda found: found.path)
    chosen = [found for found in files if found.twin_of is None] or files
    reader = _Reader(now)
    services: dict[str, Service] = {}
    for found in chosen[:MAX_FILES]:
        one = reader.look(found)
        if one is not None:
            services.setdefault(one.name, Service(one.name)).add(one)
    return Survey(
        services=sorted(services.values(), key=lambda service: service.name),
        left={path: why.value for path, why in sorted(scan.left.items())},
        missing=[*scan.missing, *scan.empty],
        more=max(len(chosen) - MAX_FILES, 0),
    )


class _Reader:
    """Reads the ends of files."""

    def __init__(self, now: float) -> None:
        self._now = now
        self._parser = Parser(Zone(_ZONE))
        self._other = Parser(Zone(_OTHER_ZONE))

    def look(self, found: Found) -> Service | None:
        """What the last lines of a file have; None if it cannot be read."""
        try:
            data = _end_of(Path(found.path))
        except OSError:
            return None
        service = Service(origin_of(found.path, found.base).service, [found.path])
        service.bytes = found.size
        texts = [text for text in split(data, final=True).events if text.strip()]
        if texts:
            self._read(service, texts, found.modified_at)
        return service

    def _read(self, service: Service, texts: list[bytes], modified_at: float) -> None:
        arrival = np.full(len(texts), self._now)
        events = self._parser.parse(texts, arrival=arrival, errors_only=True)
        other = self._other.parse(texts, arrival=arrival, errors_only=True)
        timed = ~np.isnan(events.seconds)
        zoned = events.seconds == other.seconds
        service.events = len(texts)
        service.lines = sum(text.count(b"\n") + 1 for text in texts)
        service.multi_line = sum(b"\n" in text for text in texts)
        service.without_level = int((events.levels == Level.UNKNOWN).sum())
        service.without_time = int((~timed).sum())
        service.without_zone = int((timed & ~zoned).sum())
        service.formats = dict(_formats(events, texts))
        if timed.any() and not zoned[timed].any():
            last = float(events.seconds[np.flatnonzero(timed)[-1]])
            offset = round((last - modified_at) / _QUARTER_S) * _QUARTER_S
            if abs(last - offset - modified_at) <= _LATE_S:
                service.offsets[offset] += 1


def _formats(events: Events, texts: list[bytes]) -> Iterator[tuple[str, Reading]]:
    numbers, counts = np.unique(events.formats, return_counts=True)
    for number, count in zip(numbers.tolist(), counts.tolist(), strict=True):
        row = int(np.flatnonzero(events.formats == number)[-1])
        seconds = float(events.seconds[row])
        name = "unknown" if number == NO_FORMAT else events.format_name(row)
        yield (
            str(name),
            Reading(
                events=count,
                example=texts[row].partition(b"\n")[0][:_EXAMPLE_BYTES],
                level=Level(int(events.levels[row])),
                at=None if np.isnan(seconds) else seconds,
            ),
        )


def _end_of(path: Path) -> bytes:
    """The last whole lines of a file."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(size - LOOK_AT_BYTES, 0))
        data = file.read(LOOK_AT_BYTES)
    if size > LOOK_AT_BYTES:
        data = data.partition(b"\n")[2]
    return data if data.endswith(b"\n") else data + b"\n"


def local_offset_s(now: float) -> float:
    """How far the machine's zone is before UTC."""
    offset = datetime.fromtimestamp(now, UTC).astimezone().utcoffset()
    return offset.total_seconds() if offset is not None else 0.0
