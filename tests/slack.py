"""A fake Slack: a real HTTP server that enforces the limits that Slack enforces.

It knows chat.postMessage, chat.update, conversations.history, conversations.replies,
conversations.list, auth.test and one incoming webhook. A test scripts what the next
calls get instead. By hand: `python -m tests.slack --port 0`.
"""

from __future__ import annotations

import argparse
import json
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

TOKEN = "xoxb-fake-token"  # noqa: S105 - a fake one
WEBHOOK_PATH = "/services/T000/B000/fake-webhook"
WEBHOOK_CHANNEL = "#webhook"
POST_INTERVAL_S = 1.0  # Slack: one message a second and channel
UPDATES_A_MINUTE = 50


@dataclass(frozen=True)
class Answer:
    """What a scripted call gets; `accept`: the call takes effect nevertheless.

    `hang_s`: the server is silent for so long, then drops the connection.
    """

    status: int = 200
    error: str | None = None
    retry_after_s: float | None = None
    hang_s: float = 0.0
    text: str = "upstream connect error or disconnect/reset before headers"
    accept: bool = False


@dataclass(frozen=True)
class Call:
    """A call as it arrived; `outcome` is `ok`, the error, or the HTTP status."""

    method: str
    at: float
    body: Mapping[str, Any]
    outcome: str


@dataclass
class Shown:
    """A message as a channel shows it now; `history` holds its earlier contents."""

    ts: str
    at: float
    body: dict[str, Any]
    history: list[dict[str, Any]] = field(default_factory=list)

    @property
    def thread_ts(self) -> str:
        """The message that it is a reply to, or nothing."""
        return str(self.body.get("thread_ts") or "")

    @property
    def text(self) -> str:
        """The fallback text."""
        return str(self.body.get("text", ""))

    @property
    def blocks(self) -> list[dict[str, Any]]:
        """The blocks, or none."""
        return list(self.body.get("blocks") or [])

    @property
    def header(self) -> str:
        """The text of the first header block, or nothing."""
        headers = [x["text"]["text"] for x in self.blocks if x["type"] == "header"]
        return str(headers[0]) if headers else ""

    @property
    def everything(self) -> str:
        """All that it says, as JSON without escapes, to search in."""
        return json.dumps(self.body, ensure_ascii=False)


