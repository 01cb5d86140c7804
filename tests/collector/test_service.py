"""Services from paths."""

from __future__ import annotations

import time

import pytest

from collector.service import origin_of
from tocsin.config.pathpattern import compile_path_pattern

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


PATTERNS = ("/srv/{tenant}/{service}-{number}.log", "/srv/**/{service}/*")


@pytest.mark.parametrize(
    ("path", "service", "labels"),
    [
        ("/srv/acme/shop-7.log", "shop", {"tenant": "acme", "number": "7"}),
        ("/srv/a/b/pay/x.log", "pay", {}),
        ("/srv/web/x.log", "web", {}),
        ("/other/web.log", "web", {}),
    ],
)
def test_a_pattern_of_the_configuration_names_the_service(
    path: str, service: str, labels: dict[str, str]
) -> None:
    origin = origin_of(path, "/other", PATTERNS)

    assert (origin.service, origin.labels) == (service, labels)


@pytest.mark.parametrize(
    "pattern",
    [
        "/srv/x.log",
        "srv/{service}",
        "/srv/{service}/{service}",
        "/srv/{Service}",
        "/srv/{service",
        "/srv/{service}*{a}",
        "/**/**/**/{service}",
    ],
)
def test_a_pattern_that_is_none_is_told(pattern: str) -> None:
    with pytest.raises(ValueError, match="expected"):
        compile_path_pattern(pattern)


def test_a_pattern_takes_bounded_time_whatever_the_path() -> None:
    path = "/" + "/".join(["a-" * 120] * 16)
    begun = time.process_time()

    origin_of(path, "/", ("/**/{a}-{service}-x/**/z",))

    assert time.process_time() - begun < 1.0


def test_a_pod_tells_its_namespace() -> None:
    origin = origin_of("/var/log/pods/shop_pay-7f_0b1c/server/0.log", "/var/log")

    assert origin.labels == {
        "namespace": "shop",
        "pod": "pay-7f",
        "container": "server",
    }
