"""The effective configuration and its schema."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tocsin.config.document import parse_document
from tocsin.config.kinds import duration_s, size_bytes
from tocsin.config.loading import load
from tocsin.config.model import Config
from tocsin.config.settings import settings
from tocsin.config.showing import (
    MASK,
    as_yaml,
    duration_text,
    effective,
    schema,
    size_text,
)

ENVIRON = {
    "TOCSIN_SLACK_BOT_TOKEN": "xoxb-hush",
    "TOCSIN_SLACK_CHANNEL": "#ops: all",
    "TOCSIN_BUS_KAFKA_SASL_PASSWORD": "hush",
    "TOCSIN_PROCESSOR_FLUSH": "250ms",
}


def test_every_setting_is_shown_with_its_origin_and_secrets_masked() -> None:
    shown = {s.key: (v, o) for s, v, o in effective(load(file=None, environ=ENVIRON))}

    assert set(shown) == {setting.key for setting in settings()}
    assert shown["processor.flush"] == ("250ms", "TOCSIN_PROCESSOR_FLUSH")
    assert shown["alerting.slack.bot_token"] == (MASK, "TOCSIN_SLACK_BOT_TOKEN")
    assert shown["bus.kafka"][0] == {"sasl.password": MASK}
    assert shown["bus.url"] == ("embedded://", "default")


def test_what_is_shown_is_a_file_that_means_the_same() -> None:
    loaded = load(file=None, environ={**ENVIRON, "TOCSIN_ID": "a.b-c"})

    text = "\n".join(as_yaml(loaded))

    layer = parse_document(text, "shown")
    assert not layer.mistakes
    assert Config.model_validate(layer.values).model_copy(
        update={"alerting": loaded.config.alerting, "bus": loaded.config.bus}
    ) == (loaded.config)
    assert "hush" not in text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.1, "100ms"),
        (90, "90s"),
        (1800, "30m"),
        (86400, "1d"),
        (0, "0s"),
        (1.5, "1500ms"),
    ],
)
def test_a_duration_is_written_in_the_largest_whole_unit(
    seconds: float, text: str
) -> None:
    assert duration_text(seconds) == text
    assert duration_s(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("size", "text"), [(0, "0B"), (1000, "1000B"), (65536, "64KiB"), (2**31, "2GiB")]
)
def test_a_size_is_written_in_the_largest_whole_unit(size: int, text: str) -> None:
    assert size_text(size) == text
    assert size_bytes(text) == size


def test_the_schema_knows_every_setting_and_shows_defaults_as_they_are_written() -> (
    None
):
    described = schema()

    processor = described["$defs"]["ProcessorConfig"]["properties"]
    assert processor["flush"]["default"] == "100ms"
    assert processor["flush"]["type"] == "string"
    assert set(described["properties"]) == set(Config.model_fields)
    assert described["additionalProperties"] is False
    assert '"ge"' not in json.dumps(described)


def test_a_rule_is_shown_by_the_keys_that_a_file_has(tmp_path: Path) -> None:
    path = tmp_path / "tocsin.yaml"
    path.write_text(
        "alerting:\n  rules:\n"
        "    - {name: many, type: threshold, warning: 5, for: 10s}\n"
    )

    shown = "\n".join(as_yaml(load(file=path, environ={})))

    assert '"for": "10s"' in shown
    assert "for_" not in shown
