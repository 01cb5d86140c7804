"""What an incident is an incident of: a service, and what else a rule groups by."""

from __future__ import annotations

from typing import NamedTuple


class Group(NamedTuple):
    """Lines that a rule looks at together; `service` is empty where it is of many."""

    service: str
    labels: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        """The group as people read it."""
        more = ", ".join(f"{name}={value}" for name, value in self.labels)
        if not self.service:
            return more or "all services"
        return f"{self.service} ({more})" if more else self.service
