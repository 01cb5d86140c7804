"""What the tests of alerting share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.slack import FakeSlack


@pytest.fixture
def fake_slack() -> Iterator[FakeSlack]:
    """A Slack that enforces all limits."""
    with FakeSlack() as slack:
        yield slack
