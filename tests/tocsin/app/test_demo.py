"""The demo's logs: the same for the same seed, and nothing but one burst in them."""

from __future__ import annotations

import random
import threading
from collections import Counter
from itertools import takewhile
from pathlib import Path

from tocsin.app.demo.running import environment
from tocsin.app.demo.services import ERROR, SERVICES
from tocsin.app.demo.story import Burst, Line, render, tell
from tocsin.app.demo.writing import LogFiles, write, write_at_once
from tocsin.config.loading import load

START = 1_790_000_000.0
HISTORY_S = 30.0


def story(
    until_s: float = 60.0, burst: Burst | None = None, seed: int = 7
) -> list[Line]:
    lines = tell(burst=burst, seed=seed, history_s=HISTORY_S)
    return list(takewhile(lambda line: line.after_s < until_s, lines))


def test_the_same_seed_tells_the_same_story() -> None:
    lines = story(5.0)

    first = [render(x, start_at=START, rng=random.Random(1)) for x in lines]

    assert first == [
        render(x, start_at=START, rng=random.Random(1)) for x in story(5.0)
    ]
    assert story(5.0, seed=8) != lines


def test_lines_come_in_the_order_of_their_time_after_some_history() -> None:
    times = [line.after_s for line in story()]

    assert times == sorted(times)
    assert -HISTORY_S <= times[0] < -HISTORY_S + 1


def test_one_service_breaks_for_a_while_and_the_others_hardly_ever() -> None:
    errors = Counter(
        (line.service.name, 10 <= line.after_s < 18)
        for line in story()
        if line.level == ERROR
    )

    assert errors["payments", True] > 100
    assert errors["payments", False] == 0
    assert sum(errors.values()) - errors["payments", True] < 10


def test_words_of_error_stand_in_lines_where_all_is_well() -> None:
    calm = [line.message for line in story(0.0) if line.level != ERROR]

    assert sum("error" in text or "failed" in text for text in calm) > 20


def test_a_burst_that_repeats_comes_at_its_distance() -> None:
    lines = story(75.0, Burst(every_s=60.0))

    late = [x for x in lines if x.level == ERROR and x.service.name == "payments"]
    assert any(line.after_s >= 70 for line in late)
    assert not any(20 <= line.after_s < 70 for line in late)


def test_every_service_writes_a_file_of_its_own(tmp_path: Path) -> None:
    with LogFiles(tmp_path) as files:
        count = write_at_once(files, story(0.0), start_at=START)

    texts = [tmp_path / s.name / s.file for s in SERVICES]
    assert count == len(story(0.0))
    assert sum(len(path.read_text().splitlines()) for path in texts) >= count


def test_a_file_that_grows_large_is_rotated(tmp_path: Path) -> None:
    with LogFiles(tmp_path, rotate_bytes=10_000) as files:
        write_at_once(files, story(0.0), start_at=START)

    path = tmp_path / "gateway" / "access.log"
    assert path.stat().st_size <= 10_000
    assert 10_000 < path.with_name("access.log.1").stat().st_size < 11_000


def test_a_line_is_written_when_its_time_has_come(tmp_path: Path) -> None:
    past = [line for line in story(0.0) if line.after_s < 0][:2]
    future = [line for line in story(40.0) if line.after_s > 30][:2]
    stop, asked = threading.Event(), list[float]()

    def clock() -> float:
        """Stands still, and stops the writer when it asks for the third line's time."""
        asked.append(1000.0)
        if len(asked) == 4:
            stop.set()
        return asked[-1]

    with LogFiles(tmp_path) as files:
        write(files, [*past, *future], stop=stop, clock=clock)

    written = [p.read_text().splitlines() for p in tmp_path.glob("*/*")]
    assert sum(map(len, written)) == 2
    assert len(asked) == 4


def test_the_users_own_settings_are_left_out_but_for_their_slack() -> None:
    theirs = {
        "PATH": "/bin",
        "TOCSIN_BUS": "kafka://theirs:9092",
        "TOCSIN_CONFIG": "/etc/tocsin.yaml",
        "TOCSIN_SLACK_CHANNEL": "#ops",
    }

    ours = environment(theirs)

    assert ours["PATH"] == "/bin"
    assert ours["TOCSIN_SLACK_CHANNEL"] == "#ops"
    assert not {"TOCSIN_BUS", "TOCSIN_CONFIG"} & set(ours)
    assert load(file=None, environ=ours).config.alerting.terminal is True
