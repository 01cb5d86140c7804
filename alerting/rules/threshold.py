"""threshold and match: at least N lines in W."""

from __future__ import annotations

from dataclasses import dataclass

from alerting.burst import Calm
from alerting.rules.condition import Counts, Finding, Levels, Near


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
        return Finding(severity, count, lines, self.levels.lowest, self._why(count))

    def near(self, seconds: Counts, end: int) -> Near:
        """The count over the lowest level."""
        count = seconds.errors(end - self.window_s, end)
        return Near(count / self.levels.lowest, self._why(count))

    def _why(self, count: int) -> str:
        noun = self.noun if count != 1 else self.noun.replace("lines", "line", 1)
        limit = self.levels.lowest
        return f"{count:,} {noun} in {self.window_s} s, the limit is {limit:,.0f}"

    def calm(self, seconds: Counts, end: int) -> Calm:
        """Calm is one below the lowest level."""
        count = seconds.errors(end - self.window_s, end)
        return Calm(count, max(0.0, self.levels.lowest - 1))
