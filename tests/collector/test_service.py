"""Services from paths."""

from __future__ import annotations

import pytest

from collector.service import origin_of

CONTAINER = "0123456789ab" + "c" * 52


@pytest.mark.parametrize(
    ("path", "base", "service"),
    [
        ("/logs/api/app.log", "/logs", "api"),
        ("/logs/api/deep/app.log", "/logs", "api"),
        ("/logs/web.log", "/logs", "web"),
        ("/logs/web.log.1", "/logs", "web"),
        ("/logs/web.2025-11-25.log", "/logs", "web"),
        ("/logs/syslog", "/logs", "syslog"),
        ("/var/log/a.log", "/", "var"),
        (
            "/var/log/pods/shop_pay-7f_0b1c/server/0.log",
            "/var/log",
            "server",
        ),
        (
            f"/var/log/containers/pay-7f_shop_server-{CONTAINER[:12]}{'d' * 52}.log",
            "/var/log",
            "server",
        ),
        (
            f"/var/lib/docker/containers/{CONTAINER}/{CONTAINER}-json.log",
            "/var/lib/docker/containers",
            "0123456789ab",
        ),
    ],
)
def test_the_service_of_a_path(path: str, base: str, service: str) -> None:
    assert origin_of(path, base).service == service


def test_a_pod_tells_its_namespace() -> None:
    origin = origin_of("/var/log/pods/shop_pay-7f_0b1c/server/0.log", "/var/log")

    assert origin.labels == {
        "namespace": "shop",
        "pod": "pay-7f",
        "container": "server",
    }
