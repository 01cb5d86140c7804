"""The configuration for people and programs: effective values, origins, the schema."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from pydantic import BaseModel, SecretStr

from tocsin.config.loading import Loaded
from tocsin.config.mistake import Key, Place
from tocsin.config.model import Config
from tocsin.config.settings import Setting, settings

MASK = "***"
_DURATIONS = (("d", 86400.0), ("h", 3600.0), ("m", 60.0), ("s", 1.0), ("ms", 0.001))
_SIZES = (("GiB", 1024**3), ("MiB", 1024**2), ("KiB", 1024), ("B", 1))


class Shown(NamedTuple):
    """A setting as it is in force; secrets are masked."""

    setting: Setting
    value: Any
    origin: str


def effective(loaded: Loaded) -> Iterator[Shown]:
    """Every setting with its value and where it came from."""
    for setting in settings():
        value: Any = loaded.config
        for name in setting.path:
            value = getattr(value, name)
        origin = _origin(loaded.origins, setting)
        yield Shown(setting, written(setting, value), origin)


def written(setting: Setting, value: Any) -> Any:
    """A value as a configuration file would say it."""
    if isinstance(value, BaseModel):
        return _written_section(setting, value)
    if isinstance(value, list):
        return [written(setting, item) for item in value]
    if isinstance(value, Mapping):
        return {name: written(setting, inner) for name, inner in value.items()}
    if value is None or isinstance(value, bool | str | SecretStr):
        return MASK if isinstance(value, SecretStr) else value
    if setting.is_duration:
        return duration_text(value)
    return size_text(value) if setting.is_size else _plain(value)


def _written_section(setting: Setting, section: BaseModel) -> dict[str, Any]:
    """What is set in a section inside of a list."""
    fields = type(section).model_fields
    return {
        fields[name].alias or name: written(
            Setting((*setting.path, name), fields[name]), value
        )
        for name, value in section
        if name in section.model_fields_set
    }


def _plain(value: Any) -> Any:
    return value if isinstance(value, int | float) else str(value)


def duration_text(value_s: float) -> str:
    """Seconds as `1h`, in the largest unit that leaves no fraction."""
    for unit, seconds in _DURATIONS:
        count = value_s / seconds
        if count >= 1 and abs(count - round(count)) < 1e-9:
            return f"{round(count)}{unit}"
    return f"{value_s:g}s"


def size_text(value: int) -> str:
    """Bytes as `4MiB`, in the largest unit that leaves no fraction."""
    for unit, size in _SIZES:
        if value and value % size == 0:
            return f"{value // size}{unit}"
    return "0B"


def as_yaml(loaded: Loaded) -> Iterator[str]:
    """Lines of a YAML file with the origin of each value as a comment."""
    above: tuple[str, ...] = ()
    for setting, value, origin in effective(loaded):
        *sections, name = setting.path
        for depth, section in enumerate(sections):
            if tuple(sections[: depth + 1]) != above[: depth + 1]:
                yield f"{'  ' * depth}{section}:"
        above = tuple(sections)
        line = f"{'  ' * len(sections)}{name}: {json.dumps(value, ensure_ascii=False)}"
        yield f"{line:<44}  # {origin}"


def schema() -> dict[str, Any]:
    """The JSON Schema of the configuration file, for editors."""
    described = Config.model_json_schema()
    for setting in settings():
        section = described
        for name in setting.path[:-1]:
            section = _resolved(described, section["properties"][name])
        entry = section["properties"][setting.path[-1]]
        if "default" in entry:
            entry["default"] = written(setting, entry["default"])
    for section in (described, *described["$defs"].values()):
        for entry in section.get("properties", {}).values():
            if isinstance(entry.get("default"), dict):
                del entry["default"]  # its parts have theirs
            _without_bounds_of_text(entry)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **described}


def _without_bounds_of_text(entry: Any) -> None:
    """A duration is text to the schema, so its smallest value says nothing there."""
    if isinstance(entry, dict):
        entry.pop("ge", None)
        for inner in entry.values():
            _without_bounds_of_text(inner)
    elif isinstance(entry, list):
        for inner in entry:
            _without_bounds_of_text(inner)


def _resolved(described: dict[str, Any], entry: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = described["$defs"][entry["$ref"].rpartition("/")[2]]
    return found


def _origin(origins: Mapping[Key, Place], setting: Setting) -> str:
    for key, place in origins.items():
        if key[: len(setting.path)] == setting.path:
            return str(place)
    return "default"
