"""Slack's answers as errors that tell delivery what to do, and a person the cure."""

from __future__ import annotations

import re
from collections.abc import Mapping

from alerting.notify.port import MessageGone, OutcomeUnknown
from tocsin.errors import DeliveryFailed

GONE = frozenset(
    {
        "message_not_found",
        "cant_update_message",
        "edit_window_closed",
        "thread_not_found",
        "cannot_reply_to_message",
    }
)
REFUSED_BLOCKS = frozenset(
    {"invalid_blocks", "invalid_blocks_format", "msg_too_long", "msg_blocks_too_long"}
)
_CHECK_APP = "set TOCSIN_SLACK_BOT_TOKEN to a bot token (xoxb-…) of an installed app"
CURES: Mapping[str, str] = {
    "invalid_auth": _CHECK_APP,
    "not_authed": _CHECK_APP,
    "account_inactive": _CHECK_APP,
    "token_revoked": _CHECK_APP,
    "token_expired": _CHECK_APP,
    "missing_scope": "give the Slack app the scope chat:write and install it again",
    "channel_not_found": "check TOCSIN_SLACK_CHANNEL, and invite the app to it",
    "not_in_channel": "invite the app to the channel: /invite @app",
    "is_archived": "unarchive the channel, or set another one",
    "channel_is_archived": "unarchive the channel, or set another one",
    "restricted_action": "let apps post in the channel, or set another one",
    "no_service": "the webhook was removed: set TOCSIN_SLACK_WEBHOOK_URL to a new one",
    "no_team": "check TOCSIN_SLACK_WEBHOOK_URL",
    "invalid_token": "check TOCSIN_SLACK_WEBHOOK_URL",
    "action_prohibited": "let apps post in the channel, or make another webhook",
}
_PASSING = frozenset(
    {"internal_error", "fatal_error", "service_unavailable", "request_timeout"}
)
_LIMITED = frozenset({"ratelimited", "rate_limited", "message_limit_exceeded"})
_CODE = re.compile(r"[a-z][a-z0-9_]*")
_DEFAULT_WAIT_S = 30.0


def failure(
    where: str, error: str, *, status: int, headers: Mapping[str, str]
) -> DeliveryFailed:
    """The error for an answer of Slack that is not ok; `where` names the channel."""
    if status == 429 or error in _LIMITED:
        wait_s = _retry_after_s(headers)
        text = f"{where}: slack limits the rate, next try in {wait_s:.0f} s"
        return DeliveryFailed(text, retryable=True, retry_after_s=wait_s)
    if error in GONE:
        return MessageGone(f"{where}: slack says {error}")
    if error in CURES:
        failed = DeliveryFailed(f"{where}: slack says {error}", retryable=False)
        failed.hint = CURES[error]
        return failed
    if status >= 500 or error in _PASSING or not _CODE.fullmatch(error):
        # Not an answer of Slack's, such as the page of a proxy: who knows.
        return OutcomeUnknown(f"{where}: slack answered {status}")
    text = f"{where}: slack answered {status}: {error[:100]!r}"
    return DeliveryFailed(text, retryable=False)


def _retry_after_s(headers: Mapping[str, str]) -> float:
    found = next((v for k, v in headers.items() if k.lower() == "retry-after"), "")
    try:
        return max(0.0, float(found))
    except ValueError:
        return _DEFAULT_WAIT_S
