"""A program that works on the bus until somebody kills it, for the tests of crashes.

child SITE copy [--stop-at STEP]   copy IN to OUT; print and hang at a step
child SITE hold                    take an identity; commit once told; exit 3 if fenced
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import time

from tests.contract import traffic
from tests.contract.site import Site
from tocsin.errors import Fenced
from tocsin.ports.bus import Bus


def main() -> int:
    """Run the command; the exit status is the program's."""
    parser = argparse.ArgumentParser()
    parser.add_argument("site")
    parser.add_argument("command", choices=["copy", "hold"])
    parser.add_argument("--name", default="copier")
    parser.add_argument("--stop-at", default="")
    parser.add_argument("--count", type=int, default=0)
    parser.add_argument("--freeze-at", default="")
    parser.add_argument("--max-records", type=int, default=50)
    arguments = parser.parse_args()
    with Site(**json.loads(arguments.site)).open(arguments.name) as bus:
        if arguments.command == "hold":
            return _hold(bus)
        _copy(bus, arguments)
    return 0


def _copy(bus: Bus, arguments: argparse.Namespace) -> None:
    consumer = bus.consumer([traffic.IN], group="copiers", member=arguments.name)
    producer = bus.producer(arguments.name)
    done = 0

    def at(step: str) -> None:
        nonlocal done
        if step == arguments.stop_at and done >= 2:
            print(step, flush=True)
            time.sleep(600)
        if step == arguments.freeze_at and done == 2:
            done += 1
            print(step, flush=True)
            os.kill(os.getpid(), signal.SIGSTOP)
        if step == "commit":
            done += 1
            print("copied", flush=True)

    while not traffic.is_copied(bus, "copiers", arguments.count):
        traffic.copy(consumer, producer, max_records=arguments.max_records, at=at)


def _hold(bus: Bus) -> int:
    producer = bus.producer("shared")
    print("holding", flush=True)
    sys.stdin.readline()
    try:
        with producer.transaction() as tx:
            tx.send(traffic.OUT, 0, traffic.records([b"from the older one"]))
    except Fenced as fenced:
        print(fenced)
        return fenced.exit_status
    return 0


if __name__ == "__main__":
    sys.exit(main())
