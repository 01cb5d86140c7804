"""Every error code of the client has a meaning here."""

from __future__ import annotations

import pytest
from confluent_kafka import KafkaError, KafkaException

from tocsin.bus.kafka.errors import KINDS, Kind, error_of, kind_of, translate
from tocsin.errors import BusError, BusUnavailable, Fenced, RecordTooLarge

CODES = {
    name: value
    for name in dir(KafkaError)
    if isinstance(value := getattr(KafkaError, name), int) and not name.startswith("__")
}


def test_every_code_of_the_client_is_mapped_and_no_other() -> None:
    assert set(CODES) == set(KINDS)


def test_a_code_keeps_its_name_on_the_way_through_the_client() -> None:
    named = {KafkaError(code).name() for code in CODES.values()}

    assert named == set(CODES)


@pytest.mark.parametrize(
    ("code", "kind", "ours"),
    [
        ("_TRANSPORT", Kind.UNAVAILABLE, BusUnavailable),
        ("UNKNOWN_TOPIC_OR_PART", Kind.MISSING, BusUnavailable),
        ("_FENCED", Kind.FENCED, Fenced),
        ("MSG_SIZE_TOO_LARGE", Kind.TOO_LARGE, RecordTooLarge),
        ("TOPIC_AUTHORIZATION_FAILED", Kind.DENIED, BusError),
        ("_AUTHENTICATION", Kind.SECURITY, BusError),
        ("_INVALID_ARG", Kind.WRONG, BusError),
    ],
)
def test_an_error_is_translated_with_its_cause_and_cure(
    code: str, kind: Kind, ours: type[BusError]
) -> None:
    error = KafkaException(KafkaError(CODES[code], "it says why"))

    translated = translate(error, "topic logs")

    assert kind_of(error) is kind
    assert type(translated) is ours
    assert str(translated) == f"topic logs: it says why ({code})"
    assert bool(translated.hint) is (
        kind in {Kind.UNAVAILABLE, Kind.MISSING, Kind.DENIED, Kind.SECURITY}
    )


def test_an_exception_without_a_code_is_wrong_and_never_harmless() -> None:
    assert error_of(KafkaException("odd")).code() == KafkaError.UNKNOWN
    assert kind_of(KafkaException("odd")) is Kind.WRONG
