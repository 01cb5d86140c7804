"""`tocsin silence`, `explain` and `notify test` on a real bus and a real receiver."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from tests.alerting.receiver import Receiver
from tests.alerting.story import Feed, Frames, burst, pane
from tests.slack import FakeSlack
from tocsin.cli.root import invoke
from tocsin.config.model import BusConfig


@pytest.fixture
def feed(tmp_path: Path) -> Feed:
    settings = BusConfig(url=f"embedded://{tmp_path}/tocsin.db")
    return Feed(tmp_path, settings)


def on(feed: Feed) -> list[str]:
    return ["--bus", feed.settings.url]


def test_a_silence_is_added_listed_and_expired(
    feed: Feed, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [
        "service=pay-*",
        "severity!=critical",
        "--comment",
        "deploy",
        "--by",
        "ann",
    ]
    with feed:
        assert invoke(["silence", "add", *words, "--for", "2h", *on(feed)]) == 0
        name = capsys.readouterr().out.strip()
        assert invoke(["silence", "list", "--json", *on(feed)]) == 0
        shown = json.loads(capsys.readouterr().out)
        assert invoke(["silence", "expire", name, *on(feed)]) == 0
        assert invoke(["silence", "list", *on(feed)]) == 0
        after = capsys.readouterr()
        assert invoke(["silence", "list", "--all", *on(feed)]) == 0
        everything = capsys.readouterr().out

    assert (shown["id"], shown["state"], shown["author"]) == (name, "active", "ann")
    assert shown["matchers"] == ["service=pay-*", "severity!=critical"]
    assert 7100 < shown["ends_at"] - time.time() <= 7200
    assert (after.out, after.err) == ("", "tocsin: no silences\n")
    assert everything.splitlines()[1].split()[:2] == [name, "expired"]


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["service", "--for", "2h"], "expected a matcher"),
        (["service=x"], "expected either --for or --until"),
        (["service=x", "--for", "2h", "--until", "2099-01-01"], "expected either"),
        (["service=x", "--for", "2 hours"], "--for: expected a duration"),
        (["service=x", "--until", "tomorrow"], "expected a time"),
        (["service=x", "--until", "2001-01-01"], "must end"),
    ],
)
def test_a_silence_that_is_none_is_told(
    feed: Feed, capsys: pytest.CaptureFixture[str], words: list[str], problem: str
) -> None:
    with feed:
        status = invoke(["silence", "add", *words, "--comment", "x", *on(feed)])

    assert status == 2
    assert problem in capsys.readouterr().err


def test_a_silence_that_is_not_there_cannot_be_expired(
    feed: Feed, capsys: pytest.CaptureFixture[str]
) -> None:
    with feed:
        assert invoke(["silence", "expire", "zzz", *on(feed)]) == 1

    assert "there is no silence 'zzz'" in capsys.readouterr().err


@pytest.mark.slow
def test_an_explanation_tells_lines_decisions_and_what_keeps_it_quiet(
    feed: Feed, capsys: pytest.CaptureFixture[str]
) -> None:
    frames = Frames()
    now = int(time.time())
    with feed:
        feed.send(frames.next(now - 5, [pane(now - 5, 1, lines=20)]))
        feed.send(frames.next(now - 2, burst(now - 2)))
        words = ["service=check*", "--for", "2h", "--comment", "deploy", "--by", "ann"]
        assert invoke(["silence", "add", *words, *on(feed)]) == 0
        assert invoke(["explain", "checkout", *on(feed)]) == 0
        assert invoke(["explain", "chekout", *on(feed)]) == 0

    out, _ = capsys.readouterr()
    known, unknown = out.split("\nchekout, ")
    assert "40 lines, 21 errors, the last" in known
    assert "1 × the rule fires for the first time" in known
    assert "1 × the rule does not fire" in known
    assert "    burst: it fired: 21 ERROR in 300 s" in known
    assert "by ann: deploy" in known
    assert "    terminal\n" in known
    assert "no line of it was processed" in unknown


@pytest.mark.slow
def test_every_receiver_gets_an_example_and_says_what_happened(
    fake_slack: FakeSlack,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("TOCSIN_SLACK_BOT_TOKEN", fake_slack.token)
    monkeypatch.setenv("TOCSIN_SLACK_CHANNEL", "#ops")
    monkeypatch.setenv("TOCSIN_SLACK_API_URL", fake_slack.api_url)
    with Receiver() as pager:
        pager.status = 404
        config = tmp_path / "tocsin.yaml"
        config.write_text(
            f"alerting:\n  receivers:\n    - name: pager\n"
            f"      webhook: {{url: '{pager.url}'}}\n"
        )
        words = ["notify", "test", "--config", str(config)]
        assert invoke([*words, "--json"]) == 1
        lines = capsys.readouterr().out.splitlines()
        assert invoke([*words, "slack"]) == 0

    answers = [json.loads(line) for line in lines]
    assert [(x["receiver"], x["accepted"]) for x in answers] == [
        ("slack", True),
        ("pager", False),
    ]
    assert "404" in answers[1]["problem"]
    assert answers[1]["cure"]
    [shown, *_] = fake_slack.messages("#ops")
    assert shown.header == "✅ tocsin: this is a test resolved"


def test_a_receiver_that_is_not_there_is_told(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert invoke(["notify", "test", "pgaer"]) == 1

    assert "there is no receiver 'pgaer'" in capsys.readouterr().err


def test_the_terminal_shows_the_example(capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["notify", "test"]) == 0

    out = capsys.readouterr().out
    assert out.startswith("🟠 tocsin: this is a test\n")
    assert "terminal: accepted in" in out
