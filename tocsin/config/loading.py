"""Options over environment over file over defaults, as one checked configuration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tocsin.config.contradictions import contradictions
from tocsin.config.document import read_document
from tocsin.config.environment import CONFIG_VARIABLE, read_environment
from tocsin.config.explain import validate
from tocsin.config.mistake import (
    ConfigMistakes,
    Key,
    Layer,
    Mistake,
    Place,
    overlay,
)
from tocsin.config.model import Config
from tocsin.config.settings import sections, settings


@dataclass(frozen=True, slots=True)
class Option:
    """A value from the command line and the option's name: `--bus`."""

    path: tuple[str, ...]
    name: str
    value: Any


@dataclass(frozen=True, slots=True)
class Loaded:
    """A configuration, where each value came from, and what looks odd."""

    config: Config
    file: Path | None
    origins: Mapping[Key, Place]
    warnings: tuple[str, ...] = ()


def load(
    *,
    file: Path | None,
    environ: Mapping[str, str],
    options: tuple[Option, ...] = (),
) -> Loaded:
    """Read everything that is set and check it as a whole.

    Raises:
        ConfigMistakes: with every mistake of every source.
        ConfigError: the file cannot be read.
    """
    if file is None and environ.get(CONFIG_VARIABLE):
        file = Path(environ[CONFIG_VARIABLE])
    written = read_document(file) if file else Layer()
    surrounding, warnings = read_environment(environ)
    layers = (written, surrounding, _given(options))
    for layer in layers:
        _write_tables_as_text(layer.values)
        _fill_empty_sections(layer.values)
    merged = Layer()
    mistakes: list[Mistake] = []
    for layer in layers:
        # Each by itself first: a mistake in the file is one even where an option
        # takes its place.
        mistakes += layer.mistakes + _others(validate(layer)[1], layer.mistakes)
        merged.values = overlay(merged.values, layer.values)
        merged.places |= layer.places
        merged.keys |= layer.keys
    if file is not None:
        _anchor(merged, file.parent)
    mistakes += contradictions(merged)
    if mistakes:
        raise ConfigMistakes(sorted(mistakes, key=_in_reading_order))
    # On top of the defaults, because a topic that sets its partitions alone keeps
    # the retention of its own, not that of topics in general.
    values = overlay(Config().model_dump(), merged.values)
    config = Config.model_validate(values)
    return Loaded(config, file, merged.places, tuple(warnings))


def _in_reading_order(mistake: Mistake) -> tuple[bool, Place]:
    return not mistake.place.line, mistake.place  # the file's first


def _given(options: tuple[Option, ...]) -> Layer:
    layer = Layer()
    for option in options:
        layer.set(option.path, option.value, Place(option.name))
    return layer


def _others(found: list[Mistake], known: list[Mistake]) -> list[Mistake]:
    """Without those at a place whose value could not even be read."""
    places = {mistake.place for mistake in known}
    return [mistake for mistake in found if mistake.place not in places]


def _fill_empty_sections(values: dict[str, Any]) -> None:
    """A section whose keys are all commented out sets nothing; YAML calls it null."""
    for path in sections():
        around = _get(values, path[:-1])
        if isinstance(around, dict) and around.get(path[-1], "") is None:
            around[path[-1]] = {}


def _write_tables_as_text(values: dict[str, Any]) -> None:
    """What goes to the Kafka client is text to it, whatever YAML makes of it."""
    for setting in settings():
        table = _get(values, setting.path) if setting.is_table else None
        if isinstance(table, dict):
            for name, value in table.items():
                if isinstance(value, bool):
                    table[name] = str(value).lower()
                elif isinstance(value, int | float):
                    table[name] = str(value)


def _anchor(layer: Layer, folder: Path) -> None:
    """Paths in a file are meant from the file's folder, wherever it is run from."""
    name = layer.places[()].source
    for path in (("state_dir",), ("collector", "paths")):
        value = _get(layer.values, path)
        if layer.place_of(path).source != name:
            continue
        if isinstance(value, str):
            layer.set(path, _below(folder, value), layer.places[path])
        elif isinstance(value, list):
            value[:] = [_below(folder, v) if isinstance(v, str) else v for v in value]


def _below(folder: Path, path: str) -> str:
    return str(folder / Path(path).expanduser())


def _get(values: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        values = values.get(name) if isinstance(values, Mapping) else None
    return values
