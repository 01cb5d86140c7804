"""Scenarios 55 to 64: what becomes of a broker, and of what it was asked to keep."""

from __future__ import annotations

import os
import signal
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    NewTopic,
    ResourcePatternType,
    ResourceType,
)

from tests.broker import Broker, BrokerMissing
from tests.conftest import unavailable
from tests.scenarios.program import Collector, eventually
from tests.scenarios.stage import Installation, Stage, Tap
from tocsin.bus.opening import open_bus
from tocsin.config.model import BusConfig
from tocsin.records.topics import RAW_LOGS

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.kafka]

_MIB = 1024**2
# Everybody may do everything, until a rule is made for a name.
_GUARDED = {
    "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    "allow.everyone.if.no.acl.found": "true",
}


@pytest.fixture(scope="module")
def victim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """A broker that may be frozen, killed and restarted; running again after each."""
    try:
        broker = Broker(tmp_path_factory.mktemp("victim"), settings=_GUARDED)
    except BrokerMissing as missing:
        unavailable(f"Kafka scenarios: {missing}")
    broker.start()
    yield broker
    broker.kill()


@pytest.fixture
def stage(
    victim: Broker, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Stage]:
    """A stage of its own on the broker that may be hurt."""
    tag = request.node.name.split("_")[1]
    home = Installation(tmp_path, victim, prefix=f"{tag}-{uuid.uuid4().hex[:10]}.")
    yield Stage(home, home.logs, tag)
    home.close()


@contextmanager
def shipping(stage: Stage) -> Iterator[Collector]:
    """A collector that has shipped its first lines."""
    with stage.home.collector() as collector:
        stage.write(stage.logs / "app.log")
        stage.wait()
        yield collector
        assert collector.lost_bytes == 0


def resident_mib(collector: Collector) -> float:
    return psutil.Process(collector.pid).memory_info().rss / _MIB


def test_s55_frozen_for_longer_than_a_transaction_may_take(
    stage: Stage, victim: Broker
) -> None:
    path = stage.logs / "app.log"
    with shipping(stage) as collector:
        victim.freeze()
        stage.write(path, 20_000)
        time.sleep(15)
        victim.thaw()
        stage.write(path)

        # librdkafka calls this fenced, although there is no second collector.
        stage.expect_exactly_once()
        assert collector.said("transaction_aborted")


def test_s56_killed_while_the_broker_is_frozen(stage: Stage, victim: Broker) -> None:
    path = stage.logs / "app.log"
    with stage.home.collector() as collector:
        stage.write(path)
        stage.wait()
        victim.freeze()
        stage.write(path, 20_000)
        time.sleep(1.0)
        collector.kill()
        victim.thaw()

    with stage.home.collector():
        stage.expect_exactly_once()


def test_s57_a_broker_that_comes_late_finds_memory_flat_and_everything_there(
    stage: Stage, victim: Broker
) -> None:
    # 30 MB: were they read ahead, they would show in what is resident.
    stage.write(stage.logs / "backlog.log", 500_000)
    victim.stop()
    with stage.home.collector() as collector:
        collector.wait_said("waiting_for_bus")
        time.sleep(3.0)
        while_down = resident_mib(collector)
        victim.start()

        stage.wait(within_s=60)
        assert while_down < 80
        assert resident_mib(collector) < 80
        assert collector.said().count("waiting_for_bus") == 1
        assert collector.lost_bytes == 0
    stage.check()


def test_s58_a_topic_that_is_deleted_and_created_again(
    stage: Stage, victim: Broker
) -> None:
    path = stage.logs / "app.log"
    topic = f"{stage.home.prefix}{RAW_LOGS}"
    admin = AdminClient({"bootstrap.servers": victim.bootstrap, "log_level": 0})
    with shipping(stage) as collector:
        stage.home.close()
        admin.delete_topics([topic])[topic].result(10)
        stage.write(path, 100)
        collector.wait_said("transaction_aborted")
        admin.create_topics([NewTopic(topic, 4, 1)])[topic].result(10)

        eventually(
            lambda: collector.metric("tocsin_collector_lines_total") >= 103,
            "lines after the topic is back",
        )
        # A reader that met the old topic knows nothing of the new one.
        config = BusConfig(url=stage.home.url, topic_prefix=stage.home.prefix)
        with open_bus(config, state_dir=stage.home.state, client_id="after") as bus:
            found = Tap(bus, RAW_LOGS)
            found.poll(5.0)
        assert sorted(r.value for r in found.records) == sorted(stage.wrote)[3:]


@contextmanager
def forbidden(broker: Broker, kind: ResourceType, name: str) -> Iterator[None]:
    """Nobody may write to a topic, or under an identity, meanwhile; only look."""
    admin = AdminClient({"bootstrap.servers": broker.bootstrap, "log_level": 0})
    which = kind, name, ResourcePatternType.LITERAL
    rules = {AclOperation.WRITE: AclPermissionType.DENY}
    if kind is ResourceType.TOPIC:
        rules[AclOperation.READ] = AclPermissionType.ALLOW
    made_of = [AclBinding(*which, "User:*", "*", *rule) for rule in rules.items()]
    for made in admin.create_acls(made_of).values():
        made.result(10)
    try:
        yield
    finally:
        every = AclOperation.ANY, AclPermissionType.ANY
        filters = [AclBindingFilter(*which, "User:*", "*", *every)]
        for gone in admin.delete_acls(filters).values():
            gone.result(10)


