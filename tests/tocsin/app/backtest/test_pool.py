"""The reading processes live no longer than the one that they read for."""

from __future__ import annotations

import subprocess
import sys

import psutil
import pytest

_PROGRAM = """
import os, time
from tocsin.app.backtest.chunk import Reading
from tocsin.app.backtest.pool import reading_pool
if __name__ == "__main__":
    with reading_pool(2, Reading()) as pool:
        print(pool.submit(os.getpid).result(), flush=True)
        time.sleep(60)
"""


@pytest.mark.e2e
def test_readers_end_when_their_parent_is_killed() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _PROGRAM], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        reader = psutil.Process(int(parent.stdout.readline()))
        server = reader.parent()
        parent.kill()

        gone, alive = psutil.wait_procs([reader, *([server] if server else [])], 10)

    assert alive == []
    assert reader in gone
