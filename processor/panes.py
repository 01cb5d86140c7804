"""Events to panes: counts by service, host and second, grouped in columns.

Panes are additive: those of two batches, merged, are those of the two batches read as
one. Only which templates are kept by name is bounded by pane, the rest is counted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

import numpy as np
import pandas as pd

from processor import columns
from processor.columns import Bools, Floats, Ints
from processor.fields import Admission, PaneRows, counts_by_pane
from processor.lines import Lines, offset_of
from processor.named import Origins
from processor.parsing import Events
from processor.redaction import Redaction
from processor.tallies import tallies_by_pane
from tocsin.records.frames import Pane, Sample, TemplateCount
from tocsin.records.keys import RawKey
from tocsin.records.streams import Stream
from tocsin.values import LEVELS, Level

EARLY_S = 24 * 3600.0
AHEAD_S = 60.0
SAMPLE_CHARS = 1000
MAX_LABELS, _LABEL_CHARS = 16, 100
# No character of UTF-8 takes more bytes; and some more, lest a secret be cut in two.
_SAMPLE_BYTES = 5 * SAMPLE_CHARS

Known = Callable[[str], Stream | None]
"""What the table `streams` says of a file-id."""


@dataclass(frozen=True, slots=True)
class EventTimes:
    """When lines happened: what they state, or their arrival.

    `skewed`: they state an implausible time. `untimed`: they state none. `stale`: they
    are from too long ago, by what they state or, untimed, by what their file is.
    """

    at: Floats
    skewed: Bools
    stale: Bools
    untimed: Bools


def event_times(
    stated: Floats, arrival: Floats, *, met: Bools, old: Bools
) -> EventTimes:
    """Accept times in [arrival - 24 h, arrival + 60 s]; else take the arrival.

    `met`: what was in its file when that was met; there a time of long ago is
    plausible, though its second is over. `old`: the same of a file written long before.
    A line without a time takes its arrival too, not the time of the line before it:
    which line that is would depend on the batch.
    """
    untimed = np.isnan(stated)
    with np.errstate(invalid="ignore"):
        past = stated < arrival - EARLY_S
        ahead = stated > arrival + AHEAD_S
    at = np.where(past | ahead | untimed, arrival, stated)
    return EventTimes(at, ahead | (past & ~met), past | (untimed & old), untimed)


@dataclass(frozen=True, slots=True)
class _Groups:
    """Each line's pane, and what distinguishes the panes.

    `kind`: twice the number of the place, and one more if stale.
    """

    pane_of: Ints
    batch: Ints
    kind: Ints
    second: Ints

    def __len__(self) -> int:
        return len(self.second)


@dataclass(frozen=True, slots=True)
class Bounds:
    """What has a name in a pane; the rest is counted together.

    `max_templates`: in one pane, the most frequent ones. `templates`, `values` (of
    fields) and `services` (that lines name): of one service, the first ones of a day.
    """

    max_templates: int
    templates: Admission
    values: Admission
    services: Admission

    def begin(self, now: float) -> None:
        """A flush begins."""
        self.templates.begin(now)
        self.values.begin(now)
        self.services.begin(now)


def panes_by_batch(  # noqa: PLR0913 - what the panes are made of
    lines: Lines,
    events: Events,
    times: EventTimes,
    *,
    origins: Origins,
    bounds: Bounds,
    known: Known,
    redact: Redaction,
) -> list[list[Pane]]:
    """The panes of each batch: by service, host, labels, second, and whether stale.

    Samples are redacted by `redact`.
    """
    at = times.at
    places: dict[_Place, int] = {}
    place_of = [places.setdefault(_place(n, known), len(places)) for n in origins.names]
    seconds = np.floor(at).astype(np.int64)
    kind_of = np.array(place_of, np.int64)[origins.origin_of] * 2 + times.stale
    groups = _group(lines.batch_of, kind_of, seconds)
    size = len(groups)
    pane_of = groups.pane_of
    counts = np.bincount(
        pane_of * LEVELS + events.levels, minlength=size * LEVELS
    ).reshape(size, LEVELS)
    volume = np.bincount(pane_of, weights=lines.sizes, minlength=size)
    read_at = pd.Series(lines.arrival).groupby(pane_of).max().to_numpy()
    found: list[list[Pane]] = [[] for _ in lines.batches]
    names = list(places)
    place_of_pane = (groups.kind // 2).tolist()
    services = [names[place].service for place in place_of_pane]
    templates_of = _Templates(lines, events, at, known, redact)
    kept = templates_of.by_pane(pane_of, services, bounds)
    rows = PaneRows(
        pane_of=pane_of,
        is_error=np.isin(events.levels, (Level.ERROR, Level.FATAL)),
        services=services,
    )
    fields = counts_by_pane(events.fields, rows, bounds.values)
    tallies = tallies_by_pane(events.tallied, rows, bounds.values, templates_of.shown)
    for pane, row in enumerate(counts.tolist()):
        service, host, labels = names[place_of_pane[pane]]
        templates, other = kept.get(pane, ((), 0))
        found[groups.batch[pane]].append(
            Pane(
                service=service,
                host=host,
                second=int(groups.second[pane]),
                counts=tuple(row),
                bytes=int(volume[pane]),
                read_at=float(read_at[pane]),
                templates=templates,
                other_templates=other,
                labels=dict(labels),
                fields=fields.get(pane, ()),
                stale=bool(groups.kind[pane] % 2),
                tallies=tallies.get(pane, ()),
            )
        )
    return found


class _Place(NamedTuple):
    """Where lines come from; the labels sorted."""

    service: str
    host: str
    labels: tuple[tuple[str, str], ...]


def _place(name: RawKey, known: Known) -> _Place:
    stream = known(name.file_id)
    labels = sorted(stream.labels.items())[:MAX_LABELS] if stream is not None else []
    cut = tuple((key[:_LABEL_CHARS], value[:_LABEL_CHARS]) for key, value in labels)
    return _Place(name.service, name.host, cut)


def _group(batch_of: Ints, kind_of: Ints, second: Ints) -> _Groups:
    """Number the panes in the order of batch, kind and second."""
    if len(second) == 0:
        return _Groups(*(np.zeros(0, np.int64) for _ in range(4)))
    kinds = int(kind_of.max()) + 1
    earliest = int(second.min())
    span = int(second.max()) - earliest + 1
    # One number a pane; the seconds span some days at most, so it cannot overflow.
    place = (batch_of * kinds + kind_of) * span + (second - earliest)
    pane_of, places = pd.factorize(place, sort=True)
    where, since = np.divmod(places, span)
    batch, kind = np.divmod(where, kinds)
    return _Groups(pane_of, batch, kind, since + earliest)


@dataclass(frozen=True, slots=True)
class _Templates:
    """The error templates of the panes, with a sample each."""

    lines: Lines
    events: Events
    at: Floats
    known: Known
    redact: Redaction

    def by_pane(
        self, pane_of: Ints, services: list[str], bounds: Bounds
    ) -> dict[int, tuple[tuple[TemplateCount, ...], int]]:
        """The most frequent templates by pane, and how many lines have others."""
        rows = self.events.templated
        if len(rows) == 0:
            return {}
        width = len(self.events.templates)
        pairs, first, sizes = np.unique(
            pane_of[rows] * width + self.events.template_of,
            return_index=True,
            return_counts=True,
        )
        panes, templates = np.divmod(pairs, width)
        # The number of a template depends on the batch, its id does not.
        ids = np.array([template.id for template in self.events.templates])
        order = np.lexsort((ids[templates], -sizes, panes))
        _, begins, lengths = np.unique(
            panes[order], return_index=True, return_counts=True
        )
        rank = np.arange(len(order)) - np.repeat(begins, lengths)
        frequent = order[rank < bounds.max_templates]
        each = zip(panes[frequent].tolist(), templates[frequent].tolist(), strict=True)
        named = [
            bounds.templates.is_admitted(
                services[pane], "", self.events.templates[template].id
            )
            for pane, template in each
        ]
        kept = frequent[np.array(named, np.bool_)]
        counts = self._counts(templates[kept], sizes[kept], rows[first[kept]])
        most = len(services)
        numbers = np.bincount(panes[kept], minlength=most).tolist()
        others = np.bincount(panes, sizes, most) - np.bincount(
            panes[kept], sizes[kept], most
        )
        return {
            pane: (tuple(islice(counts, numbers[pane])), int(others[pane]))
            for pane in np.unique(panes).tolist()
        }

    def shown(self, rows: Ints) -> list[TemplateCount]:
        """Some rows and their templates, whatever their level."""
        found = zip(self.events.template_at(rows), self._samples(rows), strict=True)
        return [TemplateCount(name.id, name.text, 1, sample) for name, sample in found]

    def _counts(
        self, templates: Ints, sizes: Ints, rows: Ints
    ) -> Iterator[TemplateCount]:
        names = [self.events.templates[number] for number in templates.tolist()]
        texts, samples = [name.text for name in names], self._samples(rows)
        ids = [name.id for name in names]
        return map(TemplateCount, ids, texts, sizes.tolist(), samples)

    def _samples(self, rows: Ints) -> Iterator[Sample]:
        texts = columns.head(columns.take(self.lines.texts, rows), _SAMPLE_BYTES)
        streams = self.lines.stream_of[rows].tolist()
        file_ids = [name.file_id for name in self.lines.names]
        known = {k: self.known(file_ids[k]) for k in set(streams)}
        paths = {k: s.path if s is not None else "" for k, s in known.items()}
        return map(
            Sample,
            [
                text.decode("utf-8", "replace")[:SAMPLE_CHARS]
                for text in columns.to_list(self.redact(texts))
            ],
            map(paths.__getitem__, streams),
            map(file_ids.__getitem__, streams),
            [offset_of(self.lines.keys[row]) for row in rows.tolist()],
            self.at[rows].tolist(),
            self.lines.arrival[rows].tolist(),
        )
