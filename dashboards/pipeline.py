"""Tocsin's own health, in the order of the pipeline: what comes in must come out."""

from __future__ import annotations

from dashboards.board import Board, Panel, Query, Row, Threshold
from dashboards.shared import TIME_RANGE

UID = "tocsin-pipeline"
_LOST = Threshold(1, "red")


def _rose(metric: str, *, over: str = "$__range") -> str:
    """How much a counter rose; 0 where it has no series yet."""
    return f"(sum(increase({metric}[{over}])) or vector(0))"


def _ledger(title: str, description: str, expr: str, unit: str = "short") -> Panel:
    return Panel(
        kind="stat",
        title=title,
        description=description,
        unit=unit,
        queries=(Query(expr),),
        width=4,
        thresholds=(_LOST,),
        decimals=0,
    )


def _course(  # noqa: PLR0913 - what panels differ in
    title: str,
    description: str,
    query: str,
    *,
    legend: str = "",
    unit: str = "short",
    width: int = 8,
) -> Panel:
    return Panel(
        kind="timeseries",
        title=title,
        description=description,
        unit=unit,
        queries=(Query(query, legend),),
        width=width,
    )


_RECORDS_IN = "tocsin_collector_lines_total"
_LINES_OUT = "tocsin_lines_processed_total"

_LEDGER = Row(
    height=4,
    panels=(
        Panel(
            kind="stat",
            title="Shipped and not counted",
            description="Records that collectors committed, less those that the "
            "processor counted or set aside, over the shown time range. About zero "
            "once the backlog is read; what is on its way is in it.",
            unit="short",
            queries=(
                Query(
                    f"{_rose(_RECORDS_IN)} - {_rose(_LINES_OUT)}"
                    f" - {_rose('tocsin_dead_letters_total')}"
                ),
            ),
            width=4,
            decimals=0,
            link=("Show the logs", f"/d/tocsin-logs?{TIME_RANGE}"),
        ),
        _ledger(
            "Bytes lost",
            "Bytes that were gone before they could be read, or that the bus refused, "
            "over the shown time range.",
            _rose("tocsin_collector_lost_bytes_total"),
            "bytes",
        ),
        _ledger(
            "Records lost",
            "Records that retention deleted before the processor read them, over the "
            "shown time range.",
            _rose("tocsin_lost_records_total"),
        ),
        _ledger(
            "Never seen by a rule",
            "Lines that no frame told of, or that came too late for any rule, over "
            "the shown time range.",
            f"{_rose('tocsin_frame_missing_offsets_total')}"
            f" + {_rose('tocsin_alerting_too_late_lines_total')}",
        ),
        _ledger(
            "Dead letters",
            "Records that could not be handled and were set aside, over the shown "
            "time range.",
            _rose("tocsin_dead_letters_total"),
        ),
        _ledger(
            "Configurations refused",
            "Components that go on with an older configuration, as the new one is "
            "wrong.",
            "count(tocsin_config_last_reload_successful == 0) or vector(0)",
        ),
    ),
)

_COLLECTOR = Row(
    height=7,
    panels=(
        _course(
            "Records shipped",
            "Records per second that collectors committed.",
            f"sum by (instance) (rate({_RECORDS_IN}[$__rate_interval]))",
            unit="suffix: /s",
            width=6,
        ),
        _course(
            "Files",
            "Files by state.",
            "sum by (state) (tocsin_collector_files)",
            legend="{{state}}",
            width=6,
        ),
        _course(
            "Bytes not read yet",
            "Bytes in files that are not committed: the backlog of the collectors.",
            "sum by (instance) (tocsin_collector_unread_bytes)",
            unit="bytes",
            width=6,
        ),
        _course(
            "Failed attempts to read",
            "Attempts per second to read a file that failed, by reason.",
            "sum by (reason)"
            " (rate(tocsin_collector_read_errors_total[$__rate_interval]))"
            " or vector(0)",
            legend="{{reason}}",
            unit="suffix: /s",
            width=6,
        ),
    ),
)

