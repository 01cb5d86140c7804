"""What fired, how bad and how long, and what people heard of it."""

from __future__ import annotations

from dashboards.board import Board, Panel, Query, Row, Threshold
from dashboards.shared import TIME_RANGE, service_variable

UID = "tocsin-incidents"
_OPEN = 'tocsin_incident_state{service=~"$service"}'
_TO_SERVICE = (
    "Show ${__field.labels.service}",
    f"/d/tocsin-service?{TIME_RANGE}&var-service=${{__field.labels.service}}",
)
_SEVERITIES = (("critical", "red"), ("warning", "orange"))


def _firing(severity: str, color: str) -> Panel:
    return Panel(
        kind="stat",
        title=f"Firing, {severity}",
        description=f"Incidents of severity {severity} that are open now.",
        unit="none",
        queries=(Query(f'sum(tocsin_incidents_active{{severity="{severity}"}})'),),
        width=4,
        thresholds=(Threshold(1, color),),
        no_value="alerting is down",
    )


_NUMBERS = Row(
    height=4,
    panels=(
        *(_firing(*one) for one in _SEVERITIES),
        Panel(
            kind="stat",
            title="Opened",
            description="Incidents that people were told of over the shown time range.",
            unit="none",
            queries=(
                Query(
                    "sum(increase(tocsin_incidents_opened_total[$__range]))"
                    " or vector(0)"
                ),
            ),
            width=4,
            decimals=0,
        ),
        Panel(
            kind="stat",
            title="Time to calm",
            description="From the first error of an incident until it was over, on "
            "average over the shown time range.",
            unit="s",
            queries=(
                Query(
                    "sum(increase(tocsin_incident_duration_seconds_sum[$__range]))"
                    " / sum(increase("
                    "tocsin_incident_duration_seconds_count[$__range]))"
                ),
            ),
            width=4,
            no_value="none ended",
        ),
        Panel(
            kind="stat",
            title="Kept from people",
            description="The share of decisions on incidents that were silenced, "
            "inhibited, muted, or too old to page, over the shown time range.",
            unit="percentunit",
            queries=(
                Query(
                    "(sum(increase(tocsin_notices_total"
                    '{standing!~"told|acked"}[$__range])) or vector(0))'
                    " / sum(increase(tocsin_notices_total[$__range]))"
                ),
            ),
            width=4,
            no_value="nothing decided",
        ),
        Panel(
            kind="stat",
            title="Messages that wait",
            description="Messages that no receiver has accepted yet, in all channels.",
            unit="none",
            queries=(Query("sum(tocsin_outbox_messages)"),),
            width=4,
            thresholds=(Threshold(20, "orange"), Threshold(200, "red")),
            no_value="alerting is down",
        ),
    ),
)

_COURSE = Row(
    height=9,
    panels=(
        Panel(
            kind="state-timeline",
            title="Open incidents",
            description="From when to when each rule had an open incident, by service.",
            unit="none",
            queries=(
                Query(f"max by (rule, service) ({_OPEN})", "{{rule}}: {{service}}"),
            ),
            width=16,
            thresholds=(Threshold(1, "red"),),
            link=_TO_SERVICE,
        ),
        Panel(
            kind="table",
            title="Firing now",
            description="The incidents that are open at the end of the time range.",
            unit="none",
            queries=(Query(f"max by (rule, service, severity) ({_OPEN} > 0)"),),
            width=8,
            no_value="nothing fires",
        ),
    ),
)

_NOISE = Row(
    height=8,
    panels=(
        Panel(
            kind="timeseries",
            title="Opened by severity",
            description="Incidents that people were told of.",
            unit="none",
            queries=(
                Query(
                    "sum by (severity)"
                    " (increase(tocsin_incidents_opened_total[$__rate_interval]))"
                    " or vector(0)",
                    "{{severity}}",
                ),
            ),
            width=8,
            colors=_SEVERITIES,
            stacked=True,
        ),
        Panel(
            kind="timeseries",
            title="Noisiest rules",
            description="The ten rules that opened most incidents over the shown time "
            "range, as of each moment.",
            unit="none",
            queries=(
                Query(
                    "topk(10, sum by (rule)"
                    " (increase(tocsin_incidents_opened_total[$__range])))"
                    " or vector(0)",
                    "{{rule}}",
                ),
            ),
            width=8,
        ),
        Panel(
            kind="timeseries",
            title="What people heard",
            description="Decisions on incidents: told, or what kept them from people.",
            unit="none",
            queries=(
                Query(
                    "sum by (standing)"
                    " (increase(tocsin_notices_total[$__rate_interval]))"
                    " or vector(0)",
                    "{{standing}}",
                ),
            ),
            width=8,
            stacked=True,
        ),
    ),
)

_DELIVERY = Row(
    height=8,
    panels=(
        Panel(
            kind="timeseries",
            title="Deliveries by channel",
            description="Attempts to tell, by channel and what came of them.",
            unit="none",
            queries=(
                Query(
                    "sum by (channel, outcome)"
                    " (increase(tocsin_notifications_total[$__rate_interval]))"
                    " or vector(0)",
                    "{{channel}} {{outcome}}",
                ),
            ),
            width=8,
        ),
        Panel(
            kind="timeseries",
            title="Oldest message that waits",
            description="How long the oldest message of a channel has waited.",
            unit="s",
            queries=(
                Query(
                    "max by (channel) (tocsin_outbox_oldest_age_seconds)",
                    "{{channel}}",
                ),
            ),
            width=8,
        ),
        Panel(
            kind="timeseries",
            title="Answer of a channel, p95",
            description="How long a channel took to accept or refuse; 95 of 100 were "
            "faster.",
            unit="s",
            queries=(
                Query(
                    "histogram_quantile(0.95, sum by (channel, le) (increase("
                    "tocsin_notification_duration_seconds_bucket[$__rate_interval])))"
                    " or vector(0)",
                    "{{channel}}",
                ),
            ),
            width=8,
        ),
    ),
)

BOARD = Board(
    uid=UID,
    title="Tocsin: incidents",
    description="What fired, how bad and how long, and what people heard of it.",
    rows=(_NUMBERS, _COURSE, _NOISE, _DELIVERY),
    variables=(service_variable(),),
)
