"""Events to panes: counts by service, host and second, grouped in columns.

Panes are additive: those of two batches, merged, are those of the two batches read as
one. Only which templates are kept by name is bounded by pane, the rest is counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np
import pandas as pd

from processor import columns
from processor.columns import Bools, Floats, Ints
from processor.lines import Lines, offset_of
from processor.parsing import Events
from processor.redaction import Redaction
from tocsin.records.frames import Pane, Sample, TemplateCount
from tocsin.values import LEVELS

EARLY_S = 24 * 3600.0
AHEAD_S = 60.0
SAMPLE_CHARS = 1000
# No character of UTF-8 takes more bytes; and some more, lest a secret be cut in two.
_SAMPLE_BYTES = 5 * SAMPLE_CHARS

PathOf = Callable[[str], str]
OldBytesOf = Callable[[str], int]


@dataclass(frozen=True, slots=True)
class EventTimes:
    """When lines happened: what they state, or their arrival.

    `skewed`: they state an implausible time. `untimed`: they state none. `stale`: of
    the skewed those of too long ago, of the untimed those that were old when met.
    """

    at: Floats
    skewed: Bools
    stale: Bools
    untimed: Bools


def event_times(stated: Floats, arrival: Floats, old: Bools) -> EventTimes:
    """Accept times in [arrival - 24 h, arrival + 60 s]; else take the arrival.

    `old`: of the untimed lines, those that were written long before they were read. A
    line without a time takes its arrival too, not the time of the line before it:
    which line that is would depend on the batch.
    """
    untimed = np.isnan(stated)
    with np.errstate(invalid="ignore"):
        stale = stated < arrival - EARLY_S
        skewed = stale | (stated > arrival + AHEAD_S)
    at = np.where(skewed | untimed, arrival, stated)
    return EventTimes(at, skewed, stale | (untimed & old), untimed)


@dataclass(frozen=True, slots=True)
class _Groups:
    """Each line's pane, and what distinguishes the panes.

    `kind`: twice the number of the service and host, and one more if stale.
    """

    pane_of: Ints
    batch: Ints
    kind: Ints
    second: Ints

    def __len__(self) -> int:
        return len(self.second)


def panes_by_batch(  # noqa: PLR0913 - what the panes are made of
    lines: Lines,
    events: Events,
    times: EventTimes,
    *,
    max_templates: int,
    path_of: PathOf,
    redact: Redaction,
) -> list[list[Pane]]:
    """The panes of each batch, by service, second and whether they are stale.

    Samples are redacted by `redact`.
    """
    at = times.at
    places = list(dict.fromkeys((name.service, name.host) for name in lines.names))
    number = {place: k for k, place in enumerate(places)}
    service_of = np.array([number[n.service, n.host] for n in lines.names], np.int64)
    seconds = np.floor(at).astype(np.int64)
    kind_of = service_of[lines.stream_of] * 2 + times.stale
    groups = _group(lines.batch_of, kind_of, seconds)
    size = len(groups)
    pane_of = groups.pane_of
    counts = np.bincount(
        pane_of * LEVELS + events.levels, minlength=size * LEVELS
    ).reshape(size, LEVELS)
    lengths = np.fromiter(map(len, lines.texts), np.float64, len(lines.stream_of))
    volume = np.bincount(pane_of, weights=lengths, minlength=size)
    read_at = pd.Series(lines.arrival).groupby(pane_of).max().to_numpy()
    kept = _Templates(lines, events, at, path_of, redact).by_pane(
        pane_of, max_templates
    )
    found: list[list[Pane]] = [[] for _ in lines.batches]
    for pane, row in enumerate(counts.tolist()):
        place, stale = divmod(int(groups.kind[pane]), 2)
        service, host = places[place]
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
                stale=bool(stale),
            )
        )
    return found


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
    path_of: PathOf
    redact: Redaction

    def by_pane(
        self, pane_of: Ints, most: int
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
        kept: dict[int, list[int]] = {}
        other: Counter[int] = Counter()
        for k in order.tolist():
            pane = int(panes[k])
            pairs_of_pane = kept.setdefault(pane, [])
            if len(pairs_of_pane) < most:
                pairs_of_pane.append(k)
            else:
                other[pane] += int(sizes[k])
        chosen = [k for group in kept.values() for k in group]
        counts = self._counts(templates[chosen], sizes[chosen], rows[first[chosen]])
        return {
            pane: (tuple(islice(counts, len(group))), other[pane])
            for pane, group in kept.items()
        }

    def _counts(
        self, templates: Ints, sizes: Ints, rows: Ints
    ) -> Iterator[TemplateCount]:
        texts = [self.lines.texts[row][:_SAMPLE_BYTES] for row in rows.tolist()]
        clean = columns.to_list(self.redact(columns.column(texts)))
        each = (templates.tolist(), sizes.tolist(), rows.tolist(), clean)
        return map(self._count, *each)

    def _count(self, template: int, count: int, row: int, text: bytes) -> TemplateCount:
        file_id = self.lines.names[self.lines.stream_of[row]].file_id
        sample = Sample(
            text=text.decode("utf-8", "replace")[:SAMPLE_CHARS],
            path=self.path_of(file_id),
            file_id=file_id,
            offset=offset_of(self.lines.keys[row]),
            event_at=float(self.at[row]),
            read_at=float(self.lines.arrival[row]),
        )
        known = self.events.templates[template]
        return TemplateCount(known.id, known.text, count, sample)
