"""Every setting there is, read from the model: its key, its type, its variable.

A setting's variable is its key in capitals after `TOCSIN_`, with `_` for `.`:
`processor.flush` is `TOCSIN_PROCESSOR_FLUSH`. Those that are also an option of the
command line have the option's name besides: `--bus` is `TOCSIN_BUS`. A secret can
stand in a file of its own, named by the variable with `_FILE`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from tocsin.config.kinds import is_duration, is_size
from tocsin.config.model import Config

SHORT = {
    "TOCSIN_BUS": "bus.url",
    "TOCSIN_TOPIC_PREFIX": "bus.topic_prefix",
    "TOCSIN_CREATE_TOPICS": "bus.create_topics",
    "TOCSIN_PATHS": "collector.paths",
    "TOCSIN_START": "collector.start",
    "TOCSIN_EXCLUDE": "collector.exclude",
    "TOCSIN_IGNORE_OLDER": "collector.ignore_older",
    "TOCSIN_MULTILINE": "collector.multiline",
    "TOCSIN_ENCODING": "collector.encoding",
    "TOCSIN_DELIMITER": "collector.delimiter",
    "TOCSIN_PIN": "collector.pin",
    "TOCSIN_SLACK_WEBHOOK_URL": "alerting.slack.webhook_url",
    "TOCSIN_SLACK_BOT_TOKEN": "alerting.slack.bot_token",
    "TOCSIN_SLACK_CHANNEL": "alerting.slack.channel",
    "TOCSIN_SLACK_API_URL": "alerting.slack.api_url",
}
"""Variables with a name of their own, beside the one of their key."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting. `path` leads to it; `secret` values are never shown."""

    path: tuple[str, ...]
    field: FieldInfo

    @property
    def key(self) -> str:
        """The key as it is written: `bus.url`."""
        return ".".join(self.path)

    @property
    def variable(self) -> str:
        """The name of its variable in the environment."""
        return "TOCSIN_" + "_".join(self.path).upper()

    @property
    def is_secret(self) -> bool:
        """Whether it is, or holds, what must not be shown."""
        return holds_secret(self.field.annotation)

    @property
    def is_list(self) -> bool:
        """Whether it takes several values."""
        return any(get_origin(kind) is list for kind in _kinds(self.field.annotation))

    @property
    def is_table(self) -> bool:
        """Whether it takes keys of a foreign program, with their values."""
        return any(get_origin(kind) is dict for kind in _kinds(self.field.annotation))

    @property
    def is_duration(self) -> bool:
        """Whether it is a time such as 30s."""
        return is_duration(self.field)

    @property
    def is_size(self) -> bool:
        """Whether it is a size such as 64KiB."""
        return is_size(self.field)


@cache
def settings() -> tuple[Setting, ...]:
    """All settings, in the model's order."""
    return tuple(_settings(Config, ()))


@cache
def by_key() -> dict[str, Setting]:
    """All settings by their key."""
    return {setting.key: setting for setting in settings()}


@cache
def variables() -> dict[str, Setting]:
    """All variables of the environment that set something."""
    found = {setting.variable: setting for setting in settings()}
    return found | {name: by_key()[key] for name, key in SHORT.items()}


@cache
def sections() -> tuple[tuple[str, ...], ...]:
    """The paths of all sections, outer ones first."""
    paths = {s.path[:n]: None for s in settings() for n in range(1, len(s.path))}
    return tuple(sorted(paths, key=len))


def field_at(key: Sequence[str | int]) -> FieldInfo | None:
    """The field that a key leads to, also inside of lists; None where there is none."""
    model: type[BaseModel] | None = Config
    field: FieldInfo | None = None
    for part in key:
        if isinstance(part, int):
            continue  # an item is of the kind that its list takes
        field = None if model is None else model.model_fields.get(part)
        model = None if field is None else model_of(field.annotation)
    return field


def model_of(annotation: Any) -> type[BaseModel] | None:
    """The model whose keys stand below a value, or in the items of a list."""
    return next((m for x in _kinds(annotation) if (m := _section(x))), None)


def _settings(model: type[BaseModel], above: tuple[str, ...]) -> Iterator[Setting]:
    for name, field in model.model_fields.items():
        section = _section(field.annotation)
        if section is None:
            yield Setting((*above, name), field)
        else:
            yield from _settings(section, (*above, name))


def holds_secret(annotation: Any) -> bool:
    """Whether a value is, or directly holds, what must not be shown."""
    return any(kind is SecretStr for kind in _kinds(annotation))


def _section(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return None


def _kinds(annotation: Any) -> Iterator[Any]:
    yield annotation
    for inner in get_args(annotation):
        yield from _kinds(inner)
