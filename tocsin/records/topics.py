"""The names of topics and tables, as DESIGN's contract fixes them."""

from __future__ import annotations

# Topics
RAW_LOGS = "raw-logs"
LOG_METRICS = "log-metrics"
LOG_METRICS_1M = "log-metrics-1m"
ALERTS = "alerts"
DEAD_LETTERS = "dead-letters"

# Tables
CHECKPOINTS = "checkpoints"  # collector: how far each file is shipped
COLLECTORS = "collectors"  # collector: which collectors live
STREAMS = "streams"  # file-id to path, service, labels, first and last seen
FORMATS = "formats"  # processor: the format a stream was last read as
WINDOWS = "windows"  # processor: sums of the windows that may still change
INCIDENTS = "incidents"  # alerting: the state of every incident
OUTBOX = "outbox"  # alerting: the newest message that each channel should show
DELIVERIES = "deliveries"  # alerting: what each channel shows
DECIDED = "decided"  # alerting: up to where the frames of each source are decided on
MEMORIES = "memories"  # alerting: what rules know of longer ago than two hours
NOTICES = "notices"  # alerting: what was said of each incident, and storms
SILENCES = "silences"  # people: what they want to hear nothing of
ACKNOWLEDGEMENTS = "acknowledgements"  # people: who looks after which incident

TABLES = (
    CHECKPOINTS,
    COLLECTORS,
    STREAMS,
    FORMATS,
    WINDOWS,
    INCIDENTS,
    OUTBOX,
    DELIVERIES,
    DECIDED,
    MEMORIES,
    NOTICES,
    SILENCES,
    ACKNOWLEDGEMENTS,
)
