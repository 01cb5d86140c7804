"""The alerting as a component."""

from __future__ import annotations

from prometheus_client import CollectorRegistry

from alerting.telemetry import AlertingTelemetry
from alerting.worker import run
from tocsin.app.component import Component, Setting, Work
from tocsin.app.ordering_http import actions
from tocsin.ports.bus import Bus


def _prepare(registry: CollectorRegistry) -> Work:
    telemetry = AlertingTelemetry(registry)

    def work(bus: Bus, setting: Setting) -> None:
        run(
            bus,
            setting.config.alerting,
            identity=setting.identity,
            telemetry=telemetry,
            health=setting.health,
            stop=setting.stop,
            clock=setting.clock,
        )

    return work


COMPONENT = Component("alerting", _prepare, actions=actions)
