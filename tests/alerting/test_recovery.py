"""What a process reads again of frames when it goes on where another stopped."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from alerting.burst import BurstRule
from alerting.incident import Policy
from alerting.recovery import encode_positions, rebuilt_engine
from alerting.tiling import Place
from tests.alerting.story import Feed, Frames, pane
from tocsin.records.topics import DECIDED


@pytest.mark.slow
@pytest.mark.parametrize(("hours", "known"), [(5.0, True), (40.0, False)])
def test_after_a_downtime_what_came_before_it_is_learned(
    tmp_path: Path,
    hours: float,
    known: bool,  # noqa: FBT001 - a case
) -> None:
    """Up to a day: a source that fell silent must not make it read a month."""
    now = int(time.time())
    frames = Frames()
    with Feed(tmp_path) as feed:
        made = [frames.next(now - 9 + x, [pane(now - 9 + x, 1)]) for x in range(3)]
        feed.send(*made)
        place = Place(made[-1].hi, made[-1].watermark)
        for key, row in encode_positions({0: place}).items():
            feed.put(DECIDED, key, row or b"")

        engine, replayed = rebuilt_engine(
            feed.bus,
            BurstRule(),
            Policy(),
            [],
            now=now + 3600 * hours,
            beat=lambda: None,
        )

    assert replayed == (3 if known else 0)
    assert engine.positions[0].next_lo == made[-1].hi
