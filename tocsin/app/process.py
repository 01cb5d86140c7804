"""The processor as a component."""

from __future__ import annotations

from prometheus_client import CollectorRegistry

from processor.telemetry import ProcessorTelemetry
from processor.worker import run
from tocsin.app.component import Component, Setting, Work
from tocsin.config.tallies import counted_fields, tallies_of
from tocsin.ports.bus import Bus


def _prepare(registry: CollectorRegistry) -> Work:
    telemetry = ProcessorTelemetry(registry)

    def work(bus: Bus, setting: Setting) -> None:
        config = setting.config.processor
        rules = setting.config.alerting.rules
        fields = counted_fields(rules, config.count_by)
        run(
            bus,
            config.model_copy(update={"count_by": fields}),
            identity=setting.identity,
            telemetry=telemetry,
            health=setting.health,
            stop=setting.stop,
            clock=setting.clock,
            tallies=tallies_of(rules),
        )

    return work


COMPONENT = Component("processor", _prepare, maintains=True)
