"""The programs on a real Kafka, and without it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.broker import Broker
from tests.tocsin.cli.test_programs import logs, program, tocsin, wait

__all__ = ["logs"]  # a fixture

pytestmark = [pytest.mark.e2e, pytest.mark.kafka]


@pytest.fixture
def own_broker(kafka_broker: Broker, tmp_path: Path) -> Iterator[Broker]:
    """A broker that a test may end; the shared one shows that there can be one."""
    del kafka_broker
    broker = Broker(tmp_path / "broker")
    broker.start()
    yield broker
    broker.kill()


@pytest.mark.parametrize("failure", ["killed", "frozen"])
def test_it_ends_gracefully_when_the_broker_is_gone(
    own_broker: Broker, tmp_path: Path, logs: Path, failure: str
) -> None:
    bus = ["--bus", f"kafka://{own_broker.bootstrap}", "--topic-prefix", "p."]
    state = ["--state-dir", str(tmp_path / "state")]
    with program(tmp_path, "run", *bus, *state, str(logs)) as running:
        wait(lambda: running.said().count("bus_open") == 3)
        tap = ["tap", "raw-logs", *bus, "--json", "--from", "beginning"]
        tapped = tocsin(*tap, "--count", "3")
        if failure == "killed":
            own_broker.kill()
        else:
            own_broker.freeze()
        with (logs / "shop" / "shop.log").open("a") as file:
            file.write("2026-01-01 00:00:00,000 - shop - INFO - order 3\n")
        time.sleep(2)  # so that all three are in the middle of trying
        began = time.monotonic()

        status = running.stop()

    lines = [json.loads(line)["value"][-7:] for line in tapped.stdout.splitlines()]
    assert lines == ["order 0", "order 1", "order 2"]
    assert status == 0
    assert time.monotonic() - began < 10.5
    assert "Traceback" not in running.said()


def test_topics_that_it_may_not_create_are_waited_for(
    kafka_broker: Broker, tmp_path: Path, logs: Path
) -> None:
    bus = ["--bus", f"kafka://{kafka_broker.bootstrap}", "--topic-prefix", "late."]
    state = ["--state-dir", str(tmp_path / "state")]
    words = ["collect", *bus, *state, str(logs)]
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    with program(tmp_path / "one", *words, "--no-create-topics") as waiting:
        wait(lambda: "missing topic" in waiting.said())
        with program(tmp_path / "two", *words, "--id", "other") as creating:
            wait(lambda: "bus_open" in creating.said())
            wait(lambda: "bus_open" in waiting.said())

            assert creating.stop() == 0
        assert waiting.stop() == 0
    assert "--no-create-topics" in waiting.said()
