"""Lines to events in columns: the one reading that worker and `tocsin parse` share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from processor import columns
from processor.columns import Column, Floats, Ints, column
from processor.fields import Fields, FieldValues
from processor.masks import MASK
from processor.recognition import NO_FORMAT, Reading, Recogniser
from processor.redaction import Redaction
from processor.templates import Fingerprints, Template
from processor.traces import MAX_BYTES
from processor.zones import Zone
from tocsin.formats.catalogue import FORMATS
from tocsin.values import Level


@dataclass(frozen=True, slots=True)
class Events:
    """What lines say, one row a line.

    `levels`: values of Level. `seconds`: Unix seconds that the line states, NaN where
    it states none. `formats`: names, None where no format matches. `templates` are the
    distinct ones; `template_of` is each row's number in it. `templated`: the rows that
    `messages` and `template_of` are about. `fields`: those that are counted by.
    """

    levels: npt.NDArray[np.uint8]
    seconds: Floats
    formats: Ints
    templated: Ints
    messages: Column
    template_of: Ints
    templates: list[Template]
    fields: list[FieldValues]

    def format_name(self, row: int) -> str | None:
        """The name of a row's format, or None."""
        number = int(self.formats[row])
        return None if number == NO_FORMAT else FORMATS[number].name


class Parser:
    """Reads batches of lines; the answer for a line depends on the line alone."""

    def __init__(
        self,
        zone: Zone,
        redact: Redaction | None = None,
        *,
        count_by: Sequence[str] = (),
    ) -> None:
        self.redact = redact or Redaction()
        self._fields = Fields(count_by, self.redact)
        self._recogniser = Recogniser(zone)
        self._fingerprints = Fingerprints()

    def parse(
        self,
        lines: Sequence[bytes],
        *,
        arrival: Floats,
        hints: Ints | None = None,
        errors_only: bool = False,
    ) -> Events:
        """Read lines; `errors_only` leaves messages and templates of others out.

        `arrival` (Unix seconds, a row each) stands in for a year that is left out;
        `hints` are what StreamFormats gives, and change the speed only.
        """
        reading = self._recogniser.read(lines, arrival=arrival, hints=hints)
        rows = error_rows(reading) if errors_only else np.arange(len(lines))
        texts = self._recogniser.messages(reading, rows) if len(rows) else column([])
        clean = self.redact(columns.head(texts, MAX_BYTES), instead=MASK)
        which, templates = self._fingerprints.of(clean)
        return Events(
            levels=reading.levels,
            seconds=reading.seconds,
            formats=reading.formats,
            templated=rows,
            messages=texts,
            template_of=which,
            templates=templates,
            fields=self._fields.read(reading),
        )


def error_rows(reading: Reading) -> Ints:
    """The rows of ERROR and FATAL lines."""
    levels = reading.levels
    return np.flatnonzero((levels == Level.ERROR) | (levels == Level.FATAL))
