"""The bus under test: embedded, and Kafka where there is a real broker."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.contract.site import Site
from tocsin.ports.bus import Bus


@pytest.fixture(params=["embedded", pytest.param("kafka", marks=pytest.mark.kafka)])
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Site:
    """An installation of its own for each test."""
    prefix = f"t{uuid.uuid4().hex[:12]}."
    if request.param == "embedded":
        return Site("embedded://", prefix, str(tmp_path), takeover_s=5.0)
    broker = request.getfixturevalue("kafka_broker")
    return Site(f"kafka://{broker.bootstrap}", prefix, str(tmp_path), takeover_s=30.0)


@pytest.fixture
def open_bus(site: Site) -> Iterator[Callable[[], Bus]]:
    """Opens connections that are closed after the test."""
    with ExitStack() as stack:
        yield lambda: stack.enter_context(site.open())


@pytest.fixture
def bus(open_bus: Callable[[], Bus]) -> Bus:
    """A connection to the bus."""
    return open_bus()
