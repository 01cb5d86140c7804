"""Every command that compose, the image and the guide give is one that exists."""

from __future__ import annotations

import json
import re
import shlex

import click
import pytest

from tests.dashboards.stack import ROOT, Compose, dockerfile
from tests.tocsin.cli.commands import accepted


@pytest.mark.slow  # imports every component
def test_the_services_commands_exist() -> None:
    commands = {service.name: accepted(service.command) for service in Compose().ours}

    assert commands == {
        "collector": "collect",
        "processor": "process",
        "alerting": "alert",
        "demo": "demo",
    }


@pytest.mark.parametrize(
    "arguments", [["colect", "/logs"], ["collect", "--bus-url", "x", "/logs"]]
)
def test_a_wrong_command_or_option_would_be_noticed(arguments: list[str]) -> None:
    with pytest.raises(click.UsageError):
        accepted(arguments)


def test_the_health_checks_are_a_command_of_ours() -> None:
    (check,) = [one.rest for one in dockerfile() if one.word == "HEALTHCHECK"]
    words = json.loads(check[check.index("[") :])
    tests = [
        service.raw["healthcheck"]["test"]
        for service in Compose().ours
        if service.has_healthcheck
    ]

    assert len(tests) == 3
    for test in [["CMD", *words], *tests]:
        assert test[:2] == ["CMD", "tocsin"]
        assert accepted(test[2:]) == "healthcheck"


def test_the_image_s_entry_point_is_installed_by_the_package() -> None:
    (entry,) = [one.rest for one in dockerfile() if one.word == "ENTRYPOINT"]
    project = (ROOT / "pyproject.toml").read_text()

    (program,) = json.loads(entry)
    assert f"{program} = " in project.partition("[project.scripts]")[2]


@pytest.mark.slow  # the same
def test_the_guide_s_commands_exist() -> None:
    text = (ROOT / "docs" / "deployment.md").read_text()
    inline = re.findall(r"`tocsin ([^`]+)`", text)

    assert len(inline) >= 6
    for words in inline:
        assert accepted(shlex.split(words)), words
