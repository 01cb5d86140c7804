"""What a rule asks of the seconds of one service: the interface of all conditions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Protocol

from alerting.burst import Calm, Severity


@dataclass(frozen=True, slots=True)
class Levels:
    """From which value on it is a warning and critical; at least one is set."""

    warning: float | None = None
    critical: float | None = None

    @property
    def lowest(self) -> float:
        """Below it, nothing fires."""
        return min(x for x in (self.warning, self.critical) if x is not None)

    def severity(self, value: float) -> Severity | None:
        """What a value is, None where it is neither."""
        if self.critical is not None and value >= self.critical:
            return "critical"
        if self.warning is not None and value >= self.warning:
            return "warning"
        return None


@dataclass(frozen=True, slots=True)
class Finding:
    """A condition that holds; `why` is what the message says of it."""

    severity: Severity
    count: int
    lines: int
    expected: float
    why: str


class Near(NamedTuple):
    """How near something is to firing: from 1 on it does; `why` says it in numbers."""

    share: float
    why: str


class Counts(Protocol):
    """Lines by second: `errors` are those that a rule is about; half-open windows."""

    @property
    def newest(self) -> int:
        """The latest second that has lines."""

    def errors(self, after: int, end: int) -> int:
        """Those of the seconds after one up to another."""

    def lines(self, after: int, end: int) -> int:
        """All lines of them."""


class Condition(Protocol):
    """Pure; `seconds` count the lines that a rule is about as errors, and all lines.

    `waits`: the answer can change back while a second fills up, so it is asked only
    of seconds that the watermark has passed.
    """

    @property
    def window_s(self) -> int:
        """The window; it is half open, `(end - window, end]`."""

    @property
    def floor(self) -> float:
        """With fewer lines in the window it does not hold, whatever else there is."""

    @property
    def waits(self) -> bool:
        """Whether to ask only when a second is over."""

    def judge(self, seconds: Counts, end: int) -> Finding | None:
        """Whether it holds in the window that ends with `end`."""

    def near(self, seconds: Counts, end: int) -> Near:
        """How near it is to holding."""

    def calm(self, seconds: Counts, end: int) -> Calm:
        """How far it is from holding."""
