"""Every metric of every component, brought to life through their own telemetry.

A `Scene` is three components with a second of life per `tick`; nothing here is a
stand-in: the classes are those that the programs use, on registries as theirs.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import Metric

from alerting.evidence import Evidence
from alerting.incident import Arrival, Incident, Phase, Reason, Trigger
from alerting.notice import Notice
from alerting.queue import Sending
from alerting.telemetry import AlertingTelemetry
from alerting.tiling import Fit
from collector.telemetry import CollectorTelemetry, FileState, Lost, Rotation
from processor.flush import Flush, Gap, ServiceCounts
from processor.telemetry import ProcessorTelemetry
from tocsin.app.reloading import Reloads
from tocsin.config.model import Config
from tocsin.errors import BadRecord
from tocsin.telemetry.log import Log
from tocsin.telemetry.metrics import new_registry

LINES_A_SECOND = 100
ERRORS_A_SECOND = 4
SERVICES = ("checkout", "payments")
SILENT_SERVICE = "batch"


class Scene:
    """Two services that write, one that fell silent, one incident that fires."""

    def __init__(self) -> None:
        self.registries = {
            name: new_registry() for name in ("collector", "processor", "alerting")
        }
        self._collector = CollectorTelemetry(self.registries["collector"])
        for registry in self.registries.values():
            Reloads(Config(), Config, None, log=Log("it"), registry=registry)
        self._processor = ProcessorTelemetry(self.registries["processor"])
        self._alerting = AlertingTelemetry(self.registries["alerting"])

    def tick(self, now: float) -> None:
        """One second of ordinary life, and of each trouble a little."""
        self._collect(now)
        self._process(now)
        self._alert(now)

    def _collect(self, now: float) -> None:
        telemetry = self._collector
        for service in SERVICES:
            telemetry.committed(service, lines=LINES_A_SECOND, size=9_000, read_at=now)
        telemetry.committed(SILENT_SERVICE, lines=1, size=90, read_at=now - 1_000)
        telemetry.unread(dict.fromkeys(SERVICES, 300))
        telemetry.files({FileState.READING: 2}, open_files=2)
        telemetry.file_rotated("/logs/a.log", Rotation.RENAMED)
        telemetry.read_failed("/logs/b.log", PermissionError())
        telemetry.lost("/logs/c.log", Lost.TRUNCATED, 100)
        telemetry.line_cut("/logs/a.log", 0, dropped=10, limit=1_000_000)
        telemetry.dead_letter("checkout/host/1:0", 2_000_000, 1_000_000)

    def _process(self, now: float) -> None:
        telemetry = self._processor
        levels = (0, 0, LINES_A_SECOND - ERRORS_A_SECOND, 0, ERRORS_A_SECOND, 0, 0)
        flush = Flush(
            frames=[],
            dead=[],
            learned=[],
            gaps=[],
            services=[ServiceCounts(name, levels, late=1) for name in SERVICES],
            unread={"json": 2},
            skewed=1,
            untimed=1,
            lag_s=0.2,
        )
        telemetry.flushed(flush, now=now)
        telemetry.dead_lettered(1, "not a line", "raw-logs")
        telemetry.lost("raw-logs", [Gap(partition=0, expected=3, found=5)])
        telemetry.lag("raw-logs", "processor", 40)
        telemetry.watermark(now)
        telemetry.duplicates(1)
        telemetry.windows_written(3)

    def _alert(self, now: float) -> None:
        telemetry = self._alerting
        incident = _incident(now)
        telemetry.decided({("errors", Reason.OPENED): 1})
        telemetry.opened(incident)
        telemetry.resolved(incident)
        telemetry.incidents([incident])
        telemetry.frames({Fit.NEXT: 5})
        telemetry.gap(0, 3)
        telemetry.too_late(2)
        telemetry.new_templates({"checkout": 1})
        telemetry.bad_record("log-metrics", BadRecord("not a frame"))
        telemetry.sent("slack", Sending.POSTED, 0.1)
        telemetry.alerted(100.6, 100.0)
        telemetry.heartbeat(accepted=True)
        telemetry.noticed(Notice(incident="checkout-7ht9w"))
        telemetry.outbox("slack", 1, 0.5)


def _incident(now: float) -> Incident:
    return Incident(
        id="1",
        rule="errors",
        service=SERVICES[0],
        phase=Phase.OPEN,
        severity="critical",
        sequence=1,
        paged=True,
        opened_at=now - 5,
        fired_at=now - 4,
        detected_at=now - 4,
        edited_at=now - 4,
        trigger=Trigger(
            window_s=5,
            count=40,
            expected=1.0,
            share=0.5,
            share_before=0.01,
            rate_before=0.1,
        ),
        errors=40,
        peak=20,
        evidence=Evidence(),
        arrival=Arrival(),
    )


def history(scene: Scene, times: Iterator[float]) -> CollectorRegistry:
    """A registry with the scene's samples at each of the times, for OpenMetrics."""
    families: dict[str, Metric] = {}
    for now in times:
        scene.tick(now)
        for registry in scene.registries.values():
            for family in registry.collect():
                past = families.setdefault(
                    family.name,
                    Metric(family.name, family.documentation, family.type),
                )
                for sample in family.samples:
                    past.samples.append(sample._replace(timestamp=now))
    past_registry = CollectorRegistry()
    past_registry.register(_Past(families))
    return past_registry


class _Past:
    def __init__(self, families: dict[str, Metric]) -> None:
        self._families = families

    def collect(self) -> Any:
        return self._families.values()
