"""What `tocsin parse` tells about a file at its end: how it was read, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from tocsin.app.parsing import Event
from tocsin.formats.catalogue import BY_NAME
from tocsin.formats.systems import GENERAL, SYSTEMS, UNKNOWN
from tocsin.values import Level

_SHOWN = 5
_SOURCES = {system.name: system.source for system in SYSTEMS}


@dataclass(slots=True)
class Summary:
    """Counts of a file's events, and the first of those that could not be read."""

    events: int = 0
    formats: Counter[str] = field(default_factory=Counter)
    levels: Counter[Level] = field(default_factory=Counter)
    untimed: int = 0
    unread: int = 0
    first_unread: list[Event] = field(default_factory=list)

    def add(self, event: Event) -> None:
        """Count an event."""
        self.events += 1
        self.formats[event.format] += 1
        self.levels[event.level] += 1
        self.untimed += event.at is None
        if event.at is None and event.level is Level.UNKNOWN:
            self.unread += 1
            if len(self.first_unread) < _SHOWN:
                self.first_unread.append(event)

    def lines(self) -> Iterator[str]:
        """The summary, line by line."""
        if not self.events:
            yield "nothing to read"
            return
        counts = [f"{n} {level.name}" for level, n in sorted(self.levels.items())]
        told = ", ".join(counts)
        yield f"{self.events} events: {told}; {self.untimed} without a time"
        for name, count in self.formats.most_common():
            yield f"  {count / self.events:4.0%}  {name}: {_why(name)}"
        if self.unread:
            yield f"{self.unread} say neither time nor level, such as"
        for event in self.first_unread:
            text = event.text.partition(b"\n")[0].decode("utf-8", "replace")
            yield f"  line {event.line}: {text}"


def _why(name: str) -> str:
    """Why lines are taken for a format or a system's."""
    if name in BY_NAME:
        return f"they are written as by {BY_NAME[name].source}"
    if name == UNKNOWN:
        return "no header was found"
    if name == GENERAL:
        return "no format matches; time and level were found by the general rules"
    if name not in _SOURCES:
        return "they match a pattern of the configuration"
    return f"they look like {_SOURCES[name]}; read by the general rules"
