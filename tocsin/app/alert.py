"""The alerting as a component."""

from __future__ import annotations

import time

from prometheus_client import CollectorRegistry

from alerting.receivers import notifiers
from alerting.telemetry import AlertingTelemetry
from alerting.worker import run
from tocsin.app.component import Component, Setting, Work
from tocsin.app.ordering_http import actions
from tocsin.config.model import Config
from tocsin.ports.bus import Bus


def _prepare(registry: CollectorRegistry) -> Work:
    telemetry = AlertingTelemetry(registry)

    def work(bus: Bus, setting: Setting) -> None:
        for config, stop in setting.runs():
            run(
                bus,
                config.alerting,
                identity=setting.identity,
                telemetry=telemetry,
                health=setting.health,
                stop=stop,
                clock=setting.clock,
            )

    return work


def _part(config: Config) -> object:
    return config.alerting


def _check(config: Config) -> object:
    """Whether every receiver can be made, such as those of an extra."""
    return notifiers(config.alerting, clock=time.time)


COMPONENT = Component("alerting", _prepare, actions=actions, part=_part, check=_check)
