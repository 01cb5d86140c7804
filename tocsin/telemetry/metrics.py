"""Prometheus metrics: one registry a process, labels that cannot explode."""

from __future__ import annotations

import prometheus_client
from prometheus_client import CollectorRegistry, Counter

OTHER = "__other__"
MAX_LABELS = 200


def new_registry() -> CollectorRegistry:
    """A registry for one component process, without `_created` series."""
    prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]
    return CollectorRegistry()


class BoundedLabel:
    """Lets the first `limit` values of a label through; later ones become OTHER.

    Log data chooses service names, so their number must not become the number of
    series. Each refused use counts in `tocsin_label_overflow_total`.
    """

    def __init__(
        self, overflow: Counter, name: str, *, limit: int = MAX_LABELS
    ) -> None:
        self._overflow = overflow.labels(label=name)
        self._limit = limit
        self._known: set[str] = set()

    def __call__(self, value: str) -> str:
        """The value, or OTHER when the label has too many already."""
        if value in self._known:
            return value
        if len(self._known) < self._limit:
            self._known.add(value)
            return value
        self._overflow.inc()
        return OTHER


def overflow_counter(registry: CollectorRegistry) -> Counter:
    """The counter that `BoundedLabel`s of one registry share."""
    return Counter(
        "tocsin_label_overflow",
        "Uses of a label value that was one too many",
        ["label"],
        registry=registry,
    )
