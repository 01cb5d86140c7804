"""A broker that wants a password and grants rights: what refuses us is told at once."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
)

from tests.broker import Broker
from tests.tocsin.bus.kafka.support import open_bus, read_all, send
from tocsin.bus.kafka.adapter import KafkaBus
from tocsin.errors import BusError, BusUnavailable, TransactionAborted
from tocsin.ports.bus import TopicSpec

pytestmark = pytest.mark.kafka

ADMIN, ADMIN_SECRET = "admin", "xyzzy-admin"
USER, USER_SECRET = "tocsin", "xyzzy-plugh"


@pytest.fixture(scope="module")
def guarded(
    kafka_broker: Broker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Broker]:
    """SCRAM passwords and access rights; skips where `kafka_broker` does."""
    del kafka_broker
    scram = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
    broker = Broker(
        tmp_path_factory.mktemp("guarded-kafka"),
        settings={
            "listener.security.protocol.map": (
                "CLIENTS:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT"
            ),
            "sasl.enabled.mechanisms": "SCRAM-SHA-512",
            "sasl.mechanism.inter.broker.protocol": "SCRAM-SHA-512",
            "listener.name.clients.scram-sha-512.sasl.jaas.config": (
                scram.replace(";", f' username="{ADMIN}" password="{ADMIN_SECRET}";')
            ),
            "authorizer.class.name": (
                "org.apache.kafka.metadata.authorizer.StandardAuthorizer"
            ),
            # The controller's own listener is on loopback and has no users.
            "super.users": f"User:{ADMIN};User:ANONYMOUS",
        },
        format_args=tuple(
            argument
            for name, secret in ((ADMIN, ADMIN_SECRET), (USER, USER_SECRET))
            for argument in (
                "--add-scram",
                f"SCRAM-SHA-512=[name={name},password={secret}]",
            )
        ),
    )
    broker.start()
    yield broker
    broker.stop()


def credentials(user: str, secret: str) -> dict[str, str]:
    return {
        "security.protocol": "SASL_PLAINTEXT",
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.username": user,
        "sasl.password": secret,
    }


def opened(broker: Broker, prefix: str, user: str, secret: str) -> KafkaBus:
    return open_bus(broker, prefix, credentials(user, secret))


def test_the_right_password_works(guarded: Broker, prefix: str) -> None:
    with opened(guarded, prefix, ADMIN, ADMIN_SECRET) as bus:
        bus.ensure_topics([TopicSpec("logs")], create=True)
        send(bus.producer("me"), "line")

        assert read_all(bus.reader(["logs"])) == ["line"]


def test_a_wrong_password_is_told_at_once_and_not_shown(
    guarded: Broker, prefix: str
) -> None:
    started = time.monotonic()
    with (
        opened(guarded, prefix, USER, "wrong-secret") as bus,
        pytest.raises(BusError, match="cannot log in") as raised,
    ):
        bus.ensure_topics([TopicSpec("logs")], create=True)

    assert not isinstance(raised.value, BusUnavailable)
    assert "sasl.*" in raised.value.hint
    assert "wrong-secret" not in f"{raised.value} {raised.value.__cause__}"
    assert time.monotonic() - started < 4.0


def test_a_missing_right_is_told_with_the_name_and_the_cure(
    guarded: Broker, prefix: str
) -> None:
    with opened(guarded, prefix, ADMIN, ADMIN_SECRET) as bus:
        bus.ensure_topics([TopicSpec("logs")], create=True)
    with opened(guarded, prefix, USER, USER_SECRET) as bus:
        with pytest.raises(BusError, match=f"{prefix}identities") as raised:
            bus.producer("me")
        grant(guarded, ResourceType.TOPIC, f"{prefix}identities", AclOperation.ALL)
        with pytest.raises(BusError, match="'me'") as refused:
            bus.producer("me")

    for told in (raised.value, refused.value):
        assert not isinstance(told, BusUnavailable)
        assert "kafka-acls" in told.hint


def test_the_least_rights_are_enough(guarded: Broker, prefix: str) -> None:
    with opened(guarded, prefix, ADMIN, ADMIN_SECRET) as bus:
        bus.ensure_topics([TopicSpec("logs")], create=True)
    for topic in ("logs", "identities"):
        for right in (AclOperation.READ, AclOperation.WRITE):
            grant(guarded, ResourceType.TOPIC, f"{prefix}{topic}", right)
    grant(guarded, ResourceType.TRANSACTIONAL_ID, f"{prefix}me", AclOperation.WRITE)

    with opened(guarded, prefix, USER, USER_SECRET) as bus:
        assert bus.ensure_topics([TopicSpec("logs")], create=True) == []
        send(bus.producer("me"), "line")
        found = read_all(bus.reader(["logs"]))

    assert found == ["line"]


def test_a_right_that_is_taken_away_is_waited_for(guarded: Broker, prefix: str) -> None:
    with opened(guarded, prefix, ADMIN, ADMIN_SECRET) as bus:
        bus.ensure_topics([TopicSpec("logs")], create=True)
    rights = [
        (ResourceType.TOPIC, f"{prefix}identities"),
        (ResourceType.TOPIC, f"{prefix}logs"),
        (ResourceType.TRANSACTIONAL_ID, f"{prefix}me"),
    ]
    for kind, name in rights:
        grant(guarded, kind, name, AclOperation.ALL)
    with opened(guarded, prefix, USER, USER_SECRET) as bus:
        producer = bus.producer("me")
        send(producer, "before")

        for kind, name in rights[1:]:
            revoke(guarded, kind, name)
            for _ in range(2):
                with pytest.raises(TransactionAborted):
                    send(producer, "meanwhile")
            grant(guarded, kind, name, AclOperation.ALL)
            send(producer, f"after {kind.name}")

        expected = ["before", "after TOPIC", "after TRANSACTIONAL_ID"]
        assert read_all(bus.reader(["logs"])) == expected


def test_tls_against_a_broker_without_is_told(
    kafka_broker: Broker, prefix: str
) -> None:
    with (
        open_bus(kafka_broker, prefix, {"security.protocol": "SSL"}) as bus,
        pytest.raises(BusUnavailable, match=r"cannot reach Kafka .* ssl://"),
    ):
        bus.topics()


def administration(broker: Broker) -> AdminClient:
    settings = credentials(ADMIN, ADMIN_SECRET) | {"log_level": "0"}
    return AdminClient({"bootstrap.servers": broker.bootstrap, **settings})


def revoke(broker: Broker, kind: ResourceType, name: str) -> None:
    every = AclBindingFilter(
        kind,
        name,
        ResourcePatternType.LITERAL,
        f"User:{USER}",
        "*",
        AclOperation.ANY,
        AclPermissionType.ANY,
    )
    admin = administration(broker)
    for answer in admin.delete_acls([every]).values():
        answer.result(10)


def grant(broker: Broker, kind: ResourceType, name: str, right: AclOperation) -> None:
    admin = administration(broker)
    binding = AclBinding(
        kind,
        name,
        ResourcePatternType.LITERAL,
        f"User:{USER}",
        "*",
        right,
        AclPermissionType.ALLOW,
    )
    for answer in admin.create_acls([binding]).values():
        answer.result(10)
