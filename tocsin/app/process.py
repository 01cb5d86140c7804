"""The processor as a component."""

from __future__ import annotations

from prometheus_client import CollectorRegistry

from processor.telemetry import ProcessorTelemetry
from processor.worker import run
from tocsin.app.component import Component, Setting, Work
from tocsin.config.model import Config
from tocsin.config.tallies import counted_fields, tallies_of
from tocsin.ports.bus import Bus


def _prepare(registry: CollectorRegistry) -> Work:
    telemetry = ProcessorTelemetry(registry)

    def work(bus: Bus, setting: Setting) -> None:
        for config, stop in setting.runs():
            rules = config.alerting.rules
            fields = counted_fields(rules, config.processor.count_by)
            run(
                bus,
                config.processor.model_copy(update={"count_by": fields}),
                identity=setting.identity,
                telemetry=telemetry,
                health=setting.health,
                stop=stop,
                clock=setting.clock,
                tallies=tallies_of(rules),
            )

    return work


def _part(config: Config) -> object:
    """What it works by: rules have lines counted."""
    rules = config.alerting.rules
    fields = counted_fields(rules, config.processor.count_by)
    return config.processor, fields, tallies_of(rules)


COMPONENT = Component("processor", _prepare, maintains=True, part=_part)