def test_s58_a_right_that_is_taken_away_is_waited_for_and_nothing_is_lost(
    stage: Stage, victim: Broker
) -> None:
    path = stage.logs / "app.log"
    rights = {
        ResourceType.TOPIC: f"{stage.home.prefix}{RAW_LOGS}",
        ResourceType.TRANSACTIONAL_ID: f"{stage.home.prefix}collector-it",
    }
    told_of = {
        ResourceType.TOPIC: "TOPIC_AUTHORIZATION_FAILED",
        ResourceType.TRANSACTIONAL_ID: "TRANSACTIONAL_ID_AUTHORIZATION_FAILED",
    }
    with shipping(stage) as collector:
        for number, (kind, name) in enumerate(rights.items(), 1):
            with forbidden(victim, kind, name):
                stage.write(path, 200)
                collector.wait_said("transaction_aborted", told_of[kind])
                time.sleep(1.0)
                assert len(stage.records()) == 3 + 200 * (number - 1)
            stage.wait()

        stage.expect_exactly_once()
        told = collector.said("transaction_aborted").splitlines()
        assert len(told) <= 2 * len(rights), told


def test_s59_a_line_over_the_brokers_limit_is_a_dead_letter_and_the_rest_goes_on(
    stage: Stage, victim: Broker
) -> None:
    topic = f"{stage.home.prefix}{RAW_LOGS}"
    strict = {"max.message.bytes": "20000"}
    admin = AdminClient({"bootstrap.servers": victim.bootstrap, "log_level": 0})
    admin.create_topics([NewTopic(topic, 1, 1, config=strict)])[topic].result(10)
    path = stage.logs / "app.log"
    huge = os.urandom(30_000).hex().encode()
    with stage.home.collector() as collector:
        stage.write(path)
        stage.append(path, huge + b"\n")
        stage.write(path)

        stage.wait()
        letters = stage.home.dead_letters()
        assert [letter.key.offset for letter in letters] == [3 * 61]
        assert b'"reason":"too_large"' in letters[0].value
        assert collector.metric("tocsin_dead_letters_total", reason="too_large") == 1
    stage.check()


def test_s60_s61_a_restart_in_the_middle_keeps_every_line_and_their_order(
    stage: Stage, victim: Broker
) -> None:
    paths = [stage.logs / f"{name}.log" for name in "abc"]
    with shipping(stage):
        for path in paths:
            stage.write(path, 20_000)
        stage.wait(1_000)
        victim.kill()
        victim.start()
        for path in paths:
            stage.write(path, 1_000)

        stage.expect_exactly_once()
    for file_id in stage.file_ids():
        own = [r for r in stage.records() if r.key.file_id == file_id]
        assert len({r.partition for r in own}) == 1
        offsets = [r.key.offset for r in own]
        assert offsets == sorted(offsets)


def test_s62_a_transaction_that_takes_too_long_is_done_again(stage: Stage) -> None:
    path = stage.logs / "app.log"
    with shipping(stage) as collector:
        stage.write(path, 100_000)
        stage.wait(1_000)
        # It sleeps, perhaps with a transaction open, until the broker has ended that.
        collector.signal(signal.SIGSTOP)
        time.sleep(13)
        collector.signal(signal.SIGCONT)
        stage.write(path)

        stage.expect_exactly_once()


@pytest.mark.parametrize("how", ["frozen", "killed"])
def test_s63_it_stops_in_time_while_the_broker_is_away(
    stage: Stage, victim: Broker, how: str
) -> None:
    path = stage.logs / "app.log"
    collector = stage.home.collector()
    collector.start()
    stage.write(path)
    stage.wait()
    if how == "frozen":
        victim.freeze()
    else:
        victim.kill()
    stage.write(path, 5_000)
    time.sleep(1.0)
    begun = time.monotonic()

    status = collector.stop()

    took_s = time.monotonic() - begun
    if how == "frozen":
        victim.thaw()
    else:
        victim.start()
    assert (status, took_s < 10.5) == (0, True)
    with stage.home.collector():
        stage.expect_exactly_once()


def test_s64_a_slow_broker_slows_the_reading_and_memory_stays_flat(
    stage: Stage, victim: Broker
) -> None:
    path = stage.logs / "app.log"
    with shipping(stage) as collector:
        stage.write(path, 400_000)
        most = 0.0
        for _ in range(20):  # it answers a fifth of the time
            victim.freeze()
            time.sleep(0.4)
            victim.thaw()
            time.sleep(0.1)
            most = max(most, resident_mib(collector))

        stage.expect_exactly_once()
        assert max(most, resident_mib(collector)) < 80
