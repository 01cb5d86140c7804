"""What goes wrong with brokers and processes; nothing is lost or counted twice."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from tests.broker import Broker
from tests.tocsin.bus.kafka import copier
from tests.tocsin.bus.kafka.copier import copy
from tests.tocsin.bus.kafka.support import lines, open_bus, polled, read_all, send
from tocsin.bus.kafka.adapter import KafkaBus
from tocsin.errors import BusUnavailable, TransactionAborted
from tocsin.ports.bus import Batch, Consumer, Producer, TopicSpec

pytestmark = pytest.mark.kafka

LOGS = [TopicSpec("logs"), TopicSpec("copy"), TopicSpec("state", compacted=True)]


@pytest.fixture(scope="module")
def own_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """A broker that these tests may stop and freeze."""
    broker = Broker(tmp_path_factory.mktemp("own-kafka"))
    broker.start()
    yield broker
    broker.stop()


@pytest.fixture
def shaky(
    kafka_broker: Broker, own_broker: Broker, prefix: str
) -> Iterator[tuple[Broker, KafkaBus]]:
    """A broker to be disturbed, and a bus on it. Skips where `kafka_broker` does."""
    del kafka_broker
    with open_bus(own_broker, prefix) as bus:
        bus.ensure_topics(LOGS, create=True)
        yield own_broker, bus


@contextmanager
def frozen(broker: Broker) -> Iterator[None]:
    broker.freeze()
    try:
        yield
    finally:
        broker.thaw()


def copy_on(producer: Producer, consumer: Consumer, *, until: int) -> None:
    """Copy as a worker does, until so many records are copied in all."""
    copied, deadline = 0, time.monotonic() + 20.0
    while copied < until and time.monotonic() < deadline:
        try:
            if batches := consumer.poll(max_records=7, wait_s=0.3):
                copied += copy(producer, consumer, batches)
        except TransactionAborted:
            pass
        except BusUnavailable:
            time.sleep(0.2)


def test_a_broker_that_restarts_in_the_middle_of_a_batch(
    shaky: tuple[Broker, KafkaBus],
) -> None:
    broker, bus = shaky
    values = [str(n) for n in range(40)]
    producer = bus.producer("me")
    consumer = bus.consumer(["logs"], group="g", member="m")
    send(producer, *values[:20])
    held = polled(consumer, 20)

    broker.restart()
    left = 40
    with suppress(TransactionAborted):
        left -= copy(producer, consumer, held)
    send_somehow(producer, *values[20:])
    copy_on(producer, consumer, until=left)

    assert read_all(bus.reader(["copy"])) == values


def test_a_broker_that_hangs_for_longer_than_a_transaction_may_last(
    shaky: tuple[Broker, KafkaBus],
) -> None:
    """The outcome of the commit is unknown, and nothing can be read until it is."""
    broker, bus = shaky
    values = [str(n) for n in range(20)]
    producer = bus.producer("me")
    consumer = bus.consumer(["logs"], group="g", member="m")
    view = bus.table("state")
    assert bus.partitions("copy") == 1  # it is known before the broker hangs
    send(producer, *values)
    held = polled(consumer, 20)

    with frozen(broker):
        started = time.monotonic()
        with pytest.raises(TransactionAborted):
            copy(producer, consumer, held)
        waited_s = time.monotonic() - started
        with pytest.raises(BusUnavailable):
            view.refresh()
        time.sleep(max(0.0, 13.0 - (time.monotonic() - started)))
    copy_on(producer, consumer, until=20)

    assert waited_s < 8.0
    assert read_all(bus.reader(["copy"])) == values


def test_everything_closes_in_time_while_the_broker_hangs(
    shaky: tuple[Broker, KafkaBus], prefix: str
) -> None:
    broker, _ = shaky
    bus = open_bus(broker, prefix)
    producer = bus.producer("closing")
    consumer = bus.consumer(["logs"], group="closing", member="m")
    bus.table("state")
    consumer.poll(max_records=1, wait_s=0.3)
    send(producer, "1")

    with frozen(broker):
        started = time.monotonic()
        bus.close()
        took_s = time.monotonic() - started

    assert took_s < 6.0


def test_a_broker_that_is_not_there_is_told_soon_and_by_its_address(
    prefix: str, kafka_broker: Broker
) -> None:
    del kafka_broker
    bus = KafkaBus(
        "127.0.0.1:1", prefix=prefix, replication=1, settings={}, client_id="tests"
    )
    started = time.monotonic()

    with pytest.raises(
        BusUnavailable, match=r"kafka://127\.0\.0\.1:1.*refused"
    ) as raised:
        bus.ensure_topics(LOGS, create=True)
    bus.close()

    assert "is the broker running" in raised.value.hint
    assert time.monotonic() - started < 5.0


def test_a_broker_that_goes_away_is_told_by_a_waiting_consumer(
    shaky: tuple[Broker, KafkaBus],
) -> None:
    broker, bus = shaky
    consumer = bus.consumer(["logs"], group="g", member="m")
    consumer.poll(max_records=1, wait_s=0.3)

    broker.kill()
    try:
        with pytest.raises(BusUnavailable):
            polled(consumer, 1, within_s=20.0)
    finally:
        broker.start()
    send(bus.producer("me"), "back")

    assert [b.records.values for b in poll_somehow(consumer)] == [[b"back"]]


def test_a_process_that_slept_through_its_session_commits_nothing(
    bus: KafkaBus, kafka_broker: Broker, prefix: str
) -> None:
    bus.ensure_topics([TopicSpec("copy")], create=True)
    values = [str(n) for n in range(10)]
    send(bus.producer("me"), *values)
    with sleeper(kafka_broker, prefix) as process:
        assert said(process) == "held"
        process.send_signal(signal.SIGSTOP)
        consumer = bus.consumer(["logs"], group="copy", member="other")
        copied = copy(bus.producer("other"), consumer, polled(consumer, 10))
        process.send_signal(signal.SIGCONT)
        tell(process)
        outcome, afterwards = said(process), said(process)

    assert copied == 10
    assert outcome == "TransactionAborted"
    assert afterwards == "copied 0"
    assert read_all(bus.reader(["copy"])) == values


def test_a_process_that_is_killed_with_a_transaction_open_holds_nobody_up(
    bus: KafkaBus, kafka_broker: Broker, prefix: str
) -> None:
    bus.ensure_topics([TopicSpec("copy")], create=True)
    values = [str(n) for n in range(10)]
    send(bus.producer("me"), *values)
    with sleeper(kafka_broker, prefix) as process:
        assert said(process) == "held"
        process.kill()

    started = time.monotonic()
    producer = bus.producer("copier")
    consumer = bus.consumer(["logs"], group="copy", member="copier")
    copy(producer, consumer, polled(consumer, 10))

    assert read_all(bus.reader(["copy"])) == values
    assert time.monotonic() - started < 6.0


@contextmanager
def sleeper(broker: Broker, prefix: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", copier.MODULE, broker.bootstrap, prefix]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def said(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def tell(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("go on\n")
    process.stdin.flush()


def send_somehow(producer: Producer, *values: str) -> None:
    """Send once, however often it takes; the values must not be sent twice."""
    for _ in range(20):
        try:
            with producer.transaction() as tx:
                tx.send("logs", 0, lines(*values))
        except (TransactionAborted, BusUnavailable):
            time.sleep(0.2)
        else:
            return


def poll_somehow(consumer: Consumer) -> list[Batch]:
    for _ in range(20):
        try:
            if batches := polled(consumer, 1, within_s=3.0):
                return batches
        except BusUnavailable:
            time.sleep(0.2)
    return []
