"""The figures of windows, many at once, with pandas."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import NamedTuple

import numpy as np
import pandas as pd

from tocsin.records.public import ValueSums, WindowRecord
from tocsin.values import Level

PERCENTILE = 0.95
# Of how many seconds rates are computed at once: 32 MB.
_MOST_SECONDS = 4_000_000


class WindowSums(NamedTuple):
    """What the figures of one window are computed from.

    `seconds`: lines by second since `start`; a second without lines may be left out.
    """

    service: str
    start: int
    size_s: int
    revision: int
    counts: Sequence[int]
    bytes: int
    seconds: Mapping[int, int]
    templates: int
    fields: Mapping[str, Mapping[str, tuple[int, int]]] = {}
    others: Mapping[str, int] = {}


def records_of(windows: list[WindowSums], *, closed_at: float) -> list[WindowRecord]:
    """The records of log-metrics-1m of some windows."""
    found: list[WindowRecord] = []
    ordered = sorted(windows, key=lambda window: window.size_s)
    for size_s, group in groupby(ordered, key=lambda window: window.size_s):
        same = list(group)
        most = max(_MOST_SECONDS // size_s, 1)
        for begin in range(0, len(same), most):
            found.extend(_of_one_size(same[begin : begin + most], size_s, closed_at))
    return found


def _of_one_size(
    windows: list[WindowSums], size_s: int, closed_at: float
) -> Iterator[WindowRecord]:
    figures = _rates(windows, size_s)
    columns = (figures["peak_at"], figures["peak"], figures["p95"])
    for sums, *of_rate in zip(windows, *(c.tolist() for c in columns), strict=True):
        peak_at, peak, p95 = of_rate
        yield _record(sums, closed_at, (peak_at, peak, p95))


def _rates(windows: list[WindowSums], size_s: int) -> pd.DataFrame:
    """Peak and percentile of the lines per second, zeros included."""
    rates = np.zeros((len(windows), size_s))
    for row, sums in enumerate(windows):
        rates[row, list(sums.seconds)] = list(sums.seconds.values())
    frame = pd.DataFrame(rates)
    return pd.DataFrame(
        {
            "peak_at": frame.idxmax(axis=1),
            "peak": frame.max(axis=1),
            "p95": frame.quantile(PERCENTILE, axis=1),
        }
    )


def _record(
    sums: WindowSums, closed_at: float, figures: tuple[int, float, float]
) -> WindowRecord:
    lines = sum(sums.counts)
    errors = sums.counts[Level.ERROR] + sums.counts[Level.FATAL]
    peak_at, peak, p95 = figures
    return WindowRecord(
        service=sums.service,
        window_start=sums.start,
        window_s=sums.size_s,
        revision=sums.revision,
        closed_at=closed_at,
        lines=lines,
        bytes=sums.bytes,
        trace=sums.counts[Level.TRACE],
        debug=sums.counts[Level.DEBUG],
        info=sums.counts[Level.INFO],
        warn=sums.counts[Level.WARN],
        error=sums.counts[Level.ERROR],
        fatal=sums.counts[Level.FATAL],
        unknown=sums.counts[Level.UNKNOWN],
        rate=lines / sums.size_s,
        error_share=errors / lines if lines else 0.0,
        error_templates=sums.templates,
        peak_second=sums.start + int(peak_at),
        peak_lines=int(peak),
        rate_p95=float(p95),
        by_field={
            name: {value: ValueSums(*counts) for value, counts in values.items()}
            for name, values in sums.fields.items()
        },
        other_values=dict(sums.others),
    )
