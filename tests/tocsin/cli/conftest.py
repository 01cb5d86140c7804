"""What the tests of the commands share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.slack import FakeSlack


@pytest.fixture
def fake_slack() -> Iterator[FakeSlack]:
    """A Slack without its rate limits."""
    with FakeSlack(limits=False) as slack:
        yield slack
