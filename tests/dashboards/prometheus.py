"""A real Prometheus in a temporary directory, and its tool."""

from __future__ import annotations

import json
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

import urllib3
from ruamel.yaml import YAML

from tests.conftest import unavailable
from tests.dashboards.stack import ROOT, load_yaml

_START_S = 30.0


def program(name: str) -> str:
    """Where `prometheus` or `promtool` is; without it the test cannot run."""
    found = shutil.which(name)
    if found is None:
        unavailable(f"Prometheus tests: no {name} here (Debian: package prometheus)")
    return found


def promtool(*args: str | Path, stdin: bytes = b"") -> str:
    """Run the tool; what it finds wrong fails the test."""
    done = subprocess.run(
        [program("promtool"), *args],
        input=stdin,
        capture_output=True,
        timeout=60,
        check=False,
    )
    said = (done.stdout + done.stderr).decode()
    assert done.returncode == 0, said
    return said


def scrape_config(ports: dict[str, int], *, interval_ms: int) -> dict[str, Any]:
    """Our own configuration, with these ports of this machine as the targets."""
    config = load_yaml(ROOT / "dashboards" / "prometheus" / "prometheus.yml")
    config["global"]["scrape_interval"] = f"{interval_ms}ms"
    config["global"]["scrape_timeout"] = f"{interval_ms}ms"
    config["rule_files"] = []
    for job in config["scrape_configs"]:
        port = ports[job["job_name"].removeprefix("tocsin-")]
        job["static_configs"] = [{"targets": [f"127.0.0.1:{port}"]}]
    assert isinstance(config, dict)
    return config


class Prometheus:
    """One server that scrapes by `config`; data may lie in the directory already."""

    def __init__(self, directory: Path, config: dict[str, Any]) -> None:
        self._config = directory / "prometheus.yml"
        YAML(typ="safe").dump(config, self._config)
        self._log = directory / "prometheus.log"
        self._data = directory / "data"
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        self._pool = urllib3.PoolManager(timeout=5.0, retries=False)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start and wait until it answers."""
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [
                    program("prometheus"),
                    f"--config.file={self._config}",
                    f"--storage.tsdb.path={self._data}",
                    f"--web.listen-address=127.0.0.1:{self._port}",
                ],
                stdout=log,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
            )
        deadline = time.monotonic() + _START_S
        while not self._is_ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(self._log.read_text()[-2000:])
            time.sleep(0.05)

    def stop(self) -> None:
        """End it; it writes its data down first."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(timeout=20)
        self._pool.clear()

    def query(self, expr: str) -> list[dict[str, Any]]:
        """The series that an instant query gives."""
        answer = self._get("/api/v1/query", query=expr)
        assert answer["status"] == "success", answer
        result = answer["data"]["result"]
        assert isinstance(result, list), f"{expr} is no vector"
        return result

    def wait_for(self, expr: str, *, timeout_s: float = 15.0) -> None:
        """Wait until a query gives something."""
        deadline = time.monotonic() + timeout_s
        while not self.query(expr):
            assert time.monotonic() < deadline, f"{expr} gave nothing"
            time.sleep(0.1)

    def _is_ready(self) -> bool:
        try:
            answer = self._pool.request("GET", f"http://127.0.0.1:{self._port}/-/ready")
        except urllib3.exceptions.HTTPError:
            return False
        return answer.status == 200

    def _get(self, path: str, **fields: str) -> Any:
        url = f"http://127.0.0.1:{self._port}{path}"
        return json.loads(self._pool.request("GET", url, fields=fields).data)
