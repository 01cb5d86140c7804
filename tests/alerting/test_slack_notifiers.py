"""Slack's answers, as the notifiers translate them."""

from __future__ import annotations

import time

import msgspec
import pytest

from alerting.message import Message
from alerting.notify.port import MessageGone, Notifier, OutcomeUnknown
from alerting.notify.slack_errors import CURES
from alerting.notify.slack_web import SlackWebNotifier
from alerting.notify.slack_webhook import SlackWebhookNotifier
from tests.slack import WEBHOOK_CHANNEL, Answer, FakeSlack
from tocsin.errors import DeliveryFailed

MESSAGE = Message(
    incident="checkout-x7k2p",
    sequence=1,
    kind="opened",
    is_open=True,
    icon="🔴",
    title="checkout: ERROR burst",
    why="9 ERROR in 5 s, expected 0.1",
    fields=(("State", "open"),),
)
LATER = msgspec.structs.replace(MESSAGE, sequence=2, icon="✅", is_open=False)


def bot(slack: FakeSlack, *, token: str = "", timeout_s: int = 2) -> SlackWebNotifier:
    return SlackWebNotifier(
        token or slack.token,
        "#ops",
        api_url=slack.api_url,
        clock=time.time,
        timeout_s=timeout_s,
    )


def hook(slack: FakeSlack) -> SlackWebhookNotifier:
    return SlackWebhookNotifier(slack.webhook_url, clock=time.time, timeout_s=2)


def test_a_message_is_posted_edited_and_found(fake_slack: FakeSlack) -> None:
    notifier = bot(fake_slack)

    reference = notifier.post(MESSAGE)
    notifier.edit(reference, LATER)

    [shown] = fake_slack.messages("#ops")
    assert shown.header.startswith("✅")
    search = bot(fake_slack).find(["checkout-x7k2p", "another"], 0.0)
    assert search.found == {"checkout-x7k2p": (reference, 2)}
    assert search.is_whole


def test_nothing_is_linked_or_unfurled(fake_slack: FakeSlack) -> None:
    bot(fake_slack).post(MESSAGE)

    [call] = fake_slack.accepted("chat.postMessage")
    asked = {"link_names", "unfurl_links", "unfurl_media"}
    assert {call.body[x] for x in asked} == {False}


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (Answer(status=500), OutcomeUnknown),
        (Answer(status=503, text="<html>busy</html>"), OutcomeUnknown),
        (Answer(error="internal_error"), OutcomeUnknown),
        (Answer(hang_s=0.01), OutcomeUnknown),
        (Answer(error="message_not_found"), MessageGone),
    ],
)
def test_failures_that_may_pass_are_retryable(
    fake_slack: FakeSlack, answer: Answer, kind: type[DeliveryFailed]
) -> None:
    fake_slack.script("chat.postMessage", answer)

    with pytest.raises(kind) as failed:
        bot(fake_slack).post(MESSAGE)

    assert failed.value.retryable


@pytest.mark.slow
def test_a_silent_slack_is_given_up_after_the_timeout(fake_slack: FakeSlack) -> None:
    fake_slack.script("chat.postMessage", Answer(hang_s=30))

    with pytest.raises(OutcomeUnknown, match="no answer from slack"):
        bot(fake_slack, timeout_s=1).post(MESSAGE)


def test_a_slack_that_is_not_there_was_certainly_not_told() -> None:
    with FakeSlack() as gone:
        notifiers: list[Notifier] = [bot(gone), hook(gone)]

    for notifier in notifiers:
        with pytest.raises(DeliveryFailed, match="no answer") as failed:
            notifier.post(MESSAGE)
        assert failed.value.retryable
        assert not isinstance(failed.value, OutcomeUnknown)


@pytest.mark.parametrize(
    "text", ["<html>sign in</html>", "[]", '"ok"', "null", "3", ""]
)
def test_a_200_that_is_not_slacks_is_an_unknown_outcome(
    fake_slack: FakeSlack, text: str
) -> None:
    fake_slack.script("chat.postMessage", Answer(text=text))

    with pytest.raises(OutcomeUnknown):
        bot(fake_slack).post(MESSAGE)


def test_a_wrong_token_is_noticed_without_a_message(fake_slack: FakeSlack) -> None:
    bot(fake_slack).check()

    with pytest.raises(DeliveryFailed) as failed:
        bot(fake_slack, token="xoxb-wrong").check()  # noqa: S106 - a wrong one

    assert "TOCSIN_SLACK_BOT_TOKEN" in failed.value.hint
    assert fake_slack.messages("#ops") == []


