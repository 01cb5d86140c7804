"""Which keys of a JSON line hold its level, time and message, as data.

In the order in which they are looked at; a dot stands for a nested object.
"""

from __future__ import annotations

LEVEL_KEYS = (
    "level",
    "severity",
    "lvl",
    "@l",
    "levelname",
    "loglevel",
    "LogLevel",
    "Level",
    "log.level",  # Elastic Common Schema, flat
    "severityText",
    "severity_text",
    "SeverityText",
    "s",  # MongoDB since 4.4
    "@level",  # hclog
    "logLevel",
    "PRIORITY",  # journald
    "log_level",
    "level_name",  # Monolog, beside a number of its own
    "levelName",
    "Severity",
    "SEVERITY",
    "LEVEL",
    "log_severity",
    "severity_label",
    "syslog_severity",
    "priority",
    "sev",
)
SEVERITY_NUMBER_KEYS = ("severityNumber", "severity_number", "SeverityNumber")
TIME_KEYS = (
    "time",
    "ts",
    "timestamp",
    "@timestamp",
    "@t",
    "asctime",
    "created",
    "t",
    "Timestamp",
    "datetime",
    "date",
    "timeUnixNano",
    "__REALTIME_TIMESTAMP",
    "time_unix_nano",
    "observedTimeUnixNano",
    "eventTime",  # AWS CloudTrail
    "requestReceivedTimestamp",  # Kubernetes audit
    "time_iso8601",  # nginx
    "time_local",
    "start_time",  # Envoy
    "StartUTC",  # Traefik
    "timeStamp",
    "timeMillis",  # Log4j 2, JSONLayout
    "TimeGenerated",
    "EventTime",
    "date_time",
    "Time",
    "_time",
    "logged_at",
    "created_at",
)
MESSAGE_KEYS = (
    "msg",
    "message",
    "@m",
    "@mt",
    "Message",
    "MESSAGE",
    "short_message",
    "event",
    "body",
    "log",
    "@message",  # hclog
    "RenderedMessage",  # Serilog
    "MessageTemplate",
    "textPayload",  # Google Cloud
)
LATE_MESSAGE_KEYS = ("text", "Body", "error", "errorMessage")
NESTED_LEVEL = ("log", "level")  # Elastic Common Schema, nested
NESTED_TIME = ("t", "$date")  # MongoDB
PARTED_TIME_KEYS = ("time", "timestamp", "instant")
TIME_PARTS = (("seconds", "nanos"), ("epochSecond", "nanoOfSecond"))
"""A time as an object: of protocol buffers, of Log4j 2."""
RECORD, RECORD_LEVEL, RECORD_TIME = "record", "level", ("time", "timestamp")  # loguru
NESTED_MESSAGES = (
    ("fields", "message"),  # Rust, crate tracing-subscriber
    ("body", "stringValue"),  # OpenTelemetry
    ("jsonPayload", "message"),  # Google Cloud
    ("properties", "message"),  # Azure
    (RECORD, "message"),
)
CLEF_TIME, CLEF_LEVEL = "@t", "@l"  # CLEF leaves @l out for Information
STATUS_KEYS = ("status", "response_code", "DownstreamStatus", "statusCode")
REQUEST_KEYS = ("request", "method", "request_method", "RequestMethod", "http_method")
"""An answer to an HTTP request states both; its status is its level, if it has none."""
