"""The compose file's Kafka settings start a real broker that does transactions.

Without a container engine: the settings are written to a file by the image's rule,
with free ports, this machine's name and a temporary directory in place of theirs.
"""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from tests.broker import BrokerMissing, fetch_jars
from tests.conftest import unavailable
from tests.dashboards.stack import Compose

pytestmark = [pytest.mark.kafka, pytest.mark.slow]

# The image hands these to Java and its scripts; all other KAFKA_… are settings.
_NO_SETTINGS = {"KAFKA_HEAP_OPTS"}


@pytest.fixture(scope="module")
def bootstrap(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a broker with the compose file's settings."""
    directory = tmp_path_factory.mktemp("compose-kafka")
    environment = Compose().services["kafka"].environment
    ports = {port: _free_port() for port in ("9092", "19092", "29093")}
    properties = directory / "server.properties"
    properties.write_text(_properties(environment, ports, directory / "data"))
    try:
        java = ["java", "-Xmx512m", "-XX:+UseSerialGC", "-cp", f"{fetch_jars()}/*"]
    except BrokerMissing as missing:
        unavailable(f"Kafka tests: {missing}")
    _format(java, environment["CLUSTER_ID"], properties)
    with (directory / "broker.log").open("wb") as log:
        process = subprocess.Popen(
            [*java, "kafka.Kafka", properties],
            stdout=log,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            cwd=directory,
        )
    try:
        _wait_for(ports["9092"], process, directory / "broker.log")
        yield f"localhost:{ports['9092']}"
    finally:
        process.terminate()
        process.wait(timeout=20)


def test_offsets_and_records_commit_in_one_transaction(bootstrap: str) -> None:
    admin = AdminClient({"bootstrap.servers": bootstrap})
    admin.create_topics([NewTopic("lines", 1, 1)])["lines"].result(20)
    producer = Producer({"bootstrap.servers": bootstrap, "transactional.id": "test"})
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": "readers",
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
        }
    )
    consumer.assign([TopicPartition("lines", 0, 0)])
    producer.init_transactions(30)
    producer.begin_transaction()
    producer.produce("lines", value=b"one")
    group = consumer.consumer_group_metadata()
    producer.send_offsets_to_transaction([TopicPartition("lines", 0, 1)], group, 20)

    producer.commit_transaction(20)

    message = consumer.poll(20)
    (committed,) = consumer.committed([TopicPartition("lines", 0)], 20)
    consumer.close()
    assert message is not None
    assert message.value() == b"one"
    assert committed.offset == 1


def test_a_mistyped_topic_is_not_created(bootstrap: str) -> None:
    admin = AdminClient({"bootstrap.servers": bootstrap})
    admin.list_topics("raw-log", timeout=20)

    assert "raw-log" not in admin.list_topics(timeout=20).topics


def _properties(environment: dict[str, str], ports: dict[str, int], data: Path) -> str:
    lines = []
    for name, value in environment.items():
        if not name.startswith("KAFKA_") or name in _NO_SETTINGS:
            continue
        text = value.replace("kafka:", "localhost:").replace("@kafka", "@localhost")
        for port, free in ports.items():
            text = text.replace(f":{port}", f":{free}")
        if name == "KAFKA_LOG_DIRS":
            text = str(data)
        key = name.removeprefix("KAFKA_").lower().replace("_", ".")
        lines.append(f"{key}={text}\n")
    return "".join(lines)


def _format(java: list[str], cluster: str, properties: Path) -> None:
    done = subprocess.run(
        [*java, "kafka.tools.StorageTool", "format", "-t", cluster, "-c", properties],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            socket.create_connection(("localhost", port), timeout=1).close()
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(log.read_text()[-2000:]) from None
            time.sleep(0.1)
        else:
            return
