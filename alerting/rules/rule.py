"""A rule: which lines of which services it counts, what it asks, and for how long.

Counts come from panes and nothing else. Which lines: by level; or, with a pattern, the
ERROR and FATAL lines whose template matches, decided by the first line seen of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from alerting.incident import Policy
from alerting.rules.change import Change
from alerting.rules.condition import Condition, Levels
from alerting.rules.pattern import Pattern
from alerting.rules.ratio import Ratio
from alerting.rules.threshold import Threshold
from tocsin.config.alerting import RuleConfig
from tocsin.records.frames import Pane, TemplateCount
from tocsin.values import Level

ERRORS = (Level.ERROR, Level.FATAL)
_LEVELS = {
    "fatal": (Level.FATAL,),
    "error": ERRORS,
    "warn": (Level.WARN, Level.ERROR, Level.FATAL),
    "any": tuple(Level),
}
_NOUNS = {"fatal": "FATAL", "error": "ERROR", "warn": "WARN or worse", "any": "lines"}


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule, ready to count."""

    name: str
    headline: str
    services: Sequence[str]
    levels: tuple[Level, ...]
    pattern: Pattern | None
    condition: Condition
    policy: Policy

    def is_about(self, service: str) -> bool:
        """Whether it watches a service."""
        return any(fnmatchcase(service, x) for x in self.services)

    def wants(self, found: TemplateCount) -> bool:
        """Whether it counts the lines of a template."""
        return self.pattern is None or self.pattern.matches(found)

    def count(self, panes: Sequence[Pane]) -> int:
        """How many lines of some panes it is about."""
        if self.pattern is None:
            return sum(pane.counts[level] for pane in panes for level in self.levels)
        found = (x for pane in panes for x in pane.templates if pane.errors)
        return sum(x.count for x in found if self.wants(x))


def rule_of(config: RuleConfig) -> Rule:
    """The rule as it is configured."""
    return Rule(
        name=config.name,
        headline=config.name,
        services=tuple(config.service),
        levels=_LEVELS[config.level],
        pattern=None if config.text is None else Pattern(config.text),
        condition=_condition(config),
        policy=Policy(quiet_s=config.quiet, for_s=config.for_),
    )


def _condition(config: RuleConfig) -> Condition:
    window_s = max(1, round(config.window))
    levels = Levels(config.warning, config.critical)
    noun = _NOUNS[config.level] if config.text is None else "matching lines"
    match config.type:
        case "ratio":
            return Ratio(window_s, levels, config.min_count, noun)
        case "change":
            return Change(window_s, levels, config.min_count, noun)
        case "threshold" | "match":
            return Threshold(window_s, levels, noun)
