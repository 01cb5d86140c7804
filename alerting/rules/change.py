"""change: at least so many lines in W, and f times as many as in the W before."""

from __future__ import annotations

from dataclasses import dataclass

from alerting.burst import Calm
from alerting.rules.condition import Counts, Finding, Levels, Near


@dataclass(frozen=True, slots=True)
class Change:
    """Compares a window with the one before it; nothing before counts as one line."""

    window_s: int
    levels: Levels
    min_count: int
    noun: str = "ERROR"
    waits: bool = False

    @property
    def floor(self) -> float:
        """The least count."""
        return self.min_count

    def judge(self, seconds: Counts, end: int) -> Finding | None:
        """Whether it grew too much."""
        middle = end - self.window_s
        count = seconds.errors(middle, end)
        if count < self.min_count:
            return None
        before = seconds.errors(middle - self.window_s, middle)
        severity = self.levels.severity(count / max(before, 1))
        if severity is None:
            return None
        why = self._why(count, before)
        return Finding(severity, count, seconds.lines(middle, end), before, why)

    def near(self, seconds: Counts, end: int) -> Near:
        """The factor over the lowest level, or the count over the least one."""
        middle = end - self.window_s
        count = seconds.errors(middle, end)
        before = seconds.errors(middle - self.window_s, middle)
        growth = count / max(before, 1) / self.levels.lowest
        why = f"{self._why(count, before)}; it fires at {self.levels.lowest:g} ×"
        if count < self.min_count:
            why += f" and {self.min_count:,} at least"
        return Near(min(growth, count / self.min_count), why)

    def _why(self, count: int, before: int) -> str:
        return (
            f"{count:,} {self.noun} in {self.window_s} s, {before:,} in the "
            f"{self.window_s} s before"
        )

    def calm(self, seconds: Counts, end: int) -> Calm:
        """Calm is less than the least count: after W, all is compared with itself."""
        count = seconds.errors(end - self.window_s, end)
        return Calm(count, max(0.0, self.min_count - 1.0))
