"""The fake Slack refuses what Slack refuses, as slack-sdk sees it."""

from __future__ import annotations

import logging

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.webhook import WebhookClient

from tests.slack import TOKEN, WEBHOOK_CHANNEL, Answer, FakeSlack


def client(slack: FakeSlack, token: str = TOKEN) -> WebClient:
    return WebClient(token=token, base_url=slack.api_url, retry_handlers=[], timeout=2)


def error_of(answer: pytest.ExceptionInfo[SlackApiError]) -> object:
    return answer.value.response["error"]


def test_an_update_edits_the_posted_message_and_keeps_its_history(
    fake_slack: FakeSlack,
) -> None:
    posted = client(fake_slack).chat_postMessage(channel="#ops", text="one")

    client(fake_slack).chat_update(
        channel=posted["channel"], ts=posted["ts"], text="two"
    )

    [shown] = fake_slack.messages("#ops")
    assert shown.text == "two"
    assert [x["text"] for x in shown.history] == ["one"]


def test_a_second_post_within_a_second_is_told_when_to_come_back(
    fake_slack: FakeSlack,
) -> None:
    client(fake_slack).chat_postMessage(channel="#ops", text="one")

    with pytest.raises(SlackApiError) as answer:
        client(fake_slack).chat_postMessage(channel="#ops", text="two")

    assert answer.value.response.status_code == 429
    assert answer.value.response.headers["Retry-After"] == "1"
    assert len(fake_slack.messages("#ops")) == 1


@pytest.mark.parametrize(
    "blocks",
    [
        [{"type": "header", "text": {"type": "plain_text", "text": "x" * 151}}],
        [{"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3001}}],
        [{"type": "section", "fields": [{"type": "mrkdwn", "text": "x"}] * 11}],
        [{"type": "divider"}] * 51,
        [{"type": "table"}],
    ],
)
def test_blocks_over_a_limit_are_refused(
    fake_slack: FakeSlack, blocks: list[dict[str, object]]
) -> None:
    with pytest.raises(SlackApiError) as answer:
        client(fake_slack).chat_postMessage(channel="#ops", text="x", blocks=blocks)

    assert error_of(answer) == "invalid_blocks"


def test_a_wrong_token_an_unknown_message_and_a_missing_channel_are_named(
    fake_slack: FakeSlack,
) -> None:
    fake_slack.unknown_channels.add("nowhere")

    with pytest.raises(SlackApiError) as wrong_token:
        client(fake_slack, "xoxb-wrong").auth_test()
    with pytest.raises(SlackApiError) as no_message:
        client(fake_slack).chat_update(channel="C-ops", ts="1.0", text="x")
    with pytest.raises(SlackApiError) as no_channel:
        client(fake_slack).chat_postMessage(channel="#nowhere", text="x")

    assert error_of(wrong_token) == "invalid_auth"
    assert error_of(no_message) == "message_not_found"
    assert error_of(no_channel) == "channel_not_found"


def test_a_scripted_call_fails_once_and_the_next_one_works(
    fake_slack: FakeSlack,
) -> None:
    fake_slack.script("chat.postMessage", Answer(status=503))

    with pytest.raises(SlackApiError) as answer:
        client(fake_slack).chat_postMessage(channel="#ops", text="one")
    client(fake_slack).chat_postMessage(channel="#ops", text="two")

    assert answer.value.response.status_code == 503
    assert [x.text for x in fake_slack.messages("#ops")] == ["two"]
    assert [x.outcome for x in fake_slack.calls] == ["503", "ok"]


def test_a_call_can_take_effect_and_be_answered_with_an_error(
    fake_slack: FakeSlack,
) -> None:
    fake_slack.script("chat.postMessage", Answer(status=500, accept=True))

    with pytest.raises(SlackApiError):
        client(fake_slack).chat_postMessage(channel="#ops", text="one")

    assert [x.text for x in fake_slack.messages("#ops")] == ["one"]


def test_history_shows_metadata_newest_first(fake_slack: FakeSlack) -> None:
    metadata = {"event_type": "tocsin", "event_payload": {"incident": "a"}}
    client(fake_slack).chat_postMessage(channel="#ops", text="one", metadata=metadata)

    found = client(fake_slack).conversations_history(
        channel="C-ops", include_all_metadata=True, limit=10
    )

    assert found["messages"][0]["metadata"] == metadata


def test_the_webhook_shows_its_message_and_refuses_a_bad_address(
    fake_slack: FakeSlack,
) -> None:
    quiet = logging.getLogger("quiet")
    good = WebhookClient(fake_slack.webhook_url, retry_handlers=[], logger=quiet)
    bad = WebhookClient(
        fake_slack.address + "/services/x", retry_handlers=[], logger=quiet
    )

    assert good.send(text="one").status_code == 200
    assert good.send(text="two").status_code == 429
    assert bad.send(text="one").body == "no_service"
    assert [x.text for x in fake_slack.messages(WEBHOOK_CHANNEL)] == ["one"]
