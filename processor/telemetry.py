"""What the processor tells operators: log lines and metrics, one method per fact."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from processor.flush import Flush, Gap, ServiceCounts
from tocsin.telemetry.log import Log
from tocsin.telemetry.metrics import BoundedLabel, overflow_counter
from tocsin.values import Level

SUMMARY_S = 10.0
_FIRST_SUMMARY_S = 1.0
_MOST_LEARNED_TOLD = 50
_LAG_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3600)


@dataclass(slots=True)
class _Sum:
    lines: int = 0
    errors: int = 0
    unknown: int = 0


class ProcessorTelemetry:
    """Feeds the log and the metrics of the processor, once a batch."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._log = Log("processor")
        self._lines = Counter(
            "tocsin_lines_processed",
            "Lines read from raw-logs",
            ["service", "level"],
            registry=registry,
        )
        self._failures = Counter(
            "tocsin_parse_failures",
            "Lines that no format matches, by what their stream is read as",
            ["format"],
            registry=registry,
        )
        self._late = Counter(
            "tocsin_late_lines",
            "Lines that came after their window had closed",
            ["service"],
            registry=registry,
        )
        self._skewed = Counter(
            "tocsin_skewed_lines",
            "Lines whose time is implausible; counted at their arrival",
            registry=registry,
        )
        self._untimed = Counter(
            "tocsin_untimed_lines",
            "Lines that state no time; counted at their arrival",
            registry=registry,
        )
        self._unnamed = Counter(
            "tocsin_unnamed_template_lines",
            "ERROR and FATAL lines beyond the bounds of templates; counted as others",
            registry=registry,
        )
        self._beyond = Counter(
            "tocsin_unnamed_service_lines",
            "Lines that name a service beyond the bound; counted for their file's",
            registry=registry,
        )
        self._lag = Histogram(
            "tocsin_event_lag_seconds",
            "From the reading of a batch's first line to the end of a stage",
            ["stage"],
            buckets=_LAG_BUCKETS,
            registry=registry,
        )
        self._records_left = Gauge(
            "tocsin_consumer_lag_records",
            "Records not yet read",
            ["topic", "group"],
            registry=registry,
        )
        self._watermark = Gauge(
            "tocsin_watermark_timestamp_seconds",
            "No line with an earlier time is expected any more",
            registry=registry,
        )
        self._dead = Counter(
            "tocsin_dead_letters",
            "Records that could not be handled",
            ["reason"],
            registry=registry,
        )
        self._gaps = Counter(
            "tocsin_lost_records",
            "Records that were gone before they could be read",
            ["topic"],
            registry=registry,
        )
        self._duplicates = Counter(
            "tocsin_duplicate_frames",
            "Frames that were counted before, and dropped",
            registry=registry,
        )
        self._windows = Counter(
            "tocsin_window_records",
            "Records written to log-metrics-1m, corrections included",
            registry=registry,
        )
        self._service = BoundedLabel(overflow_counter(registry), "service")
        self._news: dict[str, _Sum] = {}
        self._told_at: float | None = None
        self._learned = 0

    def flushed(self, flush: Flush, *, now: float) -> None:
        """A flush was committed."""
        for counts in flush.services:
            self._count(counts)
        for name, lines in flush.unread.items():
            self._failures.labels(name).inc(lines)
        self._skewed.inc(flush.skewed)
        self._untimed.inc(flush.untimed)
        self._unnamed.inc(flush.unnamed)
        self._beyond.inc(flush.beyond)
        if flush.lag_s is not None:
            self._lag.labels("processed").observe(max(flush.lag_s, 0.0))
        self._tell_news(now)

    def learned(
        self, path: str, service: str, format_: str, before: str | None
    ) -> None:
        """A stream's format was learned, or has changed; 50 are told in ten seconds."""
        self._failures.labels(format_)  # a first failure counts from zero
        self._learned += 1
        if self._learned > _MOST_LEARNED_TOLD:
            return
        if before is None:
            self._log.info("format_learned", path=path, service=service, format=format_)
        else:
            self._log.info(
                "format_changed",
                path=path,
                service=service,
                format=format_,
                before=before,
            )

    def dead_lettered(self, count: int, reason: str, origin: str) -> None:
        """Records went to dead-letters."""
        self._dead.labels(reason).inc(count)
        self._log.error("records_set_aside", count=count, reason=reason, origin=origin)

    def lost(self, topic: str, gaps: Sequence[Gap]) -> None:
        """Records were gone before they could be read."""
        for gap in gaps:
            self._gaps.labels(topic).inc(max(gap.found - gap.expected, 0))
            self._log.error(
                "records_lost",
                topic=topic,
                partition=gap.partition,
                expected=gap.expected,
                found=gap.found,
            )

    def lag(self, topic: str, group: str, records: int) -> None:
        """So many records are left to read."""
        self._records_left.labels(topic, group).set(records)

    def watermark(self, at: float) -> None:
        """Windows are closed up to this time."""
        self._watermark.set(at)

    def duplicates(self, frames: int) -> None:
        """Frames came that were counted before; they were dropped."""
        self._duplicates.inc(frames)
        self._log.warning("duplicate_frames_dropped", frames=frames)

    def bad_frames(self, count: int, problem: str) -> None:
        """Records of log-metrics could not be read."""
        self._dead.labels("not a frame").inc(count)
        self._log.error("frames_set_aside", count=count, problem=problem)

    def windows_written(self, records: int) -> None:
        """Windows were closed or corrected."""
        self._windows.inc(records)

    def waiting(self, loop: str, problem: str) -> None:
        """The bus is not to be had; the loop waits and tries again."""
        self._log.warning("bus_away", loop=loop, problem=problem)

    def redone(self, loop: str, problem: str) -> None:
        """A transaction did not happen and is redone."""
        self._log.warning("transaction_redone", loop=loop, problem=problem)

    def _count(self, counts: ServiceCounts) -> None:
        if not any(counts.levels):
            return
        service = self._service(counts.service)
        # Every level from the first line on: a series that is born with its first
        # error has no rate, so a burst would be missing on every graph.
        for level in Level:
            self._lines.labels(service, level.name.lower()).inc(counts.levels[level])
        self._late.labels(service).inc(counts.late)
        news = self._news.setdefault(service, _Sum())
        news.lines += sum(counts.levels)
        news.errors += counts.levels[Level.ERROR] + counts.levels[Level.FATAL]
        news.unknown += counts.levels[Level.UNKNOWN]

    def _tell_news(self, now: float) -> None:
        if not self._news:
            return
        if self._told_at is None:  # the first summary shall be of more than a batch
            self._told_at = now - SUMMARY_S + _FIRST_SUMMARY_S
        if now - self._told_at < SUMMARY_S:
            return
        self._told_at = now
        if self._learned > _MOST_LEARNED_TOLD:
            untold = self._learned - _MOST_LEARNED_TOLD
            self._log.info("more_formats_learned", streams=untold)
        self._learned = 0
        for service, news in sorted(self._news.items()):
            self._log.info(
                "lines_read",
                service=service,
                lines=news.lines,
                errors=news.errors,
                without_level=f"{news.unknown / news.lines:.1%}",
            )
        self._news.clear()
