"""cardinality: so many distinct values of something in a window.

Values of a field, hosts, services, labels or error templates. It fires on the second
that is still open: in a window, values only come. Exact up to 1,024 values of a group
and what the panes name; beyond, those with the smallest hashes stand for all (about
4 % off, where a pane had more values beyond its bound than it keeps some 12 %). All
groups together keep 500,000 values, some 100 bytes each.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator

from alerting.burst import Burst, Calm
from alerting.group import Group
from alerting.rules.condition import Near
from alerting.rules.rule import Rule
from alerting.rules.watch import Alone, Asked, Seen, Sign, Watch
from tocsin.records.frames import Pane, TemplateCount
from tocsin.records.sketch import SPAN, hash_of, limit_of

_MAX_VALUES, _MAX_IN_ALL, _MAX_GROUPS = 1024, 500_000, 20_000


class Distinct:
    """The values of a group in a window, by the last second that had them.

    Hashes below `limit` are all here; it stays low for a window after anything above
    it was left out.
    """

    __slots__ = ("_left_out", "_seen", "_steps", "limit", "newest", "window_s")

    def __init__(self, window_s: int) -> None:
        self.window_s = window_s
        self.newest = 0
        self.limit = SPAN
        self._left_out = 0  # the last second of which something was
        self._seen: dict[int, int] = {}
        self._steps: deque[tuple[int, int]] = deque()

    def __len__(self) -> int:
        return len(self._seen)

    def add(self, second: int, hashes: Iterable[int], limit: int, lines: int) -> None:
        """Note the values of a second; those above `limit` are not all among them."""
        self.newest = max(self.newest, second)
        self._forget()
        if limit < self.limit:
            self.lower(limit, second)
        for value in hashes:
            if value >= self.limit:
                self._left_out = max(self._left_out, second)
                continue
            # Oldest first, so that what is out of the window is quickly found.
            self._seen[value] = max(second, self._seen.pop(value, 0))
        self._steps.append((second, lines))
        while len(self._seen) > _MAX_VALUES:
            self.lower(self.limit // 2, second)

    def lower(self, limit: int, second: int) -> None:
        """Keep fewer values, that stand for more."""
        self.limit = limit
        self._left_out = max(self._left_out, second)
        self._seen = {x: at for x, at in self._seen.items() if x < limit}

    def count(self, end: int) -> int:
        """About how many distinct values the window has; what came since counts."""
        after = end - self.window_s
        kept = sum([at > after for at in self._seen.values()])
        return round(kept * SPAN / self.limit)

    def lines(self, end: int) -> int:
        """The lines of the window."""
        after = end - self.window_s
        return sum([lines for second, lines in self._steps if after < second <= end])

    def _forget(self) -> None:
        after = self.newest - self.window_s
        if self._left_out <= after:
            self.limit = SPAN
        elif len(self._seen) < _MAX_VALUES // 8 and self.limit < SPAN:
            self.limit = min(SPAN, 2 * self.limit)  # few again: too low for a window
        while self._steps and self._steps[0][0] <= after:
            self._steps.popleft()
        for value in list(self._old(after)):
            del self._seen[value]

    def _old(self, after: int) -> Iterator[int]:
        for value, at in self._seen.items():
            if at > after:
                return
            yield value


class Cardinality(Alone):
    """Counts distinct values by group."""

    def __init__(self, rule: Rule, of: str) -> None:
        super().__init__(rule)
        self._levels = rule.levels
        self._window_s = rule.window_s
        self._of = of
        self._noun = of.partition(".")[2] or of
        self._distinct: dict[Group, Distinct] = {}
        self._size = 0

    @property
    def is_of_errors(self) -> bool:
        """Whether only values of error lines count."""
        return self._lines.is_of_errors

    def learn(self, seen: Seen) -> Iterable[tuple[Watch, Asked]]:
        """Note the values that the panes of a second have."""
        asked: list[tuple[Watch, Asked]] = []
        for pane in seen.panes:
            for part in self._lines.parts((pane,)):
                if part.count:
                    for own in part.panes:
                        self._add(part.group, own, part.count)
                    asked.append((self, Asked(part.group, part.count, part.panes)))
        return asked

    def judge(self, group: Group, end: int) -> Sign | None:
        """Whether there are so many."""
        distinct = self._distinct.get(group)
        if distinct is None:
            return None
        count = distinct.count(end)
        severity = self._levels.severity(count)
        if severity is None:
            return None
        lines = max(1, distinct.lines(end))
        burst = Burst(end, self._window_s, lines, lines, 0.0, 0.0, 0.0, 0.0, severity)
        return Sign(burst, self.name, self._why(distinct, count))

    def near(self, group: Group, end: int) -> Near | None:
        """How many there are."""
        distinct = self._distinct.get(group)
        if distinct is None:
            return None
        count = distinct.count(end)
        return Near(count / self._levels.lowest, self._why(distinct, count))

    def groups(self, own: Group) -> Iterable[Group]:  # noqa: ARG002 - all are of it
        """Those that have values."""
        return tuple(self._distinct)

    def _why(self, distinct: Distinct, count: int) -> str:
        about = "" if distinct.limit == SPAN else "about "
        return (
            f"{about}{count:,} distinct values of {self._noun} in {self._window_s} s, "
            f"the limit is {self._levels.lowest:g}"
        )

    def calm(self, group: Group, end: int) -> Calm:
        """Calm is fewer than the lowest level."""
        distinct = self._distinct.get(group)
        count = 0 if distinct is None else distinct.count(end)
        return Calm(count, self._levels.lowest - 0.5)

    def wants(self, group: Group, found: TemplateCount) -> bool:
        """Whether lines of a template are counted."""
        return self._lines.wants_of(group, found)

    def _add(self, group: Group, pane: Pane, lines: int) -> None:
        distinct = self._distinct.get(group)
        if distinct is None:
            self._make_room()
            distinct = self._distinct[group] = Distinct(self._window_s)
        if pane.second <= distinct.newest - self._window_s:
            return
        before = len(distinct)
        distinct.add(pane.second, *self._values(pane), lines)
        self._size += len(distinct) - before
        if self._size > _MAX_IN_ALL:
            self._thin_out()

    def _values(self, pane: Pane) -> tuple[Iterable[int], int]:
        """The hashes of a pane's values, and below what none is missing."""
        if self._of == "template":
            wanted = (x for x in pane.templates if self._lines.wants(x))
            return [hash_of(x.template_id) for x in wanted], SPAN
        if not self._of.startswith("fields."):
            return [hash_of(_origin(pane, self._of))], SPAN
        if self._lines.tally is not None:
            hashes = pane.fields[0].hashes
            return hashes, limit_of(hashes)
        wanted_field = self._lines.field
        counts = None if wanted_field is None else wanted_field.of(pane)
        if wanted_field is None or counts is None:
            return [], SPAN
        errors_only = wanted_field.errors_only
        named = [
            hash_of(value)
            for value, of_value in counts.values.items()
            if (of_value.errors or not errors_only) and wanted_field.matches(value)
        ]
        if wanted_field.patterns:
            return named, SPAN  # whether the others match is not known
        more = [x & ~1 for x in counts.hashes if x & 1 or not errors_only]
        return [*named, *more], limit_of(counts.hashes)

    def _make_room(self) -> None:
        if len(self._distinct) < _MAX_GROUPS:
            return
        by_age = sorted(self._distinct, key=lambda x: self._distinct[x].newest)
        for old in by_age[: _MAX_GROUPS // 100]:
            self._size -= len(self._distinct.pop(old))

    def _thin_out(self) -> None:
        """All together are too many: half of the largest."""
        largest = max(self._distinct.values(), key=len)
        before = len(largest)
        largest.lower(largest.limit // 2, largest.newest)
        self._size -= before - len(largest)


def _origin(pane: Pane, of: str) -> str:
    if of in {"host", "service"}:
        return pane.host if of == "host" else pane.service
    return pane.labels.get(of.removeprefix("labels."), "")