class FakeSlack:
    """The server; use it as a context manager.

    `limits` false lifts the rate limits; `latency_s` delays each answer; methods in
    `missing_scopes` are refused; `unknown_channels` (names) do not exist.
    """

    def __init__(
        self, *, port: int = 0, limits: bool = True, latency_s: float = 0.0
    ) -> None:
        self.limits = limits
        self.latency_s = latency_s
        self.missing_scopes: set[str] = set()
        self.unknown_channels: set[str] = set()
        self.calls: list[Call] = []
        self.on_message: Callable[[str, Shown], None] = lambda _channel, _shown: None
        self._scripts: dict[str, deque[Answer]] = defaultdict(deque)
        self._always: dict[str, Answer] = {}
        self._channels: dict[str, list[Shown]] = defaultdict(list)
        self._posted_at: dict[str, float] = {}
        self._updated_at: dict[str, deque[float]] = defaultdict(deque)
        self._changed = threading.Condition()
        self._closing = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", port), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    @property
    def address(self) -> str:
        """`http://127.0.0.1:port`."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def api_url(self) -> str:
        """What TOCSIN_SLACK_API_URL is to be set to."""
        return f"{self.address}/api/"

    @property
    def token(self) -> str:
        """The only bot token that is accepted."""
        return TOKEN

    @property
    def webhook_url(self) -> str:
        """The incoming webhook; it writes into WEBHOOK_CHANNEL."""
        return self.address + WEBHOOK_PATH

    def script(self, method: str, *answers: Answer) -> None:
        """The next calls of `method` (or `webhook`) get these, in order."""
        with self._changed:
            self._scripts[method].extend(answers)

    def always(self, method: str, answer: Answer | None) -> None:
        """Every call of `method` gets this, until it is set to None."""
        with self._changed:
            self._always.pop(method, None)
            if answer is not None:
                self._always[method] = answer

    def messages(self, channel: str) -> list[Shown]:
        """What a channel (`#name` or `name` or its id) shows now, oldest first."""
        with self._changed:
            shown = self._channels[channel_id(channel)]
            return [x for x in shown if not x.thread_ts]

    def replies(self, channel: str, ts: str = "") -> list[Shown]:
        """The replies in a channel, to one message or to all, oldest first."""
        with self._changed:
            shown = self._channels[channel_id(channel)]
            return [x for x in shown if x.thread_ts and ts in {"", x.thread_ts}]

    def accepted(self, method: str) -> list[Call]:
        """The calls of a method that were answered with ok, in order."""
        with self._changed:
            return [x for x in self.calls if x.method == method and x.outcome == "ok"]

    def wait_for(
        self, happened: Callable[[FakeSlack], bool], *, timeout_s: float = 10.0
    ) -> bool:
        """Wait until a call makes `happened` true; false after `timeout_s`."""
        with self._changed:
            return self._changed.wait_for(lambda: happened(self), timeout_s)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    # What the handler calls

    def answer(self, path: str, token: str, body: dict[str, Any]) -> Answer | _Reply:
        """Take a call; what it is answered with."""
        if self.latency_s:
            self._closing.wait(self.latency_s)
        method = path.removeprefix("/api/") if path.startswith("/api/") else "webhook"
        with self._changed:
            scripted = self._next_scripted(method)
            if scripted is not None and not scripted.accept:
                self._note(method, body, scripted.error or str(scripted.status))
                return scripted
            reply = self._serve(method, path, token, body)
            self._note(method, body, reply.outcome)
            return scripted or reply

    def hang(self, seconds: float) -> None:
        """Be silent, but not beyond the end of the test."""
        self._closing.wait(seconds)

    def _next_scripted(self, method: str) -> Answer | None:
        if self._scripts[method]:
            return self._scripts[method].popleft()
        return self._always.get(method)

    def _note(self, method: str, body: dict[str, Any], outcome: str) -> None:
        self.calls.append(Call(method, time.time(), body, outcome))
        self._changed.notify_all()

    def _serve(
        self, method: str, path: str, token: str, body: dict[str, Any]
    ) -> _Reply:
        if method == "webhook":
            return self._webhook(path, body)
        serve = {
            "auth.test": self._auth_test,
            "chat.postMessage": self._post,
            "chat.update": self._update,
            "conversations.history": self._history,
            "conversations.replies": self._replies,
            "conversations.list": self._list,
        }.get(method)
        if serve is None:
            return _failed("unknown_method")
        if token != f"Bearer {TOKEN}":
            return _failed("invalid_auth" if token else "not_authed")
        if method in self.missing_scopes:
            return _failed("missing_scope")
        return serve(body)

    def _auth_test(self, _body: dict[str, Any]) -> _Reply:
        return _Reply({"ok": True, "team": "fake", "user": "tocsin", "bot_id": "B1"})

    def _post(self, body: dict[str, Any]) -> _Reply:
        problem = self._channel_problem(body) or content_problem(body)
        if problem:
            return _failed(problem)
        channel = channel_id(str(body["channel"]))
        above = body.get("thread_ts")
        if above and not any(x.ts == above for x in self._channels[channel]):
            return _failed("thread_not_found")
        limited = self._rate_limited(channel)
        if limited:
            return limited
        shown = self._show(channel, body)
        return _Reply({"ok": True, "channel": channel, "ts": shown.ts, "message": body})

    def _update(self, body: dict[str, Any]) -> _Reply:
        problem = self._channel_problem(body, needs_id=True) or content_problem(body)
        if problem:
            return _failed(problem)
        channel = channel_id(str(body["channel"]))
        shown = next(
            (x for x in self._channels[channel] if x.ts == body.get("ts")), None
        )
        if shown is None:
            return _failed("message_not_found")
        recent = self._updated_at[channel]
        while recent and recent[0] < time.monotonic() - 60:
            recent.popleft()
        if self.limits and len(recent) >= UPDATES_A_MINUTE:
            return _ratelimited(60 - (time.monotonic() - recent[0]))
        recent.append(time.monotonic())
        shown.history.append(shown.body)
        kept = ("metadata", "thread_ts")
        shown.body = {x: y for x, y in shown.body.items() if x in kept} | body
        self.on_message(channel, shown)
        return _Reply({"ok": True, "channel": channel, "ts": shown.ts})

    def _history(self, body: dict[str, Any]) -> _Reply:
        problem = self._channel_problem(body, needs_id=True)
        if problem:
            return _failed(problem)
        shown = [
            x
            for x in self._channels[channel_id(str(body["channel"]))]
            if not x.thread_ts or x.body.get("reply_broadcast")
        ]
        return _page(body, shown[::-1])

    def _replies(self, body: dict[str, Any]) -> _Reply:
        problem = self._channel_problem(body, needs_id=True)
        if problem:
            return _failed(problem)
        shown = [
            x
            for x in self._channels[channel_id(str(body["channel"]))]
            if body.get("ts") in {x.ts, x.thread_ts}
        ]
        return _page(body, shown) if shown else _failed("thread_not_found")

    def _list(self, _body: dict[str, Any]) -> _Reply:
        known = [{"id": x, "name": channel_name(x)} for x in self._channels]
        return _Reply(
            {"ok": True, "channels": known, "response_metadata": {"next_cursor": ""}}
        )

    def _webhook(self, path: str, body: dict[str, Any]) -> _Reply:
        if path != WEBHOOK_PATH:
            return _Reply("no_service", status=404)
        if content_problem(body):
            return _Reply("invalid_payload", status=400)
        channel = channel_id(WEBHOOK_CHANNEL)
        limited = self._rate_limited(channel)
        if limited:
            return _Reply("rate_limited", status=429, retry_after_s=1.0)
        self._show(channel, body)
        return _Reply("ok")

    def _channel_problem(
        self, body: dict[str, Any], *, needs_id: bool = False
    ) -> str | None:
        channel = str(body.get("channel") or "")
        named = not channel.startswith("C-")
        if not channel or channel_name(channel_id(channel)) in self.unknown_channels:
            return "channel_not_found"
        return "channel_not_found" if needs_id and named else None

    def _rate_limited(self, channel: str) -> _Reply | None:
        now = time.monotonic()
        wait_s = self._posted_at.get(channel, -1e9) + POST_INTERVAL_S - now
        if self.limits and wait_s > 0.02:  # clocks and the way here
            return _ratelimited(wait_s)
        self._posted_at[channel] = now
        return None

    def _show(self, channel: str, body: dict[str, Any]) -> Shown:
        at = time.time()
        shown = Shown(f"{at:.6f}", at, dict(body))
        self._channels[channel].append(shown)
        self.on_message(channel, shown)
        return shown


@dataclass(frozen=True)
class _Reply:
    body: dict[str, Any] | str
    status: int = 200
    retry_after_s: float | None = None

    @property
    def outcome(self) -> str:
        if isinstance(self.body, str):
            return self.body
        return "ok" if self.body["ok"] else str(self.body["error"])


def _failed(error: str) -> _Reply:
    return _Reply({"ok": False, "error": error})


def _ratelimited(wait_s: float) -> _Reply:
    return _Reply(
        {"ok": False, "error": "ratelimited"}, status=429, retry_after_s=wait_s
    )


def _page(body: Mapping[str, Any], shown: Sequence[Shown]) -> _Reply:
    """A page of messages; a cursor is the number of the first one."""
    oldest = float(body.get("oldest") or 0)
    limit = int(body.get("limit") or 100)
    start = int(body.get("cursor") or 0)
    all_metadata = str(body.get("include_all_metadata")) in {"1", "True", "true"}
    found = [
        {"type": "message", "ts": x.ts, "text": x.text}
        | ({"thread_ts": x.thread_ts} if x.thread_ts else {})
        | (_metadata_of(x) if all_metadata else {})
        for x in shown
        if float(x.ts) > oldest
    ]
    end = start + limit
    cursor = str(end) if end < len(found) else ""
    return _Reply(
        {
            "ok": True,
            "messages": found[start:end],
            "has_more": bool(cursor),
            "response_metadata": {"next_cursor": cursor},
        }
    )


def _metadata_of(shown: Shown) -> dict[str, Any]:
    metadata = shown.body.get("metadata")
    return {"metadata": metadata} if metadata else {}


def channel_id(channel: str) -> str:
    """The id of a channel that is given by name or id."""
    return channel if channel.startswith("C-") else "C-" + channel.lstrip("#")


def channel_name(channel: str) -> str:
    """The name of a channel that is given by its id."""
    return channel.removeprefix("C-")


def content_problem(body: Mapping[str, Any]) -> str | None:
    """What Slack would refuse in the content of a message, or None."""
    blocks = body.get("blocks") or []
    if not blocks and not body.get("text"):
        return "no_text"
    if len(str(body.get("text", ""))) > 40_000:
        return "msg_too_long"
    if len(blocks) > 50 or any(_block_problem(x) for x in blocks):
        return "invalid_blocks"
    ids = [x["block_id"] for x in blocks if "block_id" in x]
    return "invalid_blocks" if len(ids) != len(set(ids)) else None


def _block_problem(block: Mapping[str, Any]) -> bool:
    if len(str(block.get("block_id", ""))) > 255:
        return True
    match block.get("type"):
        case "header":
            text = block.get("text") or {}
            return text.get("type") != "plain_text" or _text_problem(text, 150)
        case "section":
            fields = block.get("fields") or []
            text = block.get("text")
            return (
                (text is None and not fields)
                or (text is not None and _text_problem(text, 3000))
                or len(fields) > 10
                or any(_text_problem(x, 2000) for x in fields)
            )
        case "context":
            parts = block.get("elements") or []
            return not 1 <= len(parts) <= 10 or any(
                _text_problem(x, 3000) for x in parts
            )
        case "divider":
            return False
        case _:
            return True


def _text_problem(text: Mapping[str, Any], limit: int) -> bool:
    if text.get("type") not in {"plain_text", "mrkdwn"}:
        return True
    return not 1 <= len(str(text.get("text", ""))) <= limit


class _Handler(BaseHTTPRequestHandler):
    timeout = 30
    slack: FakeSlack

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = urlsplit(self.path)
        body = dict(parse_qsl(parts.query)) | self._read(raw)
        token = self.headers.get("Authorization") or ""
        reply = self.slack.answer(parts.path, token, body)
        if isinstance(reply, Answer) and reply.hang_s:
            self.slack.hang(reply.hang_s)
            self.close_connection = True
            return
        try:
            self._reply(reply)
        except OSError:
            self.close_connection = True  # a client that was killed meanwhile

    do_GET = do_POST  # noqa: N815 - the name that http.server looks for

    def _read(self, raw: bytes) -> dict[str, Any]:
        if "json" in (self.headers.get("Content-Type") or ""):
            return dict(json.loads(raw))
        return dict(parse_qsl(raw.decode()))

    def _reply(self, reply: Answer | _Reply) -> None:
        body = reply.body if isinstance(reply, _Reply) else reply.text
        if isinstance(reply, Answer) and reply.error:
            body = {"ok": False, "error": reply.error}
        kind = "text/plain" if isinstance(body, str) else "application/json"
        raw = (body if isinstance(body, str) else json.dumps(body)).encode()
        self.send_response(reply.status)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(raw)))
        if reply.retry_after_s is not None:
            self.send_header("Retry-After", f"{max(1, round(reply.retry_after_s))}")
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing: the calls are recorded."""


def _handler(slack: FakeSlack) -> type[_Handler]:
    return type("Handler", (_Handler,), {"slack": slack})


def main() -> None:
    """Run it by hand; prints its address and each message."""
    cli = argparse.ArgumentParser(description="a fake Slack")
    cli.add_argument("--port", type=int, default=0)
    with FakeSlack(port=cli.parse_args().port) as slack:
        slack.on_message = _print
        print(f"TOCSIN_SLACK_API_URL={slack.api_url}", flush=True)
        print(f"TOCSIN_SLACK_BOT_TOKEN={slack.token}", flush=True)
        print(f"TOCSIN_SLACK_WEBHOOK_URL={slack.webhook_url}", flush=True)
        threading.Event().wait()


def _print(channel: str, shown: Shown) -> None:
    verb = f"edit {len(shown.history)} of" if shown.history else "new"
    line = f"#{channel_name(channel)}: {verb} {shown.ts}: {shown.text}"
    print(line, flush=True)


if __name__ == "__main__":
    main()
