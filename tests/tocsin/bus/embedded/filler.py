"""A program that fills a bus under a limit of the file size, or beside others.

filler PATH NAME COUNT [LIMIT]   commit COUNT batches of 100 kB; a file over LIMIT
                                 bytes cannot grow: as on a full disk
"""

from __future__ import annotations

import os
import resource
import sys
from pathlib import Path

from tocsin.bus.embedded.adapter import EmbeddedBus
from tocsin.errors import BusUnavailable
from tocsin.ports.bus import Records


def main(path: str, name: str, count: int, limit: int) -> None:
    """Print how many were committed, and what went wrong."""
    done = 0
    with EmbeddedBus(Path(path)) as bus:
        producer = bus.producer(name)
        if limit:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        try:
            for n in range(count):
                with producer.transaction() as tx:
                    noise = [b"%s-%d" % (name.encode(), n), os.urandom(100_000)]
                    tx.send("a", 0, Records([b"", b""], noise, [1, 1]))
                done += 1
        except BusUnavailable as error:
            print(done, "|", error, "|", error.hint)
        else:
            print(done)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int([*sys.argv, "0"][4]))
