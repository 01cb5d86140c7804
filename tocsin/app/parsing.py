"""How Tocsin reads lines: files to events, for `tocsin parse`.

The same code that the processor runs, on files instead of the bus. Every file is a
stream of its own; memory is bounded by one batch, however long the file is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np

from processor.parsing import Parser
from processor.streams import StreamFormats
from processor.templates import Template
from processor.zones import Zone
from tocsin.values import Level

_BATCH_LINES = 20_000
_BATCH_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Event:
    """An event of a file: `line` is the 1-based number of its first line.

    `at` in Unix seconds, None where it states no time; `format` is None where no
    format of the registry matches.
    """

    line: int
    lines: int
    text: bytes
    at: float | None
    level: Level
    message: bytes
    template: Template
    format: str | None


class Stream:
    """Reads one file as a stream: what was learned of it helps with what follows.

    `timezone` and `year` are those of times that state none.

    Raises:
        ConfigError: there is no such zone.
    """

    def __init__(self, *, timezone: str, year: int | None = None) -> None:
        self._parser = Parser(Zone(timezone, year=year))
        self._formats = StreamFormats()

    def events(self, file: BinaryIO, *, now: float) -> Iterator[Event]:
        """The events of a file in their order; blank lines belong to none."""
        number = 1
        while lines := file.readlines(_BATCH_BYTES):
            for start in range(0, len(lines), _BATCH_LINES):
                part = lines[start : start + _BATCH_LINES]
                yield from self._read(part, number + start, now=now)
            number += len(lines)

    def _read(self, lines: list[bytes], number: int, *, now: float) -> Iterator[Event]:
        numbers = [k for k, line in enumerate(lines, number) if not line.isspace()]
        texts = [lines[k - number].removesuffix(b"\n") for k in numbers]
        if not texts:
            return
        stream = [b""]
        hints = np.repeat(self._formats.hints(stream), len(texts))
        events = self._parser.parse(
            texts, arrival=np.full(len(texts), now), hints=hints
        )
        self._formats.learn(stream, np.zeros(len(texts), np.int64), events.formats)
        messages = events.messages.to_pylist()
        stated = ~np.isnan(events.seconds)
        for row, text in enumerate(texts):
            yield Event(
                line=numbers[row],
                lines=1,
                text=text,
                at=float(events.seconds[row]) if stated[row] else None,
                level=Level(int(events.levels[row])),
                message=messages[row] or b"",
                template=events.templates[int(events.template_of[row])],
                format=events.format_name(row),
            )
