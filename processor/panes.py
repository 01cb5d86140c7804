"""Events to panes: counts by service, host and second, grouped in columns.

Panes are additive: those of two batches, merged, are those of the two batches read as
one. Only which templates are kept by name is bounded by pane, the rest is counted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from processor.columns import Bools, Floats, Ints
from processor.lines import Lines
from processor.parsing import Events
from tocsin.records.frames import Pane, Sample, TemplateCount
from tocsin.records.keys import parse_key
from tocsin.values import LEVELS

EARLY_S = 24 * 3600.0
AHEAD_S = 60.0
SAMPLE_CHARS = 1000
# No character of UTF-8 takes more bytes.
_SAMPLE_BYTES = 4 * SAMPLE_CHARS

PathOf = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class EventTimes:
    """When lines happened: what they state, or their arrival.

    `skewed`: they state an implausible time. `untimed`: they state none.
    """

    at: Floats
    skewed: Bools
    untimed: Bools


def event_times(stated: Floats, arrival: Floats) -> EventTimes:
    """Accept times in [arrival - 24 h, arrival + 60 s]; else take the arrival.

    A line without a time takes its arrival too, not the time of the line before it:
    which line that is would depend on the batch.
    """
    untimed = np.isnan(stated)
    with np.errstate(invalid="ignore"):
        plausible = (stated >= arrival - EARLY_S) & (stated <= arrival + AHEAD_S)
    return EventTimes(
        np.where(plausible, stated, arrival), ~plausible & ~untimed, untimed
    )


@dataclass(frozen=True, slots=True)
class _Groups:
    """Each line's pane, and what distinguishes the panes."""

    pane_of: Ints
    batch: Ints
    service: Ints
    second: Ints

    def __len__(self) -> int:
        return len(self.second)


def panes_by_batch(
    lines: Lines, events: Events, at: Floats, *, max_templates: int, path_of: PathOf
) -> list[list[Pane]]:
    """The panes of each batch's lines, by service and second."""
    places = list(dict.fromkeys((name.service, name.host) for name in lines.names))
    number = {place: k for k, place in enumerate(places)}
    service_of = np.array([number[n.service, n.host] for n in lines.names], np.int64)
    groups = _group(lines.batch_of, service_of[lines.stream_of], np.floor(at))
    size = len(groups)
    pane_of = groups.pane_of
    counts = np.bincount(
        pane_of * LEVELS + events.levels, minlength=size * LEVELS
    ).reshape(size, LEVELS)
    lengths = np.fromiter(map(len, lines.texts), np.float64, len(lines.stream_of))
    volume = np.bincount(pane_of, weights=lengths, minlength=size)
    read_at = pd.Series(lines.arrival).groupby(pane_of).max().to_numpy()
    kept = _Templates(lines, events, at, path_of).by_pane(pane_of, max_templates)
    found: list[list[Pane]] = [[] for _ in lines.batches]
    for pane, row in enumerate(counts.tolist()):
        service, host = places[groups.service[pane]]
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
            )
        )
    return found


def _group(batch_of: Ints, service_of: Ints, second: Floats) -> _Groups:
    frame = pd.DataFrame({"batch": batch_of, "service": service_of, "second": second})
    grouped = frame.groupby(["batch", "service", "second"], sort=True)
    keys = grouped.first().index.to_frame(index=False)
    return _Groups(
        pane_of=np.asarray(grouped.ngroup(), np.int64),
        batch=keys["batch"].to_numpy(),
        service=keys["service"].to_numpy(),
        second=keys["second"].to_numpy().astype(np.int64),
    )


@dataclass(frozen=True, slots=True)
class _Templates:
    """The error templates of the panes, with a sample each."""

    lines: Lines
    events: Events
    at: Floats
    path_of: PathOf

    def by_pane(
        self, pane_of: Ints, most: int
    ) -> dict[int, tuple[tuple[TemplateCount, ...], int]]:
        """The most frequent templates by pane, and how many lines have others."""
        rows = self.events.templated
        if len(rows) == 0:
            return {}
        seen = pd.DataFrame(
            {"pane": pane_of[rows], "template": self.events.template_of, "row": rows}
        )
        counted = (
            seen.groupby(["pane", "template"], sort=False)["row"]
            .agg(["size", "first"])
            .reset_index()
            # The number of a template depends on the batch, its id does not.
            .assign(id=lambda t: [self.events.templates[k].id for k in t["template"]])
            .sort_values(["pane", "size", "id"], ascending=[True, False, True])
        )
        rank = counted.groupby("pane").cumcount()
        other = counted[rank >= most].groupby("pane")["size"].sum().to_dict()
        top = counted[rank < most]
        found: dict[int, list[TemplateCount]] = {}
        for pane, template, count, row in zip(
            *(top[name].tolist() for name in ("pane", "template", "size", "first")),
            strict=True,
        ):
            found.setdefault(pane, []).append(self._count(template, count, row))
        return {
            pane: (tuple(kept), int(other.get(pane, 0))) for pane, kept in found.items()
        }

    def _count(self, template: int, count: int, row: int) -> TemplateCount:
        key = parse_key(self.lines.keys[row])
        text = self.lines.texts[row][:_SAMPLE_BYTES].decode("utf-8", "replace")
        sample = Sample(
            text=text[:SAMPLE_CHARS],
            path=self.path_of(key.file_id),
            file_id=key.file_id,
            offset=key.offset,
            event_at=float(self.at[row]),
            read_at=float(self.lines.arrival[row]),
        )
        known = self.events.templates[template]
        return TemplateCount(known.id, known.text, count, sample)
