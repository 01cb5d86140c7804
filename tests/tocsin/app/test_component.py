"""A component as a process: what it makes of its worker's end."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

PROGRAM = """
import sys
from pathlib import Path
from tocsin.app.component import Component, run_component
from tocsin.cli.root import tell
from tocsin.config.model import BusConfig, Config
from tocsin.errors import Fenced, TocsinError

def work(bus, setting):
    what = sys.argv[2]
    if what == "fenced":
        raise Fenced("host-2 took over", hint="stop one of them")
    if what == "bug":
        raise ZeroDivisionError("ours")
    print([topic.name for topic in bus.topics()][:1], flush=True)
    setting.health.ready()
    setting.stop.wait()

url, create = sys.argv[3], sys.argv[4] == "create"
config = Config(
    state_dir=Path(sys.argv[1]), http="127.0.0.1:0",
    bus=BusConfig(url=url, create_topics=create),
)
try:
    sys.exit(run_component(Component("thing", lambda registry: work), config))
except TocsinError as error:
    tell(error)
    sys.exit(error.exit_status)
"""


def component(
    folder: Path, what: str, *, url: str = "embedded://", topics: str = "create"
) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(folder), what, url, topics],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_it_works_on_a_bus_with_all_topics_until_a_signal(tmp_path: Path) -> None:
    with component(tmp_path, "work") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "['acknowledgements']\n"

        process.send_signal(signal.SIGTERM)

        _, told = process.communicate(timeout=10)
    assert process.returncode == 0
    assert "http_listening url=http://127.0.0.1:" in told
    assert "stopped" in told


def test_a_fenced_worker_ends_with_3_and_says_who_replaced_it(tmp_path: Path) -> None:
    with component(tmp_path, "fenced") as process:
        _, told = process.communicate(timeout=10)

    assert process.returncode == 3
    assert "tocsin: host-2 took over\n" in told
    assert "stop one of them" in told
    assert "Traceback" not in told


def test_a_mistake_of_ours_ends_with_1_and_its_trace(tmp_path: Path) -> None:
    with component(tmp_path, "bug") as process:
        _, told = process.communicate(timeout=10)

    assert process.returncode == 1
    assert "worker_failed" in told
    assert "ZeroDivisionError: ours" in told


def test_it_waits_for_topics_that_it_may_not_create(tmp_path: Path) -> None:
    with component(tmp_path, "work", topics="wait") as process:
        assert process.stderr is not None
        while "waiting_for_bus" not in (told := process.stderr.readline()):
            assert told, "it ended"

        process.send_signal(signal.SIGTERM)

        assert process.wait(10) == 0
    assert "missing topic" in told
    assert "--no-create-topics" in told


def test_an_address_that_is_not_ours_is_told(tmp_path: Path) -> None:
    words = PROGRAM.replace('http="127.0.0.1:0"', 'http="203.0.113.1:9"')
    ran = subprocess.run(
        [sys.executable, "-c", words, str(tmp_path), "work", "embedded://", "create"],
        capture_output=True,
        text=True,
        check=False,
        timeout=20,
    )

    assert ran.returncode == 2
    assert "tocsin: http: cannot listen on 203.0.113.1:9" in ran.stderr
