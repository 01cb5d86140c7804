"""Inhibition: an open incident that explains others keeps them quiet. Pure.

When the database is down, a page for each service that uses it says nothing new. An
incident that is on both sides of a rule is never kept quiet by another that is, so
that two of them cannot keep each other quiet - or one itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from alerting.incident import Incident
from alerting.matchers import Matcher, from_patterns, match_all
from tocsin.config.alerting import InhibitConfig


@dataclass(frozen=True, slots=True)
class Inhibition:
    """While a source is open, targets that agree with it in `equal` are quiet."""

    source: tuple[Matcher, ...]
    target: tuple[Matcher, ...]
    equal: tuple[str, ...] = ()

    def holds(self, source: Incident, target: Incident) -> bool:
        """Whether the one keeps the other quiet."""
        if source.id == target.id or not source.is_open:
            return False
        if not self.is_source(source) or not self._is_target(target):
            return False
        if self._is_target(source) and self.is_source(target):
            return False
        return all(
            source.labels.get(x, "") == target.labels.get(x, "") for x in self.equal
        )

    def is_source(self, incident: Incident) -> bool:
        """Whether it may keep others quiet."""
        return match_all(self.source, incident.labels)

    def _is_target(self, incident: Incident) -> bool:
        return match_all(self.target, incident.labels)


def sources(
    rules: Sequence[Inhibition], incidents: Iterable[Incident]
) -> list[Incident]:
    """Those that may keep others quiet; few, so that to look through them is cheap."""
    if not rules:
        return []
    return [x for x in incidents if any(rule.is_source(x) for rule in rules)]


def inhibitor(
    rules: Sequence[Inhibition], target: Incident, others: Iterable[Incident]
) -> Incident | None:
    """The open incident that keeps `target` quiet."""
    return next((x for x in others if any(r.holds(x, target) for r in rules)), None)


def inhibitions(config: Sequence[InhibitConfig]) -> tuple[Inhibition, ...]:
    """The rules as they are configured."""
    return tuple(
        Inhibition(from_patterns(x.source), from_patterns(x.target), tuple(x.equal))
        for x in config
    )
