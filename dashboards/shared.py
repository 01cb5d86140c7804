"""What several boards show or choose by."""

from __future__ import annotations

from dashboards.board import Panel, Query, Variable

TIME_RANGE = "${__url_time_range}"
LINES = 'tocsin_lines_processed_total{service=~"$service"}'
ERRORS = 'tocsin_lines_processed_total{service=~"$service",level=~"error|fatal"}'

# The colours that people know from log viewers; unknown is a line without one.
_LEVEL_COLORS = (
    ("fatal", "purple"),
    ("error", "red"),
    ("warn", "orange"),
    ("info", "green"),
    ("debug", "blue"),
    ("trace", "light-blue"),
    ("unknown", "gray"),
)


def lines_by_level(title: str) -> Panel:
    """The lines of the chosen services, stacked in the colours of their levels."""
    return Panel(
        kind="timeseries",
        title=title,
        description="Lines per second; unknown are lines that state none.",
        unit="suffix: /s",
        queries=(
            Query(f"sum by (level) (rate({LINES}[$__rate_interval]))", "{{level}}"),
        ),
        width=12,
        colors=_LEVEL_COLORS,
        stacked=True,
    )


def service_variable(*, is_single: bool = False) -> Variable:
    """The services that lines were read of; several at once, or just one."""
    return Variable(
        name="service",
        label="Service",
        query="label_values(tocsin_lines_processed_total, service)",
        is_single=is_single,
    )