def test_one_lookup_serves_many_and_reads_page_by_page(fake_slack: FakeSlack) -> None:
    fake_slack.limits = False
    notifier = bot(fake_slack)
    wanted = [f"i-{x}" for x in range(250)]
    for name in wanted:
        notifier.post(msgspec.structs.replace(MESSAGE, incident=name))

    search = bot(fake_slack).find([*wanted, "absent"], 0.0)

    assert sorted(search.found) == sorted(wanted)
    assert search.is_whole
    assert len(fake_slack.accepted("conversations.history")) == 2


def test_a_note_stands_below_the_message_in_sight_of_all(
    fake_slack: FakeSlack,
) -> None:
    fake_slack.limits = False
    noted = msgspec.structs.replace(MESSAGE, note="now <!channel>", note_sequence=2)
    notifier = bot(fake_slack)
    reference = notifier.post(MESSAGE)
    before = notifier.has_note(reference, noted)
    notifier.note(reference, noted)

    [reply] = fake_slack.replies("#ops")
    assert reply.text == "now &lt;!channel&gt;"
    assert reply.body["reply_broadcast"] is True
    assert (before, notifier.has_note(reference, noted)) == (False, True)
    assert notifier.find(["checkout-x7k2p"], 0.0).found["checkout-x7k2p"].sequence == 1


def test_a_member_of_a_storm_stands_in_the_thread_and_is_found_there(
    fake_slack: FakeSlack,
) -> None:
    fake_slack.limits = False
    notifier = bot(fake_slack)
    storm = notifier.post(msgspec.structs.replace(MESSAGE, incident="storm"))
    reference = notifier.post(MESSAGE, thread=storm)
    notifier.note(reference, msgspec.structs.replace(LATER, note="x", note_sequence=2))
    notifier.edit(reference, LATER)

    found = bot(fake_slack).find([MESSAGE.incident], 0.0, thread=storm).found
    assert found == {MESSAGE.incident: (reference, 2)}
    assert bot(fake_slack).find([MESSAGE.incident], 0.0).found == {}
    assert [x.text for x in fake_slack.replies("#ops")][1] == "x"
    assert len(fake_slack.messages("#ops")) == 1


def test_a_rate_limit_tells_when_to_come_back(fake_slack: FakeSlack) -> None:
    limited = Answer(status=429, error="ratelimited", retry_after_s=7)
    fake_slack.script("chat.postMessage", limited)
    fake_slack.script("webhook", limited)

    for notifier in (bot(fake_slack), hook(fake_slack)):
        with pytest.raises(DeliveryFailed) as failed:
            notifier.post(MESSAGE)
        assert (failed.value.retryable, failed.value.retry_after_s) == (True, 7.0)


@pytest.mark.parametrize("error", sorted(CURES))
def test_what_a_person_must_mend_names_the_cure(
    fake_slack: FakeSlack, error: str
) -> None:
    fake_slack.script("chat.postMessage", Answer(error=error))

    with pytest.raises(DeliveryFailed, match=error) as failed:
        bot(fake_slack).post(MESSAGE)

    assert not failed.value.retryable
    assert failed.value.hint == CURES[error]


def test_a_wrong_token_is_not_shown_and_its_cure_is(fake_slack: FakeSlack) -> None:
    notifier = bot(fake_slack, token="xoxb-secret")  # noqa: S106 - a wrong one

    with pytest.raises(DeliveryFailed) as failed:
        notifier.post(MESSAGE)

    assert "TOCSIN_SLACK_BOT_TOKEN" in failed.value.hint
    assert "secret" not in f"{failed.value}{failed.value.hint}{notifier!r}"


@pytest.mark.parametrize("error", ["invalid_blocks", "msg_too_long"])
def test_refused_blocks_are_sent_again_as_plain_text(
    fake_slack: FakeSlack, error: str
) -> None:
    fake_slack.script("chat.postMessage", Answer(error=error))

    bot(fake_slack).post(MESSAGE)

    [shown] = fake_slack.messages("#ops")
    assert shown.blocks == []
    assert "9 ERROR in 5 s" in shown.text


def test_without_the_scope_to_read_the_lookup_says_so(fake_slack: FakeSlack) -> None:
    fake_slack.missing_scopes |= {"conversations.history", "conversations.list"}

    with pytest.raises(DeliveryFailed) as failed:
        bot(fake_slack).find(["checkout-x7k2p"], 0.0)

    assert not failed.value.retryable


def test_the_webhook_posts_and_its_address_stays_secret(
    fake_slack: FakeSlack,
) -> None:
    hook(fake_slack).post(MESSAGE)
    fake_slack.script("webhook", Answer(status=404, text="no_service"))

    with pytest.raises(DeliveryFailed) as failed:
        hook(fake_slack).post(MESSAGE)

    assert len(fake_slack.messages(WEBHOOK_CHANNEL)) == 1
    assert "TOCSIN_SLACK_WEBHOOK_URL" in failed.value.hint
    assert "fake-webhook" not in f"{failed.value}{hook(fake_slack)!r}"
