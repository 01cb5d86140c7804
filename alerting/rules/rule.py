"""A rule as it is configured, ready to be put to work."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

from alerting.incident import Policy
from alerting.rules.condition import Levels
from alerting.rules.selection import Selection, selection_of
from tocsin.config.alerting import RuleConfig
from tocsin.config.tallies import needed_of

_USUAL_WARNING = {"absence": 1.0, "new_pattern": 1.0, "budget": 1.0}
_USUAL_WINDOW_S = {"absence": 300.0, "new_pattern": 600.0}
_FORGOTTEN_S = 86_400.0


@dataclass(frozen=True, slots=True)
class Rule:
    """What a rule asks, of which lines, and how its incidents live; no state."""

    config: RuleConfig
    lines: Selection
    levels: Levels
    policy: Policy

    @property
    def name(self) -> str:
        """What people call it."""
        return self.config.name

    @property
    def needs(self) -> tuple[str, ...]:
        """What frames must count (`Frame.counted`) for it to know of its lines."""
        return needed_of(self.config)

    @property
    def window_s(self) -> int:
        """Its window in whole seconds."""
        return max(1, round(_window_s(self.config)))


def rule_of(config: RuleConfig) -> Rule:
    """The rule as it is configured.

    Raises:
        ConfigError: its pattern is none.
    """
    return Rule(config, selection_of(config), _levels(config), _policy(config))


def _levels(config: RuleConfig) -> Levels:
    if config.warning is None and config.critical is None:
        if config.type == "composite":
            return Levels()  # as bad as its parts
        critical = 1.0 if config.type == "budget" else None
        return Levels(_USUAL_WARNING.get(config.type), critical)
    return Levels(config.warning, config.critical)


def _policy(config: RuleConfig) -> Policy:
    normal_s = forgotten_s(_window_s(config)) if config.type == "absence" else inf
    return Policy(quiet_s=config.quiet, for_s=config.for_, new_normal_s=normal_s)


def _window_s(config: RuleConfig) -> float:
    if config.window is not None:
        return config.window
    return _USUAL_WINDOW_S.get(config.type, 60.0)


def forgotten_s(window_s: float) -> float:
    """After so much silence, no line is expected any more."""
    return max(_FORGOTTEN_S, 10 * window_s)
