"""Which bus a URL opens, and what a wrong one is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from tocsin.bus.opening import open_bus
from tocsin.bus.specs import specs
from tocsin.config.model import BusConfig
from tocsin.errors import ConfigError
from tocsin.records import topics


def test_the_default_is_a_file_in_the_state_directory(tmp_path: Path) -> None:
    with open_bus(BusConfig(), state_dir=tmp_path / "state") as bus:
        assert bus.describe() == f"embedded bus {tmp_path}/state/tocsin.db"

    assert (tmp_path / "state" / "tocsin.db").is_file()


def test_a_path_in_the_url_names_the_file(tmp_path: Path) -> None:
    config = BusConfig(url=f"embedded://{tmp_path}/other.db")

    with open_bus(config, state_dir=Path("/nowhere")):
        pass

    assert (tmp_path / "other.db").is_file()


@pytest.mark.parametrize(
    ("url", "problem", "cure"),
    [
        ("tocsin.db", "is not a URL", "embedded://"),
        ("", "is not a URL", "embedded://"),
        ("redis://localhost:6379", "no bus called 'redis'", "kafka://host:port"),
        ("embedded://tocsin.db", "no absolute path", "embedded:///tocsin.db"),
        ("kafka://", "expected host:port", "kafka://host:9092"),
        ("kafka://localhost", "expected host:port", "kafka://host:9092"),
        ("kafka://localhost:99999", "expected host:port", "kafka://host:9092"),
        ("kafka://one:9092,two", "got 'two'", "kafka://one:9092,two:9092"),
        ("kafka://user:geheim@one:9092", "does not belong", "sasl.password"),
    ],
)
def test_a_wrong_url_is_told_what_is_right(
    tmp_path: Path, url: str, problem: str, cure: str
) -> None:
    with pytest.raises(ConfigError, match=problem) as caught:
        open_bus(BusConfig().model_copy(update={"url": url}), state_dir=tmp_path)

    assert cure in caught.value.hint
    assert "geheim" not in str(caught.value) + caught.value.hint


def test_every_topic_and_table_has_a_spec() -> None:
    by_name = {spec.name: spec for spec in specs(BusConfig())}

    assert by_name["raw-logs"].partitions == 4
    assert by_name["raw-logs"].retention_s == 86_400.0
    assert not by_name["raw-logs"].compacted
    assert by_name["checkpoints"].compacted
    assert by_name["checkpoints"].retention_s is None
    assert {topics.ALERTS, topics.DEAD_LETTERS, *topics.TABLES} < by_name.keys()
