"""ratio: a share of p or more among at least so many lines in W."""

from __future__ import annotations

from dataclasses import dataclass

from alerting.burst import Calm
from alerting.rules.condition import Counts, Finding, Levels


@dataclass(frozen=True, slots=True)
class Ratio:
    """Waits for the watermark: errors may be heard before the other lines."""

    window_s: int
    levels: Levels
    min_lines: int
    noun: str = "ERROR"
    waits: bool = True

    @property
    def floor(self) -> float:
        """One is a share."""
        return 1.0

    def judge(self, seconds: Counts, end: int) -> Finding | None:
        """Whether the share is too large."""
        lines = seconds.lines(end - self.window_s, end)
        if lines < self.min_lines:
            return None
        count = seconds.errors(end - self.window_s, end)
        severity = self.levels.severity(count / lines)
        if severity is None:
            return None
        lowest = self.levels.lowest
        why = (
            f"{100 * count / lines:.1f} % of {lines:,} lines in {self.window_s} s are "
            f"{self.noun}, the limit is {100 * lowest:g} %"
        )
        return Finding(severity, count, lines, lowest * lines, why)

    def calm(self, seconds: Counts, end: int) -> Calm:
        """Calm is a share below the lowest level; without lines nothing is wrong."""
        lines = seconds.lines(end - self.window_s, end)
        count = seconds.errors(end - self.window_s, end)
        limit = self.levels.lowest * max(lines, self.min_lines)
        return Calm(count, limit if count < limit else limit - 1)
