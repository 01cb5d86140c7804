"""A real Kafka broker for tests: one JVM in a temporary directory.

The jars come from Maven Central, once per machine, into a cache folder
(TOCSIN_TESTS_CACHE, or the user's cache directory). Format and start take 2-3 s.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import random
import shutil
import signal
import socket
import subprocess
import time
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Iterator, Mapping
from pathlib import Path

from platformdirs import user_cache_path

KAFKA = "4.2.1"
LOG4J = "2.25.1"
SCALA = "2.13"

_START_S = 60.0

_POM = """<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>tocsin.tests</groupId>
  <artifactId>broker</artifactId>
  <version>1</version>
  <dependencies>
{dependencies}
  </dependencies>
</project>
"""

# Small numbers of internal partitions and no delays: a test's topic is ready in some
# milliseconds, and a dead member is noticed in a second.
_SETTINGS = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "inter.broker.listener.name": "CLIENTS",
    "offsets.topic.replication.factor": "1",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "offsets.topic.num.partitions": "2",
    "transaction.state.log.num.partitions": "2",
    "share.coordinator.state.topic.num.partitions": "1",
    "group.initial.rebalance.delay.ms": "0",
    "group.min.session.timeout.ms": "1000",
    "group.consumer.min.session.timeout.ms": "1000",
    "group.consumer.min.heartbeat.interval.ms": "200",
    "transaction.abort.timed.out.transaction.cleanup.interval.ms": "1000",
    "log.cleaner.dedupe.buffer.size": "8388608",
    "log.retention.check.interval.ms": "500",
    "log.initial.task.delay.ms": "500",
    "auto.create.topics.enable": "false",
    "log.index.size.max.bytes": "1048576",
}


class BrokerMissing(Exception):
    """The broker cannot be had on this machine; the message says why, in one line."""


def cache_dir() -> Path:
    """Where the tests keep what they download."""
    given = os.environ.get("TOCSIN_TESTS_CACHE")
    return Path(given) if given else user_cache_path("tocsin-tests")


def fetch_jars() -> Path:
    """The folder of the broker's jars; downloads them once (~45 MB, some seconds).

    Raises:
        BrokerMissing: there is no Java or no Maven, or Maven failed.
    """
    if shutil.which("java") is None:
        raise BrokerMissing("no Java (17 or later) on this machine")
    jars = cache_dir() / f"kafka-{KAFKA}"
    jars.parent.mkdir(parents=True, exist_ok=True)
    with _locked(jars.with_suffix(".lock")):
        if not jars.is_dir():
            _download(jars)
    return jars


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _download(jars: Path) -> None:
    if shutil.which("mvn") is None:
        raise BrokerMissing("no Maven on this machine to fetch the broker with")
    work = jars.with_suffix(".part")
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    (work / "pom.xml").write_text(_pom())
    done = subprocess.run(
        [
            *("mvn", "-q", "-B", "-f", str(work / "pom.xml")),
            *("dependency:copy-dependencies", "-DincludeScope=runtime"),
            f"-DoutputDirectory={work / 'lib'}",
        ],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    if done.returncode != 0:
        said = (done.stdout + done.stderr).strip().splitlines() or ["no output"]
        raise BrokerMissing(f"Maven could not fetch Kafka {KAFKA}: {said[0][:200]}")
    # Renamed at the end: a folder that is there is whole.
    (work / "lib").rename(jars)
    shutil.rmtree(work)


def _pom() -> str:
    wanted = [("org.apache.kafka", f"kafka_{SCALA}", KAFKA)] + [
        # The broker's published dependencies leave its logging out.
        ("org.apache.logging.log4j", name, LOG4J)
        for name in ("log4j-api", "log4j-core", "log4j-slf4j-impl")
    ]
    return _POM.format(
        dependencies="\n".join(
            f"    <dependency><groupId>{group}</groupId><artifactId>{name}</artifactId>"
            f"<version>{version}</version></dependency>"
            for group, name, version in wanted
        )
    )


class Broker:
    """One broker that is also its own controller; data and ports outlive a restart.

    `settings` are added to, or replace, those of the test broker; `client` is what a
    client needs beside the address; `format_args` go to the formatting of the storage.
    One that `joins` another belongs to its cluster, and asks that for its controller.
    """

    def __init__(
        self,
        directory: Path,
        *,
        settings: Mapping[str, str] | None = None,
        client: Mapping[str, str] | None = None,
        format_args: tuple[str, ...] = (),
        joins: Broker | None = None,
    ) -> None:
        self._directory = directory
        self._jars = fetch_jars()
        self._settings = dict(settings or {})
        self._client = dict(client or {})
        self._process: subprocess.Popen[bytes] | None = None
        self.port, self.controller_port = _free_ports(2)
        # Not to begin with "-": one in 64 would, and be taken for an option.
        self.cluster = urlsafe_b64encode(b"\0" + uuid.uuid4().bytes[1:]).decode()[:22]
        if joins is None:
            self._format({}, ("--standalone", *format_args))
        else:
            self.cluster = joins.cluster
            self._format(_joining(joins.controller_port, self.port), format_args)

    @property
    def bootstrap(self) -> str:
        """The address for clients."""
        return f"127.0.0.1:{self.port}"

    @property
    def log_path(self) -> Path:
        """What the broker has printed."""
        return self._directory / "broker.log"

    def start(self) -> None:
        """Start and wait until clients are served."""
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(
                [
                    *_dies_with_us(),
                    *self._java("-Xms192m", "-Xmx512m"),
                    "kafka.Kafka",
                    str(self._directory / "server.properties"),
                ],
                stdout=log,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                cwd=self._directory,
            )
        try:
            self._wait_until_served()
        except BaseException:
            self.kill()
            raise

    def stop(self) -> None:
        """End it gracefully; after 15 s, at once."""
        if self._process is None:
            return
        self.thaw()
        self._process.terminate()
        try:
            self._process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def kill(self) -> None:
        """End it without notice, as a power cut would."""
        if self._process is None:
            return
        self._process.kill()
        self._process.wait()
        self._process = None

    def restart(self) -> None:
        """Stop gracefully and start again on the same data and ports."""
        self.stop()
        self.start()

    def freeze(self) -> None:
        """Stop it in its tracks: connections stay open, nothing is answered."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let a frozen broker go on."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: int) -> None:
        if self._process is not None:
            self._process.send_signal(number)

    def _format(self, joining: Mapping[str, str], format_args: tuple[str, ...]) -> None:
        self._directory.mkdir(parents=True, exist_ok=True)
        path = self._directory / "server.properties"
        settings = {
            **_SETTINGS,
            "listeners": f"CLIENTS://127.0.0.1:{self.port},"
            f"CONTROLLER://127.0.0.1:{self.controller_port}",
            "advertised.listeners": f"CLIENTS://127.0.0.1:{self.port}",
            "listener.security.protocol.map": "CLIENTS:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "controller.quorum.bootstrap.servers": f"127.0.0.1:{self.controller_port}",
            "log.dirs": str(self._directory / "data"),
            **joining,
            **self._settings,
        }
        path.write_text("".join(f"{k}={v}\n" for k, v in settings.items()))
        done = subprocess.run(
            [
                *self._java(),
                *("kafka.tools.StorageTool", "format"),
                *("-t", self.cluster, "-c", str(path), *format_args),
            ],
            capture_output=True,
            text=True,
            timeout=_START_S,
            check=False,
        )
        if done.returncode != 0:
            raise BrokerMissing(f"the broker's storage: {done.stdout}{done.stderr}")

    def _java(self, *options: str) -> list[str]:
        return [
            *("java", *options, "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"),
            *("-cp", f"{self._jars}/*"),
        ]

    def _wait_until_served(self) -> None:
        # Java asks for the listener's port last, when everything else is up.
        deadline = time.monotonic() + _START_S
        while time.monotonic() < deadline:
            if self._process is None or self._process.poll() is not None:
                break
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                time.sleep(0.05)
                continue
            return
        tail = self.log_path.read_text(errors="replace")[-2000:]
        raise RuntimeError(f"the broker did not start: {tail}")


def _joining(controller_port: int, port: int) -> dict[str, str]:
    """What another broker of a cluster has instead of a controller of its own."""
    return {
        "process.roles": "broker",
        "node.id": "2",
        "listeners": f"CLIENTS://127.0.0.1:{port}",
        "controller.quorum.bootstrap.servers": f"127.0.0.1:{controller_port}",
    }


def _free_ports(count: int) -> list[int]:
    """Ports that are free now.

    They lie below those that outgoing connections get: one of these could take a port
    between this look and the broker's start.
    """
    with contextlib.ExitStack() as held:
        ports: list[int] = []
        while len(ports) < count:
            port = random.randrange(15_000, 32_000)
            listener = held.enter_context(socket.socket())
            with contextlib.suppress(OSError):
                listener.bind(("127.0.0.1", port))
                ports.append(port)
        return ports


def _dies_with_us() -> list[str]:
    """A prefix that has the kernel kill the broker when the tests are killed."""
    return ["setpriv", "--pdeathsig", "KILL", "--"] if shutil.which("setpriv") else []
