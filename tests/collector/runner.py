"""A collector as a process of its own: `runner STATE_DIR URL PREFIX JSON-CONFIG`."""

from __future__ import annotations

import json
import signal
import sys
import threading
from pathlib import Path

from collector.telemetry import CollectorTelemetry
from collector.worker import run
from tests.collector.rig import ready_bus
from tocsin.config.model import CollectorConfig
from tocsin.telemetry import log
from tocsin.telemetry.health import Health
from tocsin.telemetry.metrics import new_registry


def main() -> None:
    """Run until SIGTERM."""
    state_dir, url, prefix, config = sys.argv[1:]
    log.configure("collector")
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    with ready_bus(Path(state_dir), url, prefix=prefix) as bus:
        run(
            bus,
            CollectorConfig.model_validate(json.loads(config)),
            identity="runner",
            telemetry=CollectorTelemetry(new_registry()),
            health=Health(),
            stop=stop,
        )


if __name__ == "__main__":
    main()
