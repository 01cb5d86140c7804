"""The HTTP side of a component: `/metrics`, `/healthz`, `/readyz`, and orders.

Every request gets a thread and one answer, then the connection closes: a scrape every
few seconds is all that comes. At most `_MAX_REQUESTS` are served at once and each may
block for `_TIMEOUT_S` in one read or write, so a flood costs bounded memory.
"""

from __future__ import annotations

import errno
import platform
import socket
import sys
import threading
from collections.abc import Callable, Mapping
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any, NamedTuple

from prometheus_client import CollectorRegistry, Info, ProcessCollector
from prometheus_client.exposition import choose_encoder

from tocsin import __version__, values
from tocsin.errors import ConfigError
from tocsin.telemetry.health import Health
from tocsin.telemetry.log import Log

_MAX_REQUESTS = 16
_TIMEOUT_S = 10.0
_MAX_BODY = 65_536
_TEXT = "text/plain; charset=utf-8"
_USAGE = (
    "write HOST:PORT, such as 127.0.0.1:9464, [::1]:9464 or 0.0.0.0:9464 for every "
    "interface; port 0 takes a free one"
)
_CURES = {
    errno.EADDRINUSE: "another program listens there: stop it or choose another port "
    "with --http HOST:PORT (port 0 takes a free one)",
    errno.EADDRNOTAVAIL: "this machine does not have that address: use 127.0.0.1, or "
    "0.0.0.0 for every interface",
    errno.EACCES: "ports below 1024 need more rights: choose a higher one",
}


class HttpServer:
    """Serves until `close`; `port` is the real one, also when 0 was asked for."""

    def __init__(self, server: ThreadingHTTPServer, host: str) -> None:
        self.port: int = server.server_address[1]
        self.url = f"http://{_bracketed(host)}:{self.port}"
        self._server = server
        self._thread = threading.Thread(
            target=partial(server.serve_forever, poll_interval=0.05),
            name="http",
            daemon=True,
        )
        self._thread.start()

    def close(self) -> None:
        """Stop listening; blocks up to 0.05 s and waits for no client."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class Answer(NamedTuple):
    """What a request is answered with: a status, and a body in JSON."""

    status: HTTPStatus
    body: bytes


Action = Callable[[bytes, Mapping[str, str]], Answer]
"""What a POST to a path does with its body and headers; called in any thread."""


def serve(
    address: str,
    registry: CollectorRegistry,
    health: Health,
    actions: Mapping[str, Action] | None = None,
) -> HttpServer:
    """Answer for one component at `address`, "HOST:PORT", in threads of its own.

    `actions`: what a POST does, by path; bodies are bounded. Adds what is true of every
    process (`add_process_metrics`) to the registry.

    Raises:
        ConfigError: the address cannot be read, or cannot be listened on.
    """
    host, port = parse_address(address)
    try:
        server = _Server(host, port, partial(_Handler, registry, health, actions))
    except OSError as error:
        problem = error.strerror or str(error)
        raise ConfigError(
            f"http: cannot listen on {address}: {problem.lower()}",
            hint=_CURES.get(error.errno or 0, _USAGE),
        ) from error
    add_process_metrics(registry)
    return HttpServer(server, host)


def add_process_metrics(registry: CollectorRegistry) -> None:
    """Add version, memory, processor time and open files of this process."""
    ProcessCollector(registry=registry)
    Info(
        "tocsin_build", "The version of Tocsin that runs here", registry=registry
    ).info({"version": __version__, "python": platform.python_version()})


def parse_address(address: str) -> tuple[str, int]:
    """Read "HOST:PORT"; an IPv6 host stands in brackets.

    Raises:
        ConfigError: it is anything else.
    """
    try:
        return values.parse_address(address)
    except ValueError as error:
        raise ConfigError(
            f"http: expected HOST:PORT, got {address!r}", hint=_USAGE
        ) from error


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


class _Server(ThreadingHTTPServer):
    """Threads, but no more than `_MAX_REQUESTS` of them."""

    # With the default of 5 a burst of connections waits seconds for a SYN's repeat.
    request_queue_size = 64

    def __init__(self, host: str, port: int, handler: Any) -> None:
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._slots = threading.BoundedSemaphore(_MAX_REQUESTS)
        self._log = Log("http")
        super().__init__((host, port), handler)

    def server_bind(self) -> None:
        # Not HTTPServer's: it asks the DNS for a name of ours that nobody needs, and
        # where no DNS answers the start hangs for seconds.
        TCPServer.server_bind(self)

    def process_request(self, request: Any, client_address: Any) -> None:
        if self._slots.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._slots.release()

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 - socketserver's signature
        error = sys.exception()
        # A client that went away or fell silent is no news.
        if error is not None and not isinstance(error, OSError):
            self._log.crash("request_failed", error)


class _Handler(BaseHTTPRequestHandler):
    timeout = _TIMEOUT_S
    server_version = "tocsin"
    sys_version = ""

    def __init__(
        self,
        registry: CollectorRegistry,
        health: Health,
        actions: Mapping[str, Action] | None,
        *connection: Any,
    ) -> None:
        self._actions = actions or {}
        self._registry = registry
        self._health = health
        super().__init__(*connection)

    def do_GET(self) -> None:
        match self.path.partition("?")[0]:
            case "/metrics":
                self._metrics()
            case "/healthz":
                self._state(self._health.alive_problem())
            case "/readyz":
                self._state(self._health.ready_problem())
            case _:
                self._answer(
                    HTTPStatus.NOT_FOUND, _TEXT, b"try /metrics, /healthz or /readyz\n"
                )

    do_HEAD = do_GET  # noqa: N815 - the name that http.server calls

    def do_POST(self) -> None:
        action = self._actions.get(self.path.partition("?")[0])
        if action is None:
            self._answer(HTTPStatus.NOT_FOUND, _TEXT, b"nothing to order here\n")
            return
        length = self.headers.get("Content-Length") or ""
        if not length.isdecimal() or int(length) > _MAX_BODY:
            text = b"expected a body with its length, at most 64 KiB\n"
            self._answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, _TEXT, text)
            return
        answer = action(self.rfile.read(int(length)), dict(self.headers))
        self._answer(answer.status, "application/json", answer.body)

    def log_message(self, *_: object) -> None:
        """Tell nothing: a line for every scrape would drown what matters."""

    def _metrics(self) -> None:
        encode, content_type = choose_encoder(self.headers.get("Accept", ""))
        self._answer(HTTPStatus.OK, content_type, encode(self._registry))

    def _state(self, problem: str | None) -> None:
        if problem is None:
            self._answer(HTTPStatus.OK, _TEXT, b"ok\n")
        else:
            self._answer(HTTPStatus.SERVICE_UNAVAILABLE, _TEXT, f"{problem}\n".encode())

    def _answer(self, status: HTTPStatus, content_type: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
