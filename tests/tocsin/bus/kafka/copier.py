"""A process that copies `logs` to `copy`, exactly once, and stops where it is told.

python -m tests.tocsin.bus.kafka.copier BOOTSTRAP PREFIX: it prints `held` with a batch
in its hands, waits for a line on its input, commits, and prints how that ended; then it
goes on for a second and prints how many records it copied.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from pydantic import SecretStr

from tocsin.bus.kafka.adapter import KafkaBus
from tocsin.errors import BusError
from tocsin.ports.bus import Batch, Consumer, Producer


def copy(producer: Producer, consumer: Consumer, batches: list[Batch]) -> int:
    """Commit what was read, as a copy, together with how far it was read."""
    with producer.transaction() as tx:
        for batch in batches:
            tx.send("copy", 0, batch.records)
        tx.acknowledge(consumer)
    return sum(len(batch.records) for batch in batches)


def main(bootstrap: str, prefix: str) -> None:
    """Copy, with a halt at the first batch."""
    settings = {"session.timeout.ms": "1500", "heartbeat.interval.ms": "300"}
    bus = KafkaBus(
        bootstrap,
        prefix=prefix,
        replication=1,
        settings={key: SecretStr(value) for key, value in settings.items()},
        client_id="copier",
    )
    producer = bus.producer("copier")
    consumer = bus.consumer(["logs"], group="copy", member="copier")
    batches: list[Batch] = []
    while not batches:
        batches = consumer.poll(max_records=1000, wait_s=0.5, linger_s=0.2)
    print("held", flush=True)
    sys.stdin.readline()
    try:
        copy(producer, consumer, batches)
        print("committed", flush=True)
    except BusError as error:
        print(type(error).__name__, flush=True)
    copied, until = 0, time.monotonic() + 2.0
    while time.monotonic() < until:
        if batches := consumer.poll(max_records=1000, wait_s=0.2):
            copied += copy(producer, consumer, batches)
    print(f"copied {copied}", flush=True)
    bus.close()


if __name__ == "__main__":
    main(*sys.argv[1:3])


MODULE = f"{__package__}.{Path(__file__).stem}"
