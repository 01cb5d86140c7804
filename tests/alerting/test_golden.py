"""Whole messages are what they were, to the character; see tests/alerting/golden."""

from __future__ import annotations

import pytest

from alerting.notify.blocks import blocks, fallback
from tests.alerting.golden.messages import FOLDER, MESSAGES, golden, written
from tests.alerting.story import START
from tests.slack import content_problem


@pytest.mark.parametrize("name", MESSAGES)
def test_a_message_is_what_its_golden_file_says(name: str) -> None:
    """If it should not be: `python -m tests.alerting.golden.messages`, and look."""
    made = MESSAGES[name]()

    assert written(made) == golden(name).read_text()
    body = {"text": fallback(made), "blocks": blocks(made, sent_at=START + 60.0)}
    assert content_problem(body) is None


def test_no_golden_file_is_left_over() -> None:
    assert {x.stem for x in FOLDER.glob("*.txt")} == set(MESSAGES)
