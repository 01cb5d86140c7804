"""A mistake in the configuration: where it stands, which key, and what is wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tocsin.errors import ConfigError

Key = tuple[str | int, ...]
"""The way to a value: `("bus", "url")`, or `("collector", "paths", 0)`."""


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where something was set; `line` and `column` count from 1 and only in files."""

    source: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        if not self.line:
            return self.source
        return f"{self.source}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Mistake:
    """One mistake; as text `file:line:col: key: problem`."""

    place: Place
    problem: str
    key: str = ""

    def __str__(self) -> str:
        # A variable or an option already names the key.
        named = f"{self.key}: " if self.key and self.place.line else ""
        return f"{self.place}: {named}{self.problem}"


@dataclass(slots=True)
class Layer:
    """What one source sets: nested values, where each stands, and what is wrong.

    `keys` are the places of the keys, `places` those of the values.
    """

    values: dict[str, Any] = field(default_factory=dict)
    places: dict[Key, Place] = field(default_factory=dict)
    keys: dict[Key, Place] = field(default_factory=dict)
    mistakes: list[Mistake] = field(default_factory=list)

    def set(self, key: Key, value: Any, place: Place) -> None:
        """Set one value; the sections above it are made where they are missing."""
        section = self.values
        for name in key[:-1]:
            section = section.setdefault(str(name), {})
        section[str(key[-1])] = value
        self.places[key] = self.keys[key] = place

    def place_of(self, key: Key) -> Place:
        """Where a value stands, or the nearest section around it."""
        for length in range(len(key), -1, -1):
            if key[:length] in self.places:
                return self.places[key[:length]]
        return Place("configuration")


class ConfigMistakes(ConfigError):
    """All mistakes of a configuration at once."""

    def __init__(self, mistakes: Sequence[Mistake]) -> None:
        count = len(mistakes)
        super().__init__(
            f"{count} mistake{'s' if count != 1 else ''} in the configuration",
            hint="`tocsin config schema` lists every key and what it takes",
        )
        self.mistakes = tuple(mistakes)


def dotted(key: Key) -> str:
    """The key as people write it: `alerting.burst.windows[1]`."""
    text = ""
    for part in key:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return text.removeprefix(".")


def overlay(base: Mapping[str, Any], top: Mapping[str, Any]) -> dict[str, Any]:
    """Sections of both merged; where both set a value, `top` wins."""
    merged = dict(base)
    for name, value in top.items():
        below = merged.get(name)
        if isinstance(below, Mapping) and isinstance(value, Mapping):
            merged[name] = overlay(below, value)
        else:
            merged[name] = value
    return merged
