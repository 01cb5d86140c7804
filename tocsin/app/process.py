"""The processor as a component."""

from __future__ import annotations

from prometheus_client import CollectorRegistry

from processor.telemetry import ProcessorTelemetry
from processor.worker import run
from tocsin.app.component import Component, Setting, Work
from tocsin.ports.bus import Bus


def _prepare(registry: CollectorRegistry) -> Work:
    telemetry = ProcessorTelemetry(registry)

    def work(bus: Bus, setting: Setting) -> None:
        run(
            bus,
            setting.config.processor,
            identity=setting.identity,
            telemetry=telemetry,
            health=setting.health,
            stop=setting.stop,
            clock=setting.clock,
        )

    return work


COMPONENT = Component("processor", _prepare, maintains=True)
