"""threshold and match: at least N lines in W."""

from __future__ import annotations

from dataclasses import dataclass

from alerting.burst import Calm
from alerting.rules.condition import Counts, Finding, Levels


@dataclass(frozen=True, slots=True)
class Threshold:
    """Fires when the count of the window reaches a level; counts only grow."""

    window_s: int
    levels: Levels
    noun: str = "ERROR"
    waits: bool = False

    @property
    def floor(self) -> float:
        """The lowest level."""
        return self.levels.lowest

    def judge(self, seconds: Counts, end: int) -> Finding | None:
        """Whether there are too many."""
        count = seconds.errors(end - self.window_s, end)
        severity = self.levels.severity(count)
        if severity is None:
            return None
        lines = seconds.lines(end - self.window_s, end)
        lowest = self.levels.lowest
        noun = self.noun if count > 1 else self.noun.replace("lines", "line", 1)
        why = f"{count:,} {noun} in {self.window_s} s, the limit is {lowest:,.0f}"
        return Finding(severity, count, lines, lowest, why)

    def calm(self, seconds: Counts, end: int) -> Calm:
        """Calm is one below the lowest level."""
        count = seconds.errors(end - self.window_s, end)
        return Calm(count, max(0.0, self.levels.lowest - 1))
