"""How Tocsin reads lines: files to events, for `tocsin parse`.

The same code that the processor runs, on files instead of the bus. Every file is a
stream of its own; memory is bounded by one batch, however long the file is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import BinaryIO

import numpy as np

from collector.service import origin_of
from processor.ownformats import OwnFormat
from processor.parsing import Parser
from processor.streams import StreamFormats
from processor.templates import Template
from processor.zones import Zone
from tocsin.config.formats import FormatConfig
from tocsin.formats.multiline import Habit, split
from tocsin.formats.systems import name_of
from tocsin.values import Level

_BATCH_EVENTS = 20_000
_CHUNK_BYTES = 4 * 1024 * 1024
_MOST_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Event:
    """An event of a file: `line` is the 1-based number of its first line.

    `at` in Unix seconds, None where it states no time. `format` is that of the registry
    or, where the general rules read it, a name for people. `service`: the one that the
    line names, None for that of its file.
    """

    line: int
    lines: int
    text: bytes
    at: float | None
    level: Level
    message: bytes
    template: Template
    format: str
    service: str | None = None


class Stream:
    """Reads one file as a stream: what was learned of it helps with what follows.

    `timezone` and `year` are those of times that state none; `formats` one's own.

    Raises:
        ConfigError: there is no such zone.
    """

    def __init__(
        self,
        *,
        timezone: str,
        year: int | None = None,
        formats: Sequence[FormatConfig] = (),
    ) -> None:
        own = [OwnFormat(each.name, each.pattern) for each in formats]
        self._parser = Parser(Zone(timezone, year=year), own=own)
        self._formats = StreamFormats()

    def events(self, file: BinaryIO, *, now: float) -> Iterator[Event]:
        """The events of a file in their order; blank lines belong to none."""
        number = 1
        for texts in _events(file):
            counts = [text.count(b"\n") + 1 for text in texts]
            for start in range(0, len(texts), _BATCH_EVENTS):
                part = slice(start, start + _BATCH_EVENTS)
                yield from self._read(texts[part], counts[part], number, now=now)
                number += sum(counts[part])

    def _read(
        self, texts: list[bytes], counts: list[int], number: int, *, now: float
    ) -> Iterator[Event]:
        firsts = list(accumulate(counts, initial=number))
        told = [row for row, text in enumerate(texts) if text.strip()]
        if not told:
            return
        texts = [texts[row] for row in told]
        stream = [b""]
        hints = np.repeat(self._formats.hints(stream), len(texts))
        events = self._parser.parse(
            texts, arrival=np.full(len(texts), now), hints=hints
        )
        self._formats.learn(stream, np.zeros(len(texts), np.int64), events.formats)
        messages = events.messages.to_pylist()
        stated = ~np.isnan(events.seconds)
        for row, text in enumerate(texts):
            level = Level(int(events.levels[row]))
            is_told = bool(stated[row]) or level is not Level.UNKNOWN
            yield Event(
                line=firsts[told[row]],
                lines=counts[told[row]],
                text=text,
                at=float(events.seconds[row]) if stated[row] else None,
                level=level,
                message=messages[row] or b"",
                template=events.templates[int(events.template_of[row])],
                format=events.format_name(row) or name_of(text, is_told=is_told),
                service=events.named.of(row),
            )


def _events(file: BinaryIO) -> Iterator[list[bytes]]:
    """The file's events, chunk by chunk; a line of over 64 MiB is cut."""
    data, habit, is_over = b"", Habit(), False
    while not is_over:
        chunk = file.read(_CHUNK_BYTES)
        is_over = not chunk
        data += chunk
        if data and (is_over or len(data) > _MOST_BYTES) and not data.endswith(b"\n"):
            data += b"\n"
        found = split(data, habit, final=is_over)
        data, habit = data[found.size :], found.habit
        if found.events:
            yield found.events


def service_of(name: str) -> str:
    """The service whose lines a file holds, as the collector would call it."""
    if name == "-":
        return name
    path = Path(name).absolute()
    return origin_of(str(path), str(path.parent)).service
