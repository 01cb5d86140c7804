"""The collector as a component."""

from __future__ import annotations

from prometheus_client import CollectorRegistry

from collector.telemetry import CollectorTelemetry
from collector.worker import run
from tocsin.app.component import Component, Setting, Work
from tocsin.config.model import Config
from tocsin.ports.bus import Bus


def _prepare(registry: CollectorRegistry) -> Work:
    telemetry = CollectorTelemetry(registry)

    def work(bus: Bus, setting: Setting) -> None:
        reloads = setting.reloads
        config = setting.config
        while not setting.stop.is_set():
            run(
                bus,
                config.collector,
                identity=setting.identity,
                telemetry=telemetry,
                health=setting.health,
                stop=setting.stop,
                clock=setting.clock,
                pins_dir=_pins_dir(setting, config),
                leave=reloads.due if reloads else None,
            )
            # Whatever it knows stands in the checkpoints, so it begins anew from them.
            config = reloads.take() if reloads else config

    return work


def _pins_dir(setting: Setting, config: Config) -> str | None:
    if not config.collector.pin:
        return None
    return str(setting.config.state_dir.absolute() / "pins" / setting.identity)


def _part(config: Config) -> object:
    return config.collector


COMPONENT = Component("collector", _prepare, part=_part)
