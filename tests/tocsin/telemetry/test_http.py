"""The HTTP server is asked over real sockets on free ports."""

from __future__ import annotations

import http.client
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing

import pytest
from prometheus_client import Counter
from prometheus_client.parser import text_string_to_metric_families

from tocsin import __version__
from tocsin.errors import ConfigError
from tocsin.telemetry.health import Health
from tocsin.telemetry.http import HttpServer, parse_address, serve
from tocsin.telemetry.metrics import new_registry


class ManualClock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def health(clock: ManualClock) -> Health:
    return Health(stall_s=60.0, clock=clock)


@pytest.fixture
def server(health: Health) -> Iterator[HttpServer]:
    registry = new_registry()
    Counter("tocsin_tests", "Tests", registry=registry).inc(3)
    with closing(serve("127.0.0.1:0", registry, health)) as started:
        yield started


def ask(
    server: HttpServer, path: str, method: str = "GET", host: str = "127.0.0.1"
) -> tuple[http.client.HTTPResponse, str]:
    with closing(
        http.client.HTTPConnection(host, server.port, timeout=5)
    ) as connection:
        connection.request(method, path)
        response = connection.getresponse()
        return response, response.read().decode()


def test_metrics_are_served_with_the_build_and_the_process(server: HttpServer) -> None:
    response, body = ask(server, "/metrics")

    samples = {
        sample.name: sample
        for family in text_string_to_metric_families(body)
        for sample in family.samples
    }
    assert response.status == 200
    assert samples["tocsin_tests_total"].value == 3
    assert samples["tocsin_build_info"].labels["version"] == __version__
    assert samples["process_resident_memory_bytes"].value > 1_000_000
    assert "tocsin_tests_created" not in samples


def test_a_component_is_ready_when_it_says_so(
    server: HttpServer, health: Health
) -> None:
    before = ask(server, "/readyz")
    health.ready()
    ready = ask(server, "/readyz")
    health.not_ready("the bus at kafka:9092 does not answer")
    after = ask(server, "/readyz")

    assert (before[0].status, before[1]) == (503, "starting\n")
    assert (ready[0].status, ready[1]) == (200, "ok\n")
    assert (after[0].status, after[1]) == (
        503,
        "the bus at kafka:9092 does not answer\n",
    )


def test_a_component_whose_loop_stands_still_is_not_alive(
    server: HttpServer, health: Health, clock: ManualClock
) -> None:
    clock.now += 59
    turning = ask(server, "/healthz")
    clock.now += 2
    stuck = ask(server, "/healthz")
    health.beat()
    again = ask(server, "/healthz")

    assert (turning[0].status, turning[1]) == (200, "ok\n")
    assert (stuck[0].status, stuck[1]) == (503, "the loop has not turned for 61 s\n")
    assert again[0].status == 200


def test_head_has_the_headers_of_get_and_no_body(server: HttpServer) -> None:
    _, got = ask(server, "/healthz")
    response, body = ask(server, "/healthz", method="HEAD")

    assert response.status == 200
    assert response.getheader("Content-Length") == str(len(got))
    assert body == ""


@pytest.mark.parametrize("path", ["/", "/metrics/x", "/%2e%2e/etc/passwd"])
def test_other_paths_are_not_found(server: HttpServer, path: str) -> None:
    response, body = ask(server, path)

    assert response.status == 404
    assert "/metrics" in body


def test_a_query_does_not_change_the_path(server: HttpServer) -> None:
    response, _ = ask(server, "/healthz?verbose=1")

    assert response.status == 200


def test_garbage_is_answered_and_the_next_request_is_served(
    server: HttpServer, capfd: pytest.CaptureFixture[str]
) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as client:
        client.sendall(b"\x16\x03\x01\x00\xff\xfe\r\n\r\n")
        answer = client.recv(65_536)

    assert b"400" in answer
    assert ask(server, "/healthz")[0].status == 200
    assert capfd.readouterr() == ("", "")


def test_silent_clients_cannot_use_up_the_process(server: HttpServer) -> None:
    before = threading.active_count()
    with ExitStack() as stack:
        clients = [
            stack.enter_context(
                socket.create_connection(("127.0.0.1", server.port), timeout=5)
            )
            for _ in range(24)
        ]
        refused = clients[-1].recv(1)
        threads = threading.active_count() - before

    assert refused == b""
    assert threads <= 16


def test_a_closed_server_leaves_its_port_free(health: Health) -> None:
    first = serve("127.0.0.1:0", new_registry(), health)
    first.close()

    with closing(serve(f"127.0.0.1:{first.port}", new_registry(), health)) as second:
        assert second.port == first.port
        assert second.url == f"http://127.0.0.1:{first.port}"


def test_a_busy_port_is_named_with_the_cure(server: HttpServer, health: Health) -> None:
    with pytest.raises(ConfigError) as refusal:
        serve(f"127.0.0.1:{server.port}", new_registry(), health)

    assert f"127.0.0.1:{server.port}: address already in use" in str(refusal.value)
    assert "--http HOST:PORT" in refusal.value.hint


def test_an_address_of_another_machine_is_named_with_the_cure(health: Health) -> None:
    with pytest.raises(ConfigError) as refusal:
        serve("192.0.2.1:0", new_registry(), health)

    assert "192.0.2.1:0" in str(refusal.value)
    assert "every interface" in refusal.value.hint


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("127.0.0.1:9464", ("127.0.0.1", 9464)),
        ("[::1]:0", ("::1", 0)),
        ("localhost:65535", ("localhost", 65_535)),
    ],
)
def test_an_address_is_a_host_and_a_port(
    address: str, expected: tuple[str, int]
) -> None:
    assert parse_address(address) == expected


@pytest.mark.parametrize(
    "address", ["", "9464", ":9464", "localhost", "::1:9464", "a:65536", "a:-1", "a:x"]
)
def test_any_other_address_is_refused_with_an_example(address: str) -> None:
    with pytest.raises(ConfigError, match="expected HOST:PORT") as refusal:
        parse_address(address)

    assert "127.0.0.1:9464" in refusal.value.hint


@pytest.mark.skipif(not socket.has_ipv6, reason="Python without IPv6")
def test_ipv6_is_served_in_brackets(health: Health) -> None:
    try:
        server = serve("[::1]:0", new_registry(), health)
    except ConfigError as error:
        pytest.skip(f"this machine has no IPv6 loopback: {error}")
    with closing(server):
        assert ask(server, "/healthz", host="::1")[0].status == 200
        assert server.url.startswith("http://[::1]:")
