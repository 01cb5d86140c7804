"""docs/commands.md names every command and option, and no other."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from tests.tocsin.cli.commands import ALL
from tocsin.app.demo.services import SERVICES

TEXT = (Path(__file__).parents[3] / "docs" / "commands.md").read_text("utf-8")


@pytest.mark.parametrize("name", ALL)
def test_every_command_is_described(name: str) -> None:
    if not isinstance(ALL[name], click.Group):
        assert re.search(rf"^## .*`tocsin {name}\b", TEXT, re.MULTILINE)


@pytest.mark.parametrize("name", ALL)
def test_every_option_is_described(name: str) -> None:
    for parameter in ALL[name].params:
        if isinstance(parameter, click.Option) and not parameter.hidden:
            assert re.search(rf"`{parameter.opts[0]}\b", TEXT), parameter.opts[0]


def test_no_option_is_described_that_is_none() -> None:
    options = {
        option
        for command in ALL.values()
        for parameter in command.params
        for option in parameter.opts
    }

    described = set(re.findall(r"`(--[a-z-]+)", TEXT))

    assert described - {"--help"} <= options


def test_the_seven_services_of_the_demo_are_seven() -> None:
    assert len(SERVICES) == 7
    assert "Seven services write logs in seven formats" in TEXT
