"""The processor as a process, for the tests that kill it.

child SITE
"""

from __future__ import annotations

import json
import signal
import sys
import threading

from processor import worker
from processor.telemetry import ProcessorTelemetry
from tests.contract.site import Site
from tests.processor.installation import QUICK
from tocsin.telemetry.health import Health
from tocsin.telemetry.log import configure
from tocsin.telemetry.metrics import new_registry


def main() -> None:
    """Work until SIGTERM."""
    configure("processor")
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    with Site(**json.loads(sys.argv[1])).open("processor") as bus:
        worker.run(
            bus,
            QUICK,
            identity="p1",
            telemetry=ProcessorTelemetry(new_registry()),
            health=Health(),
            stop=stop,
        )


if __name__ == "__main__":
    main()
