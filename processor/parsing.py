"""Lines to events in columns: the one reading that worker and `tocsin parse` share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from processor import columns
from processor.columns import Column, Floats, Ints, column
from processor.fields import Fields, FieldValues
from processor.masks import MASK
from processor.named import Named, named
from processor.ownformats import OwnFormat
from processor.recognition import Reading, Recogniser
from processor.redaction import Redaction
from processor.tallies import Tallied, Tallies
from processor.templates import Fingerprints, Template
from processor.traces import MAX_BYTES
from processor.zones import Zone
from tocsin.config.tallies import Tally
from tocsin.values import Level


@dataclass(frozen=True, slots=True)
class Events:
    """What lines say, one row a line.

    `levels`: values of Level. `seconds`: Unix seconds that the line states, NaN where
    it states none. `formats`: names, None where no format matches. `templates` are the
    distinct ones; `template_of` is each row's number in it. `templated`: the rows that
    `messages` and `template_of` are about. `fields`: those that are counted by.
    `named`: the services that lines name. `name`: of a format's number. `tallied`: what
    rules have counted; `template_at`: the templates of some rows, whatever their level.
    """

    levels: npt.NDArray[np.uint8]
    seconds: Floats
    formats: Ints
    templated: Ints
    messages: Column
    template_of: Ints
    templates: list[Template]
    fields: list[FieldValues]
    named: Named
    name: Callable[[int], str | None]
    tallied: list[Tallied]
    template_at: Callable[[Ints], list[Template]]

    def format_name(self, row: int) -> str | None:
        """The name of a row's format, or None."""
        return self.name(int(self.formats[row]))


class Parser:
    """Reads batches of lines; the answer for a line depends on the line alone."""

    def __init__(
        self,
        zone: Zone,
        redact: Redaction | None = None,
        *,
        count_by: Sequence[str] = (),
        own: Sequence[OwnFormat] = (),
        tallies: Sequence[Tally] = (),
    ) -> None:
        self.redact = redact or Redaction()
        self._tallies = Tallies(tallies)
        self._counted = frozenset(count_by)
        self._fields = Fields((*count_by, *self._tallies.fields), self.redact)
        self._recogniser = Recogniser(zone, own)
        self._fingerprints = Fingerprints()

    def parse(
        self,
        lines: Sequence[bytes] | Column,
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
        which, templates = self._templates(texts)
        fields = self._fields.read(reading)
        return Events(
            levels=reading.levels,
            seconds=reading.seconds,
            formats=reading.formats,
            templated=rows,
            messages=texts,
            template_of=which,
            templates=templates,
            fields=[x for x in fields if x.name in self._counted],
            named=named(reading.services, reading.service_of, self.redact),
            name=self._recogniser.name,
            tallied=self._tallies.read(reading.lines, reading.levels, fields),
            template_at=partial(self._template_at, reading),
        )

    def _templates(self, messages: Column) -> tuple[Ints, list[Template]]:
        clean = self.redact(columns.head(messages, MAX_BYTES), instead=MASK)
        return self._fingerprints.of(clean)

    def _template_at(self, reading: Reading, rows: Ints) -> list[Template]:
        if len(rows) == 0:
            return []
        which, found = self._templates(self._recogniser.messages(reading, rows))
        return [found[number] for number in which.tolist()]


def error_rows(reading: Reading) -> Ints:
    """The rows of ERROR and FATAL lines."""
    levels = reading.levels
    return np.flatnonzero((levels == Level.ERROR) | (levels == Level.FATAL))
