"""Which lines of which services a rule is about, and how many of them panes have.

Counts come from panes and nothing else. Which lines: by level; or, with a pattern, the
ERROR and FATAL lines whose template matches, decided by the first line seen of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from alerting.rules.pattern import Pattern
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
class Selection:
    """The lines that a rule counts; `noun` is what a message calls them."""

    services: Sequence[str]
    levels: tuple[Level, ...]
    pattern: Pattern | None
    noun: str

    @property
    def kind(self) -> tuple[object, ...]:
        """Rules of one kind count the same lines, of whatever services."""
        return self.levels, None if self.pattern is None else self.pattern.text

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


def selection_of(config: RuleConfig, *, level: str) -> Selection:
    """The lines that a rule is about; `level` where it says nothing else."""
    if config.text is not None:
        pattern = Pattern(config.text)
        return Selection(tuple(config.service), ERRORS, pattern, "matching lines")
    name = config.level or level
    return Selection(tuple(config.service), _LEVELS[name], None, _NOUNS[name])
