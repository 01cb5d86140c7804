"""Each story runs on both buses."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest

from tests.e2e.product import Product
from tests.slack import FakeSlack

Make = Callable[[], Product]


@pytest.fixture
def slack() -> Iterator[FakeSlack]:
    with FakeSlack() as fake:
        yield fake


@pytest.fixture(params=["embedded", pytest.param("kafka", marks=pytest.mark.kafka)])
def product(
    request: pytest.FixtureRequest, tmp_path: Path, slack: FakeSlack
) -> Iterator[Product]:
    """`tocsin run`, not yet started; stopped at the end."""
    bus = "embedded://"
    if request.param == "kafka":
        bus = f"kafka://{request.getfixturevalue('kafka_broker').bootstrap}"
    prefix = f"e2e-{uuid.uuid4().hex[:8]}-"
    made = Product(tmp_path, bus=bus, slack=slack, prefix=prefix)
    yield made
    made.stop()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show what the product said when a story fails: a fixture never sees that."""
    report = yield
    made = getattr(item, "funcargs", {}).get("product")
    if report.failed and isinstance(made, Product):
        report.sections.append((f"the product, at {report.when}", made.said()))
    return report
