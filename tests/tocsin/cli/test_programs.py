"""The programs as a user starts them, on real files and the embedded bus."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from tests.tocsin.app.test_supervisor import until

pytestmark = pytest.mark.e2e

PATIENCE_S = 40.0
"""How long a start may take on a machine that does other things as well."""


class Program:
    """A running `tocsin …`, with what it has said so far."""

    def __init__(self, folder: Path, *words: str) -> None:
        self.out, self.err = folder / "out.txt", folder / "err.txt"
        clean = {k: v for k, v in os.environ.items() if not k.startswith("TOCSIN_")}
        with self.out.open("wb") as out, self.err.open("wb") as err:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tocsin", *words],
                stdout=out,
                stderr=err,
                env=clean,
                start_new_session=True,
            )

    def said(self) -> str:
        """Its stderr so far."""
        return self.err.read_text("utf-8")

    def children(self) -> dict[str, psutil.Process]:
        """The running components by their command."""
        found = {}
        for child in psutil.Process(self.process.pid).children():
            words = child.cmdline()
            if "tocsin" in words:
                found[words[words.index("tocsin") + 1]] = child
        return found

    def stop(self) -> int:
        """Ask it to end, as a service manager does; its status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(15)


@contextmanager
def program(folder: Path, *words: str) -> Iterator[Program]:
    """A program that is gone after the block, whatever happens in it."""
    running = Program(folder, *words)
    try:
        yield running
    finally:
        running.process.kill()
        running.process.wait()


def wait(true: Callable[[], bool]) -> None:
    until(true, within_s=PATIENCE_S)


