"""How good the pages were, where somebody wrote down when there was trouble.

A file of labels is CSV with a header: `service,start,end` and, if wanted, `kind`.
Times are Unix seconds or ISO 8601. A page is right from the start of a span until
120 s after its end; a second one in the same span is a repeat, neither right nor
wrong. Rows of the kind `surge` are times in which no page is due.
"""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import quantiles
from typing import NamedTuple

from alerting.incident import Incident
from tocsin.errors import ConfigError

AFTER_S = 120.0
NO_PAGE_DUE = "surge"
_COLUMNS = ("service", "start", "end")


class Span(NamedTuple):
    """A time of trouble of a service; Unix seconds."""

    start: float
    end: float
    kind: str


Labels = Mapping[str, Sequence[Span]]


@dataclass(slots=True)
class Score:
    """What the pages were worth; counts of spans by kind."""

    due: Counter[str] = field(default_factory=Counter)
    found: Counter[str] = field(default_factory=Counter)
    false: list[Incident] = field(default_factory=list)
    missed: list[tuple[str, Span]] = field(default_factory=list)
    repeats: int = 0
    delays_s: list[float] = field(default_factory=list)

    @property
    def precision(self) -> float:
        """The share of pages, repeats aside, that were right."""
        pages = self.found.total() + len(self.false)
        return self.found.total() / pages if pages else 1.0

    @property
    def recall(self) -> float:
        """The share of spans that were paged."""
        return self.found.total() / self.due.total() if self.due else 1.0

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall."""
        both = self.precision + self.recall
        return 2 * self.precision * self.recall / both if both else 0.0

    @property
    def delay_s(self) -> tuple[float, float] | None:
        """Median and ninth decile of the time to detect."""
        if not self.delays_s:
            return None
        if len(self.delays_s) == 1:
            return self.delays_s[0], self.delays_s[0]
        deciles = quantiles(self.delays_s, n=10, method="inclusive")
        return deciles[4], deciles[8]


def score(incidents: Iterable[Incident], labels: Labels) -> Score:
    """Hold pages against labels, the earliest page first."""
    result = Score()
    taken: set[tuple[str, Span]] = set()
    for incident in sorted(incidents, key=lambda x: x.detected_at):
        at = incident.detected_at
        spans = labels.get(incident.service, ())
        near = [x for x in spans if x.start <= at <= x.end + AFTER_S]
        span = next((x for x in near if x.kind != NO_PAGE_DUE), None)
        if span is None:
            result.false.append(incident)
        elif (incident.service, span) in taken:
            result.repeats += 1
        else:
            taken.add((incident.service, span))
            result.found[span.kind] += 1
            result.delays_s.append(at - span.start)
    for service, spans in labels.items():
        due = [x for x in spans if x.kind != NO_PAGE_DUE]
        result.due.update(x.kind for x in due)
        result.missed += [(service, x) for x in due if (service, x) not in taken]
    return result


def read_labels(path: Path) -> Labels:
    """Read a file of labels.

    Raises:
        ConfigError: it cannot be read; the message names file and line.
    """
    spans: defaultdict[str, list[Span]] = defaultdict(list)
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = csv.DictReader(file)
            missing = [x for x in _COLUMNS if x not in (rows.fieldnames or ())]
            if missing:
                raise ConfigError(
                    f"{path}:1: there is no column {missing[0]!r}",
                    hint="the first line names them: service,start,end[,kind]",
                )
            for row in rows:
                spans[row["service"]].append(_span(row, f"{path}:{rows.line_num}"))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"{path}: {error}") from error
    return {service: sorted(found) for service, found in spans.items()}


def _span(row: Mapping[str, str | None], at: str) -> Span:
    start, end = (_time(row[name] or "", f"{at}: {name}") for name in _COLUMNS[1:])
    if end < start:
        raise ConfigError(f"{at}: it ends before it starts")
    return Span(start, end, row.get("kind") or "trouble")


def _time(text: str, at: str) -> float:
    try:
        return float(text)
    except ValueError:
        pass
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ConfigError(
            f"{at}: expected Unix seconds or ISO 8601, got {text!r}"
        ) from None
    return found.replace(tzinfo=found.tzinfo or UTC).timestamp()
