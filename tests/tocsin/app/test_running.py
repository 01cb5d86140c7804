"""What the children of `tocsin run` are told."""

from __future__ import annotations

import pytest

from tocsin.app.running import commands
from tocsin.config.model import Config


def told(http: str | None) -> dict[str, list[str]]:
    words = commands(Config(http=http), common=["--id", "a"], collect=["--", "/logs"])
    return {name: line[line.index("tocsin") + 1 :] for name, line in words.items()}


def test_each_child_gets_the_common_options_and_the_collector_the_paths() -> None:
    assert told(None) == {
        "collector": ["collect", "--supervised", "--id", "a", "--", "/logs"],
        "processor": ["process", "--supervised", "--id", "a"],
        "alerting": ["alert", "--supervised", "--id", "a"],
    }


@pytest.mark.parametrize(
    ("http", "addresses"),
    [
        ("127.0.0.1:9100", ["127.0.0.1:9100", "127.0.0.1:9101", "127.0.0.1:9102"]),
        ("[::1]:9100", ["[::1]:9100", "[::1]:9101", "[::1]:9102"]),
        ("localhost:0", ["localhost:0", "localhost:0", "localhost:0"]),
    ],
)
def test_each_child_serves_at_a_port_of_its_own(
    http: str, addresses: list[str]
) -> None:
    lines = told(http).values()

    assert [line[line.index("--http") + 1] for line in lines] == addresses
