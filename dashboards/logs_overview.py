"""The board to look at first: how much is logged, how much of it is wrong, who says so.

Selections by `$service` are on every panel that has a service; the numbers about
incidents and their delivery are Tocsin's own and cover all services.
"""

from __future__ import annotations

from dashboards.board import Annotation, Board, Panel, Query, Row, Threshold
from dashboards.shared import (
    ERRORS,
    LINES,
    TIME_RANGE,
    lines_by_level,
    service_variable,
)

UID = "tocsin-logs"
# A service that wrote before and has not for this long is worth a look.
_SILENT_S = 300

_ERROR_RATE = f"sum(rate({ERRORS}[$__rate_interval]))"

_ITS_SERVICE = "${__field.labels.service}"

_NUMBERS = Row(
    height=4,
    panels=(
        Panel(
            kind="stat",
            title="Lines",
            description="Lines per second that were read and understood or counted "
            "as without a level.",
            unit="suffix: /s",
            queries=(Query(f"sum(rate({LINES}[$__rate_interval]))"),),
            width=4,
            no_value="no lines",
        ),
        Panel(
            kind="stat",
            title="Error share",
            description="The part of all lines that is ERROR or FATAL.",
            unit="percentunit",
            queries=(
                Query(
                    f"({_ERROR_RATE} or vector(0))"
                    f" / (sum(rate({LINES}[$__rate_interval])) > 0)"
                ),
            ),
            width=4,
            thresholds=(Threshold(0.01, "orange"), Threshold(0.05, "red")),
            no_value="no lines",
            decimals=2,
        ),
        Panel(
            kind="stat",
            title="Firing incidents",
            description="Incidents that are open now, of every service and severity.",
            unit="none",
            queries=(Query("sum(tocsin_incidents_active)"),),
            width=4,
            thresholds=(Threshold(1, "red"),),
            no_value="alerting is down",
            link=("Show the incidents", f"/d/tocsin-incidents?{TIME_RANGE}"),
        ),
        Panel(
            kind="stat",
            title="Backlog",
            description="Records on the bus that are not counted yet. Far above zero, "
            "everything else here is late.",
            unit="short",
            queries=(Query("sum(tocsin_consumer_lag_records)"),),
            width=4,
            thresholds=(Threshold(10_000, "orange"), Threshold(100_000, "red")),
            no_value="processor is down",
            link=("Show the pipeline", f"/d/tocsin-pipeline?{TIME_RANGE}"),
        ),
        Panel(
            kind="stat",
            title="Time to alert, p95",
            description="From the line that made a rule fire to the moment the "
            "receiver accepted the message; 95 of 100 alerts were faster. Over the "
            "shown time range.",
            unit="s",
            queries=(
                Query(
                    "histogram_quantile(0.95, sum by (le)"
                    " (increase(tocsin_time_to_alert_seconds_bucket[$__range])))"
                ),
            ),
            width=4,
            thresholds=(Threshold(2, "orange"), Threshold(10, "red")),
            no_value="no alert yet",
        ),
        Panel(
            kind="stat",
            title="Silent services",
            description="Services that wrote before and have not written for five "
            "minutes.",
            unit="none",
            queries=(
                Query(
                    "count(time() - max by (service)"
                    ' (tocsin_source_last_line_timestamp_seconds{service=~"$service"})'
                    f" > {_SILENT_S}) or vector(0)"
                ),
            ),
            width=4,
            thresholds=(Threshold(1, "orange"),),
        ),
    ),
)

_LEVELS = Row(
    height=9,
    panels=(
        lines_by_level("Lines by level"),
        Panel(
            kind="timeseries",
            title="Errors by service",
            description="ERROR and FATAL lines per second of the ten services with "
            "the most. A click on a line shows that service's own board.",
            unit="suffix: /s",
            queries=(
                Query(
                    f"topk(10, sum by (service) (rate({ERRORS}[$__rate_interval])))",
                    "{{service}}",
                ),
            ),
            width=12,
            link=(
                f"Show {_ITS_SERVICE}",
                f"/d/tocsin-service?{TIME_RANGE}&var-service={_ITS_SERVICE}",
            ),
        ),
    ),
)

_COMPARISON = Row(
    height=8,
    panels=(
        Panel(
            kind="timeseries",
            title="Errors against last week",
            description="ERROR and FATAL lines per second, and the same hour seven "
            "days ago.",
            unit="suffix: /s",
            queries=(
                Query(_ERROR_RATE, "now"),
                Query(f"sum(rate({ERRORS}[$__rate_interval] offset 1w))", "a week ago"),
            ),
            width=12,
            colors=(("now", "red"), ("a week ago", "gray")),
        ),
        Panel(
            kind="timeseries",
            title="Volume by service",
            description="Bytes per second that the collectors read.",
            unit="Bps",
            queries=(
                Query(
                    "sum by (service) (rate(tocsin_collector_bytes_total"
                    '{service=~"$service"}[$__rate_interval]))',
                    "{{service}}",
                ),
            ),
            width=12,
            stacked=True,
        ),
    ),
)

_DOUBTS = Row(
    height=8,
    panels=(
        Panel(
            kind="timeseries",
            title="Parse failures",
            description="Lines per second that the format of their stream did not "
            "fit. They are counted and searched for a level all the same.",
            unit="suffix: /s",
            queries=(
                Query(
                    "sum by (format)"
                    " (rate(tocsin_parse_failures_total[$__rate_interval]))",
                    "{{format}}",
                ),
            ),
            width=12,
        ),
        Panel(
            kind="timeseries",
            title="Late lines",
            description="Lines per second with a time that was already summed up; "
            "the sums are corrected.",
            unit="suffix: /s",
            queries=(
                Query(
                    "sum by (service) (rate(tocsin_late_lines_total"
                    '{service=~"$service"}[$__rate_interval]))',
                    "{{service}}",
                ),
            ),
            width=12,
        ),
    ),
)

BOARD = Board(
    uid=UID,
    title="Tocsin: logs overview",
    description="How much is logged, how much of it is wrong, and who says so.",
    rows=(_NUMBERS, _LEVELS, _COMPARISON, _DOUBTS),
    variables=(service_variable(),),
    annotations=(
        Annotation(
            name="Incidents",
            expr='tocsin_incident_state{service=~"$service"} > 0',
            title="{{rule}}: {{service}}",
            text="{{severity}}",
            color="red",
        ),
    ),
)
