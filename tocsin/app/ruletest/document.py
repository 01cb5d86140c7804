"""A file of rule tests, read: `rules`, `burst`, and `tests`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError, field_validator

from tocsin.config.alerting import AlertingConfig
from tocsin.config.document import parse_document, read_document
from tocsin.config.kinds import WRITTEN, Duration, Section
from tocsin.config.mistake import ConfigMistakes, Layer, Mistake, dotted
from tocsin.config.rules_file import rules_of

_MAX_LINES = 200_000
DAY_S = 86_400.0


class Lines(Section):
    """Lines: `times` of them `at` a time, or at a `rate` from then on `for` so long."""

    at: Duration = Field(0.0, le=DAY_S)
    text: str = Field(max_length=10_000)
    service: str = "app"
    host: str = "test"
    labels: dict[str, str] = Field({}, description="of its path")
    times: int = Field(1, ge=1, le=100_000)
    rate: str | None = None
    for_: Duration = Field(0.0, alias="for", le=DAY_S)

    @field_validator("rate")
    @classmethod
    def _is_a_rate(cls, rate: str | None) -> str | None:
        if rate is not None:
            per_second(rate)
        return rate

    def written(self) -> list[tuple[float, str]]:
        """Each line, and when it is written, in seconds from the start."""
        seconds = self.seconds()
        return [(at, self.text.replace("{n}", str(n))) for n, at in enumerate(seconds)]

    def seconds(self) -> list[float]:
        """When each line is written."""
        if self.rate is None:
            return [self.at] * self.times
        rate = per_second(self.rate)
        return [self.at + k / rate for k in range(round(rate * self.for_))]


class Expected(Section):
    """Something that is to be told: `at` a time, give or take `within`."""

    at: Duration
    within: Duration = 2.0
    event: Literal["opened", "escalated", "resolved", "reopened"] = "opened"
    service: str = "app"
    rule: str = "burst"
    severity: Literal["warning", "critical"] | None = None
    group: dict[str, str] = Field({}, description="by what the rule groups, beside it")
    says: str | None = Field(None, description="stands in the message's text")


class Case(Section):
    """A test: what is written, until when the clock runs, and what is told."""

    name: str
    lines: list[Lines]
    until: Duration = Field(600.0, le=DAY_S)
    expect: list[Expected]


class _Cases(Section):
    tests: list[Case] = Field(min_length=1)


@dataclass(frozen=True, slots=True)
class RuleTests:
    """The tests of a file and the rules that they are of."""

    name: str
    rules: AlertingConfig
    cases: list[Case]


def read_tests(path: Path) -> RuleTests:
    """Read a file of tests.

    Raises:
        ConfigMistakes: with every mistake and its place.
        ConfigError: the file cannot be read.
    """
    return _tests_of(read_document(path), str(path))


def parse_tests(text: str, name: str) -> RuleTests:
    """Read tests from text; `name` stands in the places.

    Raises:
        ConfigMistakes: with every mistake and its place.
    """
    return _tests_of(parse_document(text, name), name)


def per_second(rate: str) -> float:
    """Read `5/s` or `30/m`.

    Raises:
        ValueError: it is no rate.
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)/(s|m|h)", rate)
    if found is None or float(found[1]) == 0:
        raise ValueError(f'expected a rate such as "5/s" or "30/m", got "{rate}"')
    return float(found[1]) / {"s": 1, "m": 60, "h": 3600}[found[2]]


def _tests_of(layer: Layer, name: str) -> RuleTests:
    rules = rules_of(layer, others=("tests",))
    values = {"tests": layer.values.get("tests") or []}
    try:
        cases = _Cases.model_validate(values, context=WRITTEN).tests
    except ValidationError as error:
        raise ConfigMistakes(_mistakes(error, layer, values)) from error
    total = sum(len(x.seconds()) for case in cases for x in case.lines)
    if total > _MAX_LINES:
        problem = f"{total:,} lines in all, expected at most {_MAX_LINES:,}"
        raise ConfigMistakes([Mistake(layer.place_of(("tests",)), problem, "tests")])
    return RuleTests(name, rules, cases)


def _mistakes(error: ValidationError, layer: Layer, values: Any) -> list[Mistake]:
    found = []
    for detail in error.errors(include_url=False):
        key, at = (), values
        for part in detail["loc"]:
            inside = part in at if isinstance(at, dict) else isinstance(part, int)
            if not inside or not isinstance(at, dict | list):
                break
            at = at[part]  # type: ignore[index]
            key = (*key, part)  # type: ignore[assignment]
        named = detail["loc"] if detail["type"] == "missing" else key
        place = layer.keys.get(key) or layer.place_of(key)
        problem = str(detail.get("ctx", {}).get("error", detail["msg"]))
        found.append(Mistake(place, problem[:1].lower() + problem[1:], dotted(named)))
    return found
