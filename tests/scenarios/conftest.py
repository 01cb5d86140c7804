"""Stages on both buses; one collector serves many scenarios where that is honest."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.broker import Broker
from tests.scenarios.program import Collector
from tests.scenarios.stage import Installation, Stage

BUSES = ["embedded", pytest.param("kafka", marks=pytest.mark.kafka)]


class Shared(NamedTuple):
    """A collector that runs on the whole folder while many scenarios play."""

    home: Installation
    collector: Collector
    stages: list[Stage]


@contextmanager
def installed(
    folder: Path, bus: str, request: pytest.FixtureRequest
) -> Iterator[Installation]:
    """An installation of its own on a bus."""
    broker: Broker | None = None
    if bus == "kafka":
        broker = request.getfixturevalue("kafka_broker")
    home = Installation(folder, broker, prefix=f"s{uuid.uuid4().hex[:10]}.")
    try:
        yield home
    finally:
        home.close()


@pytest.fixture
def home(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Installation]:
    """An installation of its own on the embedded bus."""
    with installed(tmp_path, "embedded", request) as made:
        yield made


@pytest.fixture(params=BUSES)
def any_home(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Installation]:
    """An installation of its own, on each bus."""
    with installed(tmp_path, request.param, request) as made:
        yield made


@pytest.fixture
def stage(home: Installation, request: pytest.FixtureRequest) -> Stage:
    """A stage of its own on the embedded bus; the scenario starts the collector."""
    return Stage(home, home.logs, tag_of(request))


@pytest.fixture
def any_stage(any_home: Installation, request: pytest.FixtureRequest) -> Stage:
    """A stage of its own, on each bus."""
    return Stage(any_home, any_home.logs, tag_of(request))


@pytest.fixture
def kafka_stage(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Stage]:
    """A stage of its own on Kafka."""
    with installed(tmp_path, "kafka", request) as made:
        yield Stage(made, made.logs, tag_of(request))


@pytest.fixture(scope="module", params=BUSES)
def shared(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Shared]:
    """A collector that is running; at its end nothing has come twice or was lost."""
    folder = tmp_path_factory.mktemp("shared")
    with installed(folder, request.param, request) as home:
        with home.collector() as collector:
            home.wait_watching()
            made = Shared(home, collector, [])
            yield made
            assert collector.lost_bytes == 0
        for stage in made.stages:
            stage.check()


@pytest.fixture
def running(shared: Shared, request: pytest.FixtureRequest) -> Stage:
    """A stage of its own, a folder of the running collector's."""
    tag = f"{tag_of(request)}-{len(shared.stages)}"
    logs = shared.home.logs / tag
    logs.mkdir()
    stage = Stage(shared.home, logs, tag, service=tag)
    shared.stages.append(stage)
    return stage


@pytest.fixture
def lost(shared: Shared) -> Callable[[], float]:
    """The bytes that the running collector says are lost."""
    return lambda: shared.collector.lost_bytes


def tag_of(request: pytest.FixtureRequest) -> str:
    """The scenario's number: what its lines begin with."""
    found = re.match(r"test_(s\d+)_", request.node.name)
    return found[1] if found else "s0"
