"""Two sets of rules over one history: which pages both have, and which only one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from alerting.incident import Incident

_NEAR_S = 120.0


@dataclass(slots=True)
class Comparison:
    """Pages of both, as pairs, and those of one alone."""

    both: list[tuple[Incident, Incident]] = field(default_factory=list)
    only_first: list[Incident] = field(default_factory=list)
    only_second: list[Incident] = field(default_factory=list)


def compare(first: Sequence[Incident], second: Sequence[Incident]) -> Comparison:
    """Pair the pages of a service that tell of the same time, each once."""
    result = Comparison()
    left = list(second)
    for incident in first:
        same = next((x for x in left if _is_same(incident, x)), None)
        if same is None:
            result.only_first.append(incident)
        else:
            left.remove(same)
            result.both.append((incident, same))
    result.only_second = left
    return result


def _is_same(one: Incident, other: Incident) -> bool:
    if one.service != other.service:
        return False
    begins = max(one.opened_at, other.opened_at)
    ends = min(_end(one), _end(other))
    return begins <= ends or abs(one.detected_at - other.detected_at) <= _NEAR_S


def _end(incident: Incident) -> float:
    return incident.fired_at if incident.resolved_at is None else incident.resolved_at
