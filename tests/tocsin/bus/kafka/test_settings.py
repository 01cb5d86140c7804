"""Settings pass through to the client; secrets and exactly-once are guarded."""

from __future__ import annotations

import pytest
from pydantic import SecretStr

from tocsin.bus.kafka.adapter import KafkaBus
from tocsin.bus.kafka.settings import ClientSettings
from tocsin.errors import BusError, ConfigError

SECRET = "xyzzy-plugh"  # noqa: S105 - not in use anywhere


def settings(**given: str) -> ClientSettings:
    named = {key.replace("_", "."): SecretStr(value) for key, value in given.items()}
    return ClientSettings("broker:9092", named, client_id="test")


def test_security_settings_reach_every_client() -> None:
    given = settings(security_protocol="SASL_SSL", sasl_password=SECRET)

    for built in (
        given.admin(),
        given.producer("id"),
        given.member("group", "me"),
        given.reader(),
        given.table(),
    ):
        assert built["security.protocol"] == "SASL_SSL"
        assert built["sasl.password"] == SECRET


@pytest.mark.parametrize("key", ["isolation_level", "transactional_id", "group_id"])
def test_what_exactly_once_rests_on_cannot_be_set(key: str) -> None:
    with pytest.raises(ConfigError, match=key.replace("_", ".")):
        settings(**{key: "anything"})


def test_secrets_show_nowhere() -> None:
    secrets = {"sasl.password": SecretStr(SECRET), "ssl.key.pem": SecretStr(SECRET)}
    bus = KafkaBus(
        "broker:9092", prefix="p.", replication=1, settings=secrets, client_id="c"
    )

    shown = f"{bus!r} {bus.describe()} {ClientSettings('b', secrets, client_id='c')!r}"

    assert SECRET not in shown
    assert "sasl.password='***'" in shown
    assert "kafka://broker:9092" in shown


def test_a_secret_in_an_error_of_the_client_is_masked() -> None:
    bus = KafkaBus(
        "broker:9092",
        prefix="",
        replication=1,
        settings={
            "sasl.mechanism": SecretStr("PLAIN"),
            "ssl.ca.location": SecretStr(f"/no/{SECRET}"),
            "ssl.key.password": SecretStr(SECRET),
            "security.protocol": SecretStr("SSL"),
        },
        client_id="c",
    )

    with pytest.raises(BusError, match=r"ssl\.ca\.location") as raised:
        bus.topics()

    assert SECRET not in str(raised.value)
    assert raised.value.__suppress_context__


def test_a_security_protocol_is_no_secret() -> None:
    given = settings(security_protocol="SASL_SSL", sasl_password=SECRET)

    assert given.masked(f"SASL_SSL {SECRET}") == "SASL_SSL ***"