_BUS = Row(
    height=7,
    panels=(
        _course(
            "Records on the bus",
            "Records that a component has not read yet, by topic.",
            "sum by (topic) (tocsin_consumer_lag_records)",
            legend="{{topic}}",
        ),
        Panel(
            kind="timeseries",
            title="Growth of the backlog",
            description="Records per second by which it grows; below zero it is being "
            "worked off.",
            unit="suffix: /s",
            queries=(
                Query(
                    "sum by (topic)"
                    " (deriv(tocsin_consumer_lag_records[$__rate_interval]))",
                    "{{topic}}",
                ),
            ),
            width=8,
            is_signed=True,
        ),
        _course(
            "Behind the present",
            "How long ago the time is up to which all lines are known.",
            "time() - min(tocsin_watermark_timestamp_seconds)",
            legend="behind",
            unit="s",
        ),
    ),
)

_DOUBTS = (
    ("tocsin_untimed_lines_total", "no time"),
    ("tocsin_skewed_lines_total", "implausible time"),
    ("tocsin_parse_failures_total", "no format"),
)

_PROCESSOR = Row(
    height=7,
    panels=(
        _course(
            "Records counted",
            "Records per second that processors counted.",
            f"sum by (instance) (rate({_LINES_OUT}[$__rate_interval]))",
            unit="suffix: /s",
        ),
        _course(
            "From reading to counting, p95",
            "From the reading of a batch's first line to its counts being committed; "
            "95 of 100 were faster.",
            "histogram_quantile(0.95, sum by (le)"
            " (increase(tocsin_event_lag_seconds_bucket[$__rate_interval])))",
            legend="p95",
            unit="s",
        ),
        Panel(
            kind="timeseries",
            title="Doubtful lines",
            description="Lines per second that state no time, an implausible one, or "
            "that no format matches. They are counted all the same.",
            unit="suffix: /s",
            queries=tuple(
                Query(f"sum(rate({metric}[$__rate_interval])) or vector(0)", legend)
                for metric, legend in _DOUBTS
            ),
            width=8,
        ),
    ),
)

_ALERTING = Row(
    height=7,
    panels=(
        _course(
            "Frames decided on",
            "Frames per second, by how they follow each other; only next is in order.",
            "sum by (fit) (rate(tocsin_frames_total[$__rate_interval]))",
            legend="{{fit}}",
            unit="suffix: /s",
        ),
        _course(
            "Decisions on rules",
            "Decisions per second by what came of them, doing nothing included.",
            "sum by (outcome)"
            " (rate(tocsin_rule_evaluations_total[$__rate_interval]))"
            " or vector(0)",
            legend="{{outcome}}",
            unit="suffix: /s",
        ),
        _course(
            "Waiting to be told",
            "Messages that wait in the outbox, by channel.",
            "sum by (channel) (tocsin_outbox_messages)",
            legend="{{channel}}",
        ),
    ),
)

_RUNTIME = Row(
    height=7,
    panels=(
        _course(
            "CPU",
            "Cores that each component uses.",
            "sum by (job) (rate(process_cpu_seconds_total[$__rate_interval]))",
            width=6,
        ),
        _course(
            "Memory",
            "Resident memory of each component.",
            "sum by (job) (process_resident_memory_bytes)",
            unit="bytes",
            width=6,
        ),
        _course(
            "Open files",
            "Open descriptors of each component.",
            "sum by (job) (process_open_fds)",
            width=6,
        ),
        _course(
            "Labels beyond the bound",
            "Uses of a label value that was one too many: its series share one.",
            "sum by (label) (increase(tocsin_label_overflow_total[$__rate_interval]))",
            legend="{{label}}",
            width=6,
        ),
    ),
)

BOARD = Board(
    uid=UID,
    title="Tocsin: pipeline",
    description="Tocsin's own health, in the order of the pipeline: what comes in "
    "must come out.",
    rows=(_LEDGER, _COLLECTOR, _BUS, _PROCESSOR, _ALERTING, _RUNTIME),
)
