"""`kill -9` at every step, whatever Slack answers: none lost, none twice.

A webhook cannot look up: there each unclear end may make a second message, and is told.
"""

from __future__ import annotations

import signal
import time
from contextlib import ExitStack
from functools import partial
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Self

import pytest

from tests.alerting import process
from tests.alerting.process import CRASH_POINTS
from tests.alerting.story import Feed, Frames, burst, wait_until
from tests.slack import WEBHOOK_CHANNEL, Answer, FakeSlack

pytestmark = pytest.mark.e2e

FIRST_ANSWERS: dict[str, list[Answer]] = {
    "200": [],
    "429": [Answer(status=429, error="ratelimited", retry_after_s=1)],
    "500": [Answer(status=500)],
    "500-but-shown": [Answer(status=500, accept=True)],
    "timeout-but-shown": [Answer(hang_s=0.05, accept=True)],
}


class Story:
    """One bus, one Slack, and the processes that alert on them."""

    def __init__(
        self, folder: Path, answers: list[Answer], *, by_webhook: bool = False
    ) -> None:
        folder.mkdir()
        self.feed = Feed(folder)
        self.slack = FakeSlack()
        self.slack.script("chat.postMessage", *answers)
        self.slack.script("webhook", *answers)
        self._by_webhook = by_webhook
        self._log = folder / "log"
        self._process: BaseProcess | None = None

    def start(self, point: str) -> None:
        url = self.slack.webhook_url if self._by_webhook else self.slack.api_url
        self._process = process.start(self.feed.path, url, point, self._log)

    @property
    def told_of_doubles(self) -> int:
        """How often the processes told that a message may be there already."""
        return self._log.read_text().count("may be shown already")

    def wait(self) -> int | None:
        """Wait for the process to end; its status, None where it does not end."""
        assert self._process is not None
        self._process.join(30)
        return self._process.exitcode

    def stop(self) -> int | None:
        assert self._process is not None
        self._process.terminate()
        return self.wait()

    def __enter__(self) -> Self:
        self.slack.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.join()
        self.slack.__exit__(None, None, None)
        self.feed.bus.close()


@pytest.mark.parametrize("point", CRASH_POINTS)
def test_one_message_after_a_crash(tmp_path: Path, point: str) -> None:
    now = int(time.time())
    with ExitStack() as opened:
        stories = {
            name: opened.enter_context(Story(tmp_path / name, answers))
            for name, answers in FIRST_ANSWERS.items()
        }
        frames = Frames()
        first, last = frames.next(now - 1, burst(now)), frames.next(now + 400)
        for story in stories.values():
            story.feed.send(first)
            story.start(point)
        crashed = {name: story.wait() for name, story in stories.items()}
        for story in stories.values():
            story.start("never")
            story.feed.send(last)
        for name, story in stories.items():
            assert wait_until(partial(shows, story.slack, "✅"), timeout_s=30), name
        ended = {name: story.stop() for name, story in stories.items()}

        posted = {name: len(x.slack.messages("#ops")) for name, x in stories.items()}
        assert crashed == dict.fromkeys(stories, -signal.SIGKILL)
        assert ended == dict.fromkeys(stories, 0)
        assert posted == dict.fromkeys(stories, 1)


@pytest.mark.parametrize("point", CRASH_POINTS)
def test_by_webhook_none_is_lost_and_each_double_is_told(
    tmp_path: Path, point: str
) -> None:
    now = int(time.time())
    with ExitStack() as opened:
        stories = {
            name: opened.enter_context(Story(tmp_path / name, answers, by_webhook=True))
            for name, answers in FIRST_ANSWERS.items()
        }
        frames = Frames()
        first, last = frames.next(now - 1, burst(now)), frames.next(now + 400)
        for story in stories.values():
            story.feed.send(first)
            story.start(point)
        for story in stories.values():
            assert story.wait() == -signal.SIGKILL
            story.start("never")
        for name, story in stories.items():
            assert wait_until(partial(posted, story, "🔴"), timeout_s=30), name
            story.feed.send(last)
        for name, story in stories.items():
            assert wait_until(partial(posted, story, "✅"), timeout_s=30), name
        for story in stories.values():
            story.stop()

        for name, story in stories.items():
            unclear_ends = ("shown" in name) + (point == "before-record")
            assert posted(story, "✅") == 1, name
            doubles = posted(story, "🔴") - 1
            assert doubles <= min(unclear_ends, story.told_of_doubles), name


def posted(story: Story, icon: str) -> int:
    """How many messages with the icon the webhook's channel shows."""
    shown = story.slack.messages(WEBHOOK_CHANNEL)
    return sum(x.header.startswith(icon) for x in shown)


def shows(slack: FakeSlack, icon: str) -> bool:
    """Whether the channel shows just messages with the icon."""
    headers = [x.header for x in slack.messages("#ops")]
    return bool(headers) and all(x.startswith(icon) for x in headers)
