"""The default rule and the life of its incidents, as they are configured.

Apart from the worker: a backtest needs them, and none of what delivers messages.
"""

from __future__ import annotations

from alerting.burst import BurstRule
from alerting.incident import Policy
from tocsin.config.alerting import BurstConfig


def burst_rule(config: BurstConfig) -> BurstRule:
    """The default rule as it is configured."""
    return BurstRule(
        min_count=config.min_count if config.enabled else 2**31,
        warning_factor=config.warning_factor,
        critical_factor=config.critical_factor,
        windows_s=tuple(max(1, round(x)) for x in config.windows),
        half_life_s=config.half_life,
        calm_window_s=max(1, round(config.resolve_window)),
    )


def policy(config: BurstConfig) -> Policy:
    """The life of an incident as it is configured."""
    return Policy(quiet_s=config.resolve_quiet, reopen_s=config.reopen_within)