def tocsin(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tocsin", *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    """A directory with one service's log of three lines."""
    folder = tmp_path / "logs" / "shop"
    folder.mkdir(parents=True)
    stamp = time.strftime("%Y-%m-%d %H:%M:%S")
    text = "".join(f"{stamp},00{n} - shop - INFO - order {n}\n" for n in range(3))
    (folder / "shop.log").write_text(text)
    return folder.parent


def test_run_reads_logs_restarts_what_is_killed_and_ends_gracefully(
    tmp_path: Path, logs: Path
) -> None:
    state = ["--state-dir", str(tmp_path / "state")]
    with program(
        tmp_path, "run", *state, "--http", "127.0.0.1:0", str(logs)
    ) as running:
        wait(lambda: running.said().count("bus_open") == 3)
        addresses = re.findall(r"url=http://(\S+)", running.said())
        healthy = [tocsin("healthcheck", "--http", x).returncode for x in addresses]

        running.children()["collect"].kill()
        wait(lambda: running.said().count("bus_open") == 4)
        with (logs / "shop" / "shop.log").open("a") as file:
            file.write("2026-01-01 00:00:00,000 - shop - INFO - order 3\n")
        tapped = tocsin(
            *(
                "tap",
                "raw-logs",
                *state,
                "--json",
                "--from",
                "beginning",
                "--count",
                "4",
            )
        )

        children = running.children()
        status = running.stop()

    assert healthy == [0, 0, 0]
    assert "crashed component=collector by=SIGKILL" in running.said()
    lines = [json.loads(line)["value"] for line in tapped.stdout.splitlines()]
    assert [line[-7:] for line in lines] == [f"order {n}" for n in range(4)]
    assert status == 0
    assert set(children) == {"collect", "process", "alert"}
    assert not any(child.is_running() for child in children.values())
    assert running.out.read_text() == ""


@pytest.mark.parametrize("moment", ["started", "bus_open"])
def test_ctrl_c_in_a_terminal_ends_run_gracefully_at_any_moment(
    tmp_path: Path, logs: Path, moment: str
) -> None:
    state = ["--state-dir", str(tmp_path / "state")]
    with program(tmp_path, "run", *state, str(logs)) as running:
        wait(lambda: running.said().count(moment) == 3)

        os.killpg(running.process.pid, signal.SIGINT)

        assert running.process.wait(15) == 0
    assert "Traceback" not in running.said()


def test_no_component_outlives_a_killed_run(tmp_path: Path, logs: Path) -> None:
    with program(
        tmp_path, "run", "--state-dir", str(tmp_path / "state"), str(logs)
    ) as running:
        wait(lambda: running.said().count("bus_open") == 3)
        children = running.children()

        running.process.kill()
        running.process.wait()

        wait(lambda: not any(child.is_running() for child in children.values()))
    assert len(children) == 3


def test_a_second_collector_of_the_same_name_replaces_the_first(
    tmp_path: Path, logs: Path
) -> None:
    words = ["collect", "--id", "edge", "--state-dir", str(tmp_path / "state")]
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    with program(tmp_path / "one", *words, str(logs)) as first:
        wait(lambda: "file_found" in first.said())
        with program(tmp_path / "two", *words, str(logs)) as second:
            wait(lambda: "bus_open" in second.said())
            with (logs / "shop" / "shop.log").open("a") as file:
                file.write("2026-01-01 00:00:00,000 - shop - INFO - order 3\n")

            status = first.process.wait(PATIENCE_S)

            assert second.stop() == 0
    assert status == 3
    assert "tocsin: " in first.said()
    assert "Traceback" not in first.said()


@pytest.mark.parametrize("command", ["collect", "process", "alert", "run"])
def test_with_an_unreachable_broker_it_waits_says_so_and_ends_gracefully(
    tmp_path: Path, logs: Path, command: str
) -> None:
    paths = [str(logs)] if command in ("collect", "run") else []
    words = ["--bus", "kafka://127.0.0.1:9", "--state-dir", str(tmp_path / "state")]
    with program(tmp_path, command, *words, *paths) as running:
        wait(lambda: "waiting_for_bus" in running.said())
        began = time.monotonic()

        status = running.stop()

    assert status == 0
    assert time.monotonic() - began < 10
    assert "kafka://127.0.0.1:9" in running.said()
    assert "is the broker running" in running.said()
    assert "Traceback" not in running.said()


def test_a_command_that_looks_fails_at_once_without_a_broker() -> None:
    for words in (["tap", "alerts"], ["check"], ["incidents", "list"]):
        ran = tocsin(*words, "--bus", "kafka://127.0.0.1:9")

        assert ran.returncode == 1
        assert "kafka://127.0.0.1:9" in ran.stdout + ran.stderr
        assert "Traceback" not in ran.stderr


def test_a_mistake_in_the_configuration_ends_run_with_2(tmp_path: Path) -> None:
    file = tmp_path / "t.yaml"
    file.write_text("collector:\n  pathss: [x]\n")

    ran = tocsin("run", "--config", str(file), str(tmp_path))

    assert ran.returncode == 2
    told = f'{file}:2:3: collector.pathss: unknown key; did you mean "paths"?'
    assert ran.stderr.splitlines()[0] == told


def test_the_demo_shows_the_burst_and_that_it_is_over(tmp_path: Path) -> None:
    keep = tmp_path / "demo"
    began = time.monotonic()
    with program(tmp_path, "demo", "--keep", str(keep), "--duration", "90s") as running:
        wait(lambda: "payments: ERROR burst" in running.out.read_text("utf-8"))
        shown_after_s = time.monotonic() - began

        status = running.process.wait(90)

    messages = re.findall(
        r"^(\S+ .*: ERROR burst.*)$", running.out.read_text("utf-8"), re.MULTILINE
    )
    assert shown_after_s < 60
    assert status == 0
    assert messages == ["🔴 payments: ERROR burst", "✅ payments: ERROR burst resolved"]
    listed = tocsin("incidents", "list", "--json", "--state-dir", str(keep / "state"))
    shown = [json.loads(line) for line in listed.stdout.splitlines()]
    assert [(x["service"], x["state"]) for x in shown] == [("payments", "resolved")]


def test_the_demo_can_only_write(tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    with program(tmp_path, "demo", "--write-only", str(logs)) as running:
        wait(lambda: len(list(logs.glob("*/*.log"))) == 7)

        assert running.stop() == 0


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    for option in ("--write-only", "--keep"):
        ran = tocsin("demo", option, str(tmp_path / "file" / "logs"))

        assert ran.returncode in (1, 2)
        assert f"{tmp_path}/file/logs" in ran.stderr
        assert "Traceback" not in ran.stderr
