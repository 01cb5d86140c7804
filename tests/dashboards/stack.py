"""What docker-compose.yml and the Dockerfile say, in the words of the tests."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
IMAGE = "tocsin:local"


def load_yaml(path: Path) -> Any:
    """A YAML file of the repository, as plain values."""
    return YAML(typ="safe").load(path)


@dataclass(frozen=True)
class Port:
    """A published port."""

    address: str
    host: int
    container: int


@dataclass(frozen=True)
class Mount:
    """A bind mount or a named volume."""

    source: str
    target: str
    read_only: bool

    @property
    def is_bind(self) -> bool:
        """Whether the source is a path of the host."""
        return self.source.startswith((".", "/"))


@dataclass(frozen=True)
class Service:
    """One service of the compose file."""

    name: str
    raw: dict[str, Any]

    @property
    def is_ours(self) -> bool:
        """Whether it runs Tocsin."""
        return bool(self.raw["image"] == IMAGE)

    @property
    def command(self) -> list[str]:
        """The arguments, as a list."""
        command = self.raw.get("command", [])
        return shlex.split(command) if isinstance(command, str) else list(command)

    @property
    def environment(self) -> dict[str, str]:
        """Name to value."""
        return dict(self.raw.get("environment", {}))

    @property
    def ports(self) -> list[Port]:
        """The published ports."""
        split = [str(one).rsplit(":", 2) for one in self.raw.get("ports", [])]
        return [
            Port(parts[-3] if len(parts) == 3 else "", int(parts[-2]), int(parts[-1]))
            for parts in split
        ]

    @property
    def mounts(self) -> list[Mount]:
        """The volumes, with the variables' defaults in place."""
        split = [resolved(str(one)).split(":") for one in self.raw.get("volumes", [])]
        return [Mount(parts[0], parts[1], parts[2:] == ["ro"]) for parts in split]

    @property
    def needs(self) -> dict[str, str]:
        """Service to the condition that is waited for."""
        return {
            name: how["condition"]
            for name, how in self.raw.get("depends_on", {}).items()
        }

    @property
    def has_healthcheck(self) -> bool:
        """Whether the compose file has a health check for it."""
        return "test" in self.raw.get("healthcheck", {})


class Compose:
    """The compose file."""

    def __init__(self, path: Path = ROOT / "docker-compose.yml") -> None:
        self.raw = load_yaml(path)

    @cached_property
    def services(self) -> dict[str, Service]:
        """Every service, those in profiles too."""
        return {name: Service(name, raw) for name, raw in self.raw["services"].items()}

    @property
    def ours(self) -> list[Service]:
        """The services that run Tocsin."""
        return [service for service in self.services.values() if service.is_ours]

    @property
    def components(self) -> list[Service]:
        """Ours, without the generator of demo logs."""
        return [service for service in self.ours if service.name != "demo"]


@dataclass(frozen=True)
class Instruction:
    """One instruction of the Dockerfile."""

    word: str
    rest: str


def dockerfile() -> list[Instruction]:
    """The Dockerfile's instructions, with continued lines joined."""
    text = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [Instruction(*line.split(maxsplit=1)) for line in lines]


def image_environment() -> dict[str, str]:
    """What the image's ENV sets."""
    return dict(
        pair.split("=", 1)
        for one in dockerfile()
        if one.word == "ENV"
        for pair in shlex.split(one.rest)
    )


def copied_into_image() -> list[tuple[list[str], str]]:
    """Sources and target of every COPY from the repository."""
    copies = [
        one.rest.split()
        for one in dockerfile()
        if one.word == "COPY" and not one.rest.startswith("--from")
    ]
    return [(parts[:-1], parts[-1]) for parts in copies]


_VARIABLE = re.compile(r"\$\{(?P<name>\w+):(?P<how>[-+])(?P<value>[^}]*)\}")


def resolved(text: str, **environ: str) -> str:
    """Resolve `${NAME:-default}` and `${NAME:+other}` as compose does."""

    def value(match: re.Match[str]) -> str:
        given = environ.get(match["name"], "")
        if match["how"] == "+":
            return match["value"] if given else ""
        return given or match["value"]

    return _VARIABLE.sub(value, text)
