"""What the README tells a newcomer to type exists."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from tests.tocsin.cli.commands import accepted
from tocsin.config.settings import variables

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "README.md").read_text("utf-8")
BLOCKS = "\n".join(re.findall(r"```sh\n(.*?)```", TEXT, re.DOTALL))


@pytest.mark.slow  # imports every component
def test_its_tocsin_commands_are_accepted() -> None:
    commands = re.findall(r"^tocsin (.*?)(?: +#.*)?$", BLOCKS, re.MULTILINE)

    assert len(commands) >= 3
    for words in commands:
        assert accepted(shlex.split(words)), words


def test_its_make_targets_exist() -> None:
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)

    named = set(re.findall(r"^make ([a-z]+)", BLOCKS, re.MULTILINE))
    assert {"run", "test"} <= named
    assert named <= set(targets)


def test_its_variables_are_read() -> None:
    assert set(re.findall(r"TOCSIN_[A-Z_]+[A-Z]", TEXT)) <= set(variables())


def test_its_links_lead_somewhere() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", TEXT)

    assert len(links) >= 3
    assert [link for link in links if not (ROOT / link).exists()] == []
