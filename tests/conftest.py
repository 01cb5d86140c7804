"""Fixtures that several parts share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import NoReturn

import pytest
from hypothesis import settings

from tests.broker import Broker, BrokerMissing
from tests.seed import HOW_TO_REPEAT

# Speed is measured by the benchmarks; a busy machine must not fail a property.
settings.register_profile("tocsin", deadline=None)
settings.load_profile("tocsin")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Tell, after failure and success alike, how to play the same again."""
    terminalreporter.write_line(HOW_TO_REPEAT)


def unavailable(reason: str) -> NoReturn:
    """Skip for want of a real component; with CI=true it fails instead."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def kafka_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """A real Kafka for the whole session; skips on a laptop without, fails in CI."""
    try:
        broker = Broker(tmp_path_factory.mktemp("kafka"))
        broker.start()
    except BrokerMissing as missing:
        unavailable(f"Kafka tests: {missing}")
    try:
        yield broker
    finally:
        broker.stop()
