"""What the deployment guide names exists."""

from __future__ import annotations

import re

from tests.dashboards.stack import ROOT, Compose
from tocsin.config.settings import variables

TEXT = (ROOT / "docs" / "deployment.md").read_text()


def test_its_variables_are_those_of_the_configuration_or_of_compose() -> None:
    compose = (ROOT / "docker-compose.yml").read_text()
    known = {*variables(), *re.findall(r"\$\{(TOCSIN_\w+)", compose)}

    named = set(re.findall(r"TOCSIN_\w+", TEXT))
    clients = {name for name in named if name.startswith("TOCSIN_BUS_KAFKA_")}
    assert named - clients - known == set()


def test_it_explains_every_variable_of_the_compose_file() -> None:
    compose = (ROOT / "docker-compose.yml").read_text()

    used = set(re.findall(r"\$\{(TOCSIN_\w+)", compose))
    assert {name for name in used if f"| `{name}` |" not in TEXT} == set()


def test_its_addresses_are_published() -> None:
    published = {
        f"localhost:{port.host}"
        for service in Compose().services.values()
        for port in service.ports
    }

    assert set(re.findall(r"localhost:\d+", TEXT)) == published


def test_its_paths_exist() -> None:
    paths = set(re.findall(r"`(dashboards/[^`]*|docker-compose\.yml)`", TEXT))

    assert len(paths) == 4
    assert {path for path in paths if not (ROOT / path).exists()} == set()
