"""ratio: a share of p or more among at least so many lines in W."""

from __future__ import annotations

from dataclasses import dataclass

from alerting.burst import Calm
from alerting.rules.condition import Counts, Finding, Levels, Near


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
        expected = self.levels.lowest * lines
        return Finding(severity, count, lines, expected, self._why(count, lines))

    def near(self, seconds: Counts, end: int) -> Near:
        """The share over the lowest level; of few lines none."""
        lines = seconds.lines(end - self.window_s, end)
        if lines < self.min_lines:
            what = f"{lines:,} lines in {self.window_s} s"
            return Near(0.0, f"{what}, it is asked of {self.min_lines:,} at least")
        count = seconds.errors(end - self.window_s, end)
        return Near(count / lines / self.levels.lowest, self._why(count, lines))

    def _why(self, count: int, lines: int) -> str:
        return (
            f"{100 * count / lines:.1f} % of {lines:,} lines in {self.window_s} s are "
            f"{self.noun}, the limit is {100 * self.levels.lowest:g} %"
        )

    def calm(self, seconds: Counts, end: int) -> Calm:
        """Calm is a share below the lowest level; without lines nothing is wrong."""
        lines = seconds.lines(end - self.window_s, end)
        count = seconds.errors(end - self.window_s, end)
        limit = self.levels.lowest * max(lines, self.min_lines)
        return Calm(count, limit if count < limit else limit - 1)
