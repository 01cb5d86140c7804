"""What alerting tells of itself: one method per fact, one log line or metric each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from alerting.incident import Incident, Reason
from alerting.message import span
from alerting.notice import Notice
from alerting.queue import Sending
from alerting.tiling import Fit
from tocsin.errors import TocsinError
from tocsin.telemetry.log import Log
from tocsin.telemetry.metrics import BoundedLabel, overflow_counter

_ALERT_BUCKETS = (0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10, 30, 60, 300)
_DURATION_BUCKETS = (30, 60, 120, 300, 600, 1800, 3600, 7200, 21600, 86400)
_SEVERITIES = ("warning", "critical")


class AlertingTelemetry:
    """Metrics in `registry`, and log lines. Methods may be called by any thread."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._log = Log("alerting")
        self._service = BoundedLabel(overflow_counter(registry), "service")
        self._evaluations = Counter(
            "tocsin_rule_evaluations",
            "Decisions of a rule on lines that may make it fire",
            ["rule", "outcome"],
            registry=registry,
        )
        self._state = Gauge(
            "tocsin_incident_state",
            "1 while an incident is open",
            ["rule", "service", "severity"],
            registry=registry,
        )
        self._active = Gauge(
            "tocsin_incidents_active", "Open incidents", ["severity"], registry=registry
        )
        self._opened = Counter(
            "tocsin_incidents_opened",
            "Incidents that people were told of",
            ["rule", "severity"],
            registry=registry,
        )
        self._duration = Histogram(
            "tocsin_incident_duration_seconds",
            "From the first error of an incident to calm",
            buckets=_DURATION_BUCKETS,
            registry=registry,
        )
        self._notifications = Counter(
            "tocsin_notifications",
            "Attempts to notify",
            ["channel", "outcome"],
            registry=registry,
        )
        self._sending = Histogram(
            "tocsin_notification_duration_seconds",
            "Time that a channel took to answer",
            ["channel"],
            registry=registry,
        )
        self._time_to_alert = Histogram(
            "tocsin_time_to_alert_seconds",
            "From the line that fired being written to the message being accepted",
            buckets=_ALERT_BUCKETS,
            registry=registry,
        )
        self._outbox = Gauge(
            "tocsin_outbox_messages",
            "Messages that wait to be sent",
            ["channel"],
            registry=registry,
        )
        self._oldest = Gauge(
            "tocsin_outbox_oldest_age_seconds",
            "Age of the oldest message that waits",
            ["channel"],
            registry=registry,
        )
        self._frames = Counter(
            "tocsin_frames",
            "Frames of log-metrics by how they follow each other",
            ["fit"],
            registry=registry,
        )
        self._missing = Counter(
            "tocsin_frame_missing_offsets",
            "Offsets of raw-logs that no frame told of",
            registry=registry,
        )
        self._too_late = Counter(
            "tocsin_alerting_too_late_lines",
            "Lines that came over 15 minutes after later ones, so no rule saw them",
            registry=registry,
        )
        self._new_templates = Counter(
            "tocsin_new_templates",
            "Error templates that a rule new_pattern had not seen before",
            ["service"],
            registry=registry,
        )
        self._bad = Counter(
            "tocsin_alerting_bad_records",
            "Records that could not be read",
            ["topic"],
            registry=registry,
        )
        self._heartbeats = Counter(
            "tocsin_heartbeats",
            "Requests to the address of the dead man's switch",
            ["outcome"],
            registry=registry,
        )
        self._notices = Counter(
            "tocsin_notices",
            "Decisions about what people are told of an incident",
            ["verdict", "standing"],
            registry=registry,
        )
        self._shown: set[tuple[str, str, str]] = set()
        for severity in _SEVERITIES:
            self._active.labels(severity).set(0)

    def decided(self, reasons: Mapping[tuple[str, Reason], int]) -> None:
        """Decisions were taken, of rules that a configuration names."""
        for (rule, reason), count in reasons.items():
            self._evaluations.labels(rule, reason.name.lower()).inc(count)

    def opened(self, incident: Incident) -> None:
        """People are told of a new incident."""
        self._opened.labels(incident.rule, incident.severity).inc()
        self._log.info(
            "incident opened",
            incident=incident.id,
            service=incident.service,
            severity=incident.severity,
            errors=incident.trigger.count,
            expected=incident.trigger.expected,
        )

    def resolved(self, incident: Incident) -> None:
        """An incident is over."""
        lasted_s = incident.duration_s(incident.resolved_at or incident.opened_at)
        self._duration.observe(lasted_s)
        self._log.info(
            "incident resolved",
            incident=incident.id,
            service=incident.service,
            duration=span(lasted_s),
            errors=incident.errors,
        )

    def incidents(self, incidents: Iterable[Incident]) -> None:
        """The incidents as they are now."""
        active = dict.fromkeys(_SEVERITIES, 0)
        shown: set[tuple[str, str, str]] = set()
        for incident in incidents:
            if incident.is_open:
                active[incident.severity] += 1
                service = self._service(incident.service)
                shown.add((incident.rule, service, incident.severity))
        for severity, count in active.items():
            self._active.labels(severity).set(count)
        for gone in self._shown - shown:
            self._state.remove(*gone)
        for labels in shown - self._shown:
            self._state.labels(*labels).set(1)
        self._shown = shown

    def heartbeat(self, *, accepted: bool) -> None:
        """The address of the dead man's switch was asked."""
        self._heartbeats.labels("accepted" if accepted else "failed").inc()

    def heart_failed(self, error: TocsinError) -> None:
        """It did not answer; told once until it does."""
        self._log.warning("heartbeat not accepted", why=error)

    def noticed(self, notice: Notice) -> None:
        """What people are told of an incident, or what keeps it from them, changed."""
        verdict, standing = notice.verdict.lower(), notice.standing.lower()
        self._notices.labels(verdict, standing).inc()

    def frames(self, fits: Mapping[Fit, int]) -> None:
        """Frames were read."""
        for fit, count in fits.items():
            self._frames.labels(fit.value).inc(count)

    def gap(self, source: int, missing: int) -> None:
        """Frames are missing: their lines were not looked at."""
        self._missing.inc(missing)
        self._log.error(
            "frames are missing", source=source, offsets=missing, lost="their errors"
        )

    def overlap(self, source: int) -> None:
        """A frame covers offsets that were counted before."""
        self._log.error("a frame overlaps an earlier one", source=source)

    def too_late(self, lines: int) -> None:
        """Lines came too late for any window."""
        self._too_late.inc(lines)

    def new_templates(self, found: Mapping[str, int]) -> None:
        """Error templates were new to a rule."""
        for service, count in found.items():
            self._new_templates.labels(self._service(service)).inc(count)

    def bad_record(self, topic: str, error: TocsinError) -> None:
        """A record could not be read."""
        self._bad.labels(topic).inc()
        self._log.error("cannot read a record", topic=topic, problem=error)

    def started(self, horizon: int, incidents: int) -> None:
        """This process is the active one now."""
        self._log.info("active", replayed_frames=horizon, incidents=incidents)

    def standby(self) -> None:
        """Another process is the active one."""
        self._log.info("standby", because="another alerting process is active")

    def split(self, partitions: int) -> None:
        """The topic log-metrics has several partitions."""
        self._log.error(
            "log-metrics has several partitions",
            partitions=partitions,
            cure="create it with one: alerting needs one order",
        )

    def redo(self, error: TocsinError) -> None:
        """A transaction did not happen; state is loaded anew."""
        self._log.warning("transaction aborted, going on from the last one", why=error)

    def waiting(self, error: TocsinError) -> None:
        """The bus cannot be reached."""
        self._log.warning("waiting for the bus", problem=error)

    def sent(self, kind: str, outcome: Sending, took_s: float) -> None:
        """A channel accepted a message, or it was found there."""
        self._notifications.labels(kind, outcome.value).inc()
        self._sending.labels(kind).observe(took_s)

    def alerted(self, at: float, written_at: float) -> None:
        """The first message of an incident was accepted."""
        if written_at:
            self._time_to_alert.observe(max(0.0, at - written_at))

    def not_working(self, channel: str, error: TocsinError) -> None:
        """A channel would not accept messages, as far as asking it tells."""
        fields = {"channel": channel, "why": error}
        if error.hint:
            fields["cure"] = error.hint
        self._log.warning("channel does not work", **fields)

    def failed(self, kind: str, outcome: Sending) -> None:
        """An attempt to notify failed."""
        self._notifications.labels(kind, outcome.value).inc()

    def retrying(self, error: TocsinError, wait_s: float) -> None:
        """A message is sent again later."""
        self._log.warning("not delivered yet", why=error, next_try_s=wait_s)

    def refused(self, error: TocsinError, wait_s: float) -> None:
        """A channel refuses messages until a person acts."""
        fields = {"why": error, "next_try_s": wait_s}
        if error.hint:
            fields["cure"] = error.hint
        self._log.error("cannot deliver", **fields)

    def maybe_twice(self, kind: str, channel: str, incident: str) -> None:
        """A message is sent that may have been sent before; nobody can look it up."""
        self.failed(kind, Sending.MAYBE_TWICE)
        self._log.warning(
            "sending a message that may be shown already",
            channel=channel,
            incident=incident,
        )

    def outbox(self, kind: str, waiting: int, oldest_age_s: float) -> None:
        """How much waits in a channel's queue."""
        self._outbox.labels(kind).set(waiting)
        self._oldest.labels(kind).set(oldest_age_s)

    def delivery_lost(self, channel: str, error: TocsinError) -> None:
        """Another process delivers to this channel now."""
        self._log.warning("delivery taken over", channel=channel, why=error)

    def crashed(self, what: str, error: BaseException) -> None:
        """An error of ours."""
        self._log.crash(what, error)
