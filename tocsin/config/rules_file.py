"""A file of rules: the keys `rules` and `burst` of `alerting:`, standing alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from tocsin.config.alerting import AlertingConfig
from tocsin.config.contradictions import contradictions
from tocsin.config.document import read_document
from tocsin.config.explain import validate
from tocsin.config.mistake import ConfigMistakes, Key, Layer, Mistake, Place

_ABOVE = "alerting"
_KEYS = ("rules", "burst")


def read_rules(path: Path) -> AlertingConfig:
    """The rules of a file; its tests, if it has some, are for `tocsin test`.

    Raises:
        ConfigMistakes: with every mistake and its place.
        ConfigError: the file cannot be read.
    """
    layer = read_document(path)
    return rules_of(layer, others=("tests",))


def rules_of(layer: Layer, *, others: tuple[str, ...]) -> AlertingConfig:
    """The rules of a document that may have `others` as keys beside them.

    Raises:
        ConfigMistakes: with every mistake of the rules, and keys that mean nothing.
    """
    known = {x: y for x, y in layer.values.items() if x in _KEYS and y is not None}
    lifted = Layer(
        values={_ABOVE: known},
        places=_lifted(layer.places),
        keys=_lifted(layer.keys),
        mistakes=[*layer.mistakes],
    )
    lifted.mistakes += _unknown(layer, (*_KEYS, *others))
    config, mistakes = validate(lifted)
    mistakes = [*lifted.mistakes, *mistakes, *contradictions(lifted)]
    if config is None or mistakes:
        named = (replace(x, key=x.key.removeprefix(f"{_ABOVE}.")) for x in mistakes)
        raise ConfigMistakes(sorted(named, key=lambda x: x.place))
    return config.alerting


def _unknown(layer: Layer, known: tuple[str, ...]) -> list[Mistake]:
    problem = f"unknown key; possible are {', '.join(sorted(known))}"
    return [
        Mistake(layer.keys.get((name,), layer.place_of(())), problem, name)
        for name in layer.values
        if name not in known
    ]


def _lifted(places: Mapping[Key, Place]) -> dict[Key, Place]:
    below: dict[Key, Any] = {(_ABOVE, *key): place for key, place in places.items()}
    return below
