"""The figures of windows, many at once, with pandas."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import NamedTuple

import numpy as np
import pandas as pd

from tocsin.records.public import WindowRecord
from tocsin.values import Level

PERCENTILE = 0.95


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


def records_of(windows: list[WindowSums], *, closed_at: float) -> list[WindowRecord]:
    """The records of log-metrics-1m of some windows."""
    found: list[WindowRecord] = []
    for size_s, group in groupby(windows, key=lambda window: window.size_s):
        same = list(group)
        figures = _rates(same, size_s)
        columns = (figures["peak_at"], figures["peak"], figures["p95"])
        for sums, peak_at, peak, p95 in zip(
            same, *(column.tolist() for column in columns), strict=True
        ):
            found.append(_record(sums, closed_at, (peak_at, peak, p95)))
    return found


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
    )
