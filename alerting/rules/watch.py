"""A rule at work: what it remembers of its groups, and what it says of them.

Pure: panes and seconds in, signs out. The engine gives it the panes of a service and
second in the order of log-metrics, asks about the groups that they are of, and asks
again when the watermark passes, where a rule says so.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from alerting.burst import Burst, Calm
from alerting.evidence import Evidence, Trail
from alerting.group import Group
from alerting.incident import Policy
from alerting.rules.condition import Near
from alerting.rules.rule import Rule
from tocsin.records.frames import Pane, TemplateCount


class Asked(NamedTuple):
    """A group that was counted: its lines, and the panes of a second they are in."""

    group: Group
    lines: int
    panes: Sequence[Pane]


class Seen:
    """What frames tell of one service in one second: its panes, and their sums.

    `errors`: as many of the ERROR and FATAL lines as the default rule counted.
    """

    __slots__ = ("errors", "group", "lines", "panes", "second", "service")

    def __init__(
        self, group: Group, panes: Sequence[Pane], errors: int, lines: int
    ) -> None:
        self.group = group
        self.service = group.service
        self.second = panes[0].second
        self.panes = panes
        self.errors = errors
        self.lines = lines


class Sign(NamedTuple):
    """A rule fires: since when and how much, and how the message says it."""

    burst: Burst
    headline: str
    why: str


class Watch(ABC):
    """What every rule at work can be asked; most rules override some of it.

    `waits`: the answer can change back while a second fills up, so it is asked only of
    seconds that the watermark has passed. `is_uncounted`: frames do not tell what it
    asks, as the processor does not know the rule. `are_errors`: all lines that it
    counts are ERROR or FATAL.
    """

    waits = False
    is_uncounted = False
    are_errors = True

    def __init__(self, name: str, policy: Policy) -> None:
        self.name = name
        self.policy = policy
        self.open: set[Group] = set()  # has an incident that is not over

    def due(self, start: int, reached: int) -> Iterable[tuple[int, Group]]:  # noqa: ARG002
        """The seconds to be asked about, and of what, now that `reached` is over."""
        return ()

    def pass_by(self, start: int, reached: int) -> None:  # noqa: B027 - most do nothing
        """The same for seconds that were asked about in an earlier run."""

    def next_due(self) -> int | None:
        """The next second at which it may fire though no line comes."""
        return None

    @abstractmethod
    def judge(self, group: Group, end: int) -> Sign | None:
        """Whether it fires in what ends with `end`."""

    def judge_since(self, group: Group, second: int) -> Sign | None:
        """As `judge`, for all that lines of a second count in: they may come late."""
        return self.judge(group, second)

    @abstractmethod
    def calm(self, group: Group, end: int) -> Calm:
        """How far it is from firing."""

    def near(self, group: Group, end: int) -> Near | None:  # noqa: ARG002
        """How near it is to firing; None where nothing is known of the group."""
        return None

    def groups(self, own: Group) -> Iterable[Group]:
        """What it is asked of, where all lines are of one service, `own`."""
        return (own,)

    def recent(self, group: Group, end: int, length_s: int) -> tuple[int, ...]:  # noqa: ARG002
        """The count of each of the last seconds; nothing where none is drawn."""
        return ()

    def wants(self, group: Group, found: TemplateCount) -> bool:  # noqa: ARG002
        """Whether lines of a template are among those that it counts."""
        return True

    def trail(self, group: Group) -> Trail | None:  # noqa: ARG002
        """The recent lines of a group, where those of its service are too many."""
        return None

    def evidence(self, group: Group, burst: Burst, trail: Trail) -> Evidence:
        """The lines behind a sign."""
        shown = trail.window(burst.second, burst.window_s, errors=burst.count)
        return shown.only(trail.wanted(lambda x: self.wants(group, x)))

    def hear(self, down: frozenset[str]) -> None:  # noqa: B027 - most do nothing
        """Hosts whose collector is silent."""

    def remembered(self) -> Mapping[Group, bytes | None]:
        """What changed of what frames of two hours do not tell; asked for once."""
        return {}

    def restore(self, rows: Mapping[Group, bytes]) -> None:  # noqa: B027 - most do nothing
        """Go on from what was remembered, before any frame."""


class Learner(ABC):
    """Counts panes for one watch or several."""

    @property
    @abstractmethod
    def watches(self) -> Sequence[Watch]:
        """Those that it counts for."""

    @property
    def is_of_errors(self) -> bool:
        """Whether it counts nothing where there is no ERROR or FATAL line."""
        return False

    @abstractmethod
    def is_about(self, service: str) -> bool:
        """Whether it counts panes of a service at all."""

    @abstractmethod
    def learn(self, seen: Seen) -> Iterable[tuple[Watch, Asked]]:
        """Count what was seen of a service that it is about; what is to be asked."""


class Alone(Watch, Learner):
    """A watch that counts for itself."""

    def __init__(self, rule: Rule) -> None:
        super().__init__(rule.name, rule.policy)
        self._lines = rule.lines
        self.are_errors = rule.lines.are_errors

    @property
    def watches(self) -> Sequence[Watch]:
        """It counts for itself."""
        return (self,)

    def is_about(self, service: str) -> bool:
        """Whether it watches a service."""
        return self._lines.is_about(service)
