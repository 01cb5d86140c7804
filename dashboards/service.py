"""One service: what it writes, what is wrong with it, how far behind we are."""

from __future__ import annotations

from dashboards.board import Annotation, Board, Panel, Query, Row, Threshold
from dashboards.shared import ERRORS, TIME_RANGE, lines_by_level, service_variable

UID = "tocsin-service"
_STATE = 'tocsin_incident_state{service=~"$service"}'
_LAST_LINE = 'tocsin_source_last_line_timestamp_seconds{service=~"$service"}'
_BYTES = 'tocsin_collector_bytes_total{service=~"$service"}'
_UNREAD = 'tocsin_collector_unread_bytes{service=~"$service"}'
_LATE = 'tocsin_late_lines_total{service=~"$service"}'
_NEW = 'tocsin_new_templates_total{service=~"$service"}'

_NUMBERS = Row(
    height=4,
    panels=(
        Panel(
            kind="stat",
            title="Open incidents of it",
            description="Incidents of this service that are open now.",
            unit="none",
            queries=(Query(f"sum({_STATE}) or vector(0)"),),
            width=6,
            thresholds=(Threshold(1, "red"),),
            link=("Show all incidents", f"/d/tocsin-incidents?{TIME_RANGE}"),
        ),
        Panel(
            kind="stat",
            title="Errors of it",
            description="ERROR and FATAL lines per second.",
            unit="suffix: /s",
            queries=(Query(f"sum(rate({ERRORS}[$__rate_interval])) or vector(0)"),),
            width=6,
            decimals=2,
        ),
        Panel(
            kind="stat",
            title="Last line",
            description="How long ago its newest line was read.",
            unit="s",
            queries=(Query(f"time() - max({_LAST_LINE})"),),
            width=6,
            thresholds=(Threshold(300, "orange"), Threshold(3600, "red")),
            no_value="no line yet",
        ),
        Panel(
            kind="stat",
            title="Unread",
            description="Bytes in its files that are not committed yet.",
            unit="bytes",
            queries=(Query(f"sum({_UNREAD})"),),
            width=6,
            thresholds=(Threshold(100_000_000, "orange"),),
            no_value="no file",
        ),
    ),
)

_COURSE = Row(
    height=9,
    panels=(
        lines_by_level("Its lines by level"),
        Panel(
            kind="state-timeline",
            title="Its incidents",
            description="From when to when each rule had an open incident of it.",
            unit="none",
            queries=(Query(f"max by (rule) ({_STATE}) or vector(0)", "{{rule}}"),),
            width=12,
            thresholds=(Threshold(1, "red"),),
        ),
    ),
)

_DETAILS = Row(
    height=8,
    panels=(
        Panel(
            kind="timeseries",
            title="Its volume",
            description="Bytes per second that the collectors read.",
            unit="Bps",
            queries=(Query(f"sum(rate({_BYTES}[$__rate_interval]))", "bytes"),),
            width=8,
        ),
        Panel(
            kind="timeseries",
            title="Its late lines",
            description="Lines per second with a time that was already summed up.",
            unit="suffix: /s",
            queries=(
                Query(f"sum(rate({_LATE}[$__rate_interval])) or vector(0)", "late"),
            ),
            width=8,
        ),
        Panel(
            kind="timeseries",
            title="Its new errors",
            description="Error templates that a rule new_pattern had not seen before.",
            unit="none",
            queries=(
                Query(f"sum(increase({_NEW}[$__rate_interval])) or vector(0)", "new"),
            ),
            width=8,
        ),
    ),
)

BOARD = Board(
    uid=UID,
    title="Tocsin: one service",
    description="What a service writes, what is wrong with it, how far behind we are.",
    rows=(_NUMBERS, _COURSE, _DETAILS),
    variables=(service_variable(is_single=True),),
    annotations=(
        Annotation(
            name="Incidents",
            expr=f"{_STATE} > 0",
            title="{{rule}}",
            text="{{severity}}",
            color="red",
        ),
    ),
)
