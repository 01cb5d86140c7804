"""budget: the error budget of an objective burns too fast, over two windows at once.

The burn rate is the share of bad lines over the share that the objective allows: at 1
the budget of 30 days lasts 30 days. After the Site Reliability Workbook (Beyer et al.,
2018, chapter 5, multiwindow, multi-burn-rate alerts) it fires when it is exceeded over
a long window, so that it matters, and over a twelfth of it, so that it still goes on:

    critical: 14.4 over 1 h and 5 m, or 6 over 6 h and 30 m (2 and 5 % of the budget)
    warning:  3 over 1 d and 2 h, or 1 over 3 d and 6 h (10 % of the budget)

The time before a group was met counts as if it had been without errors: of a service
known for ten minutes nobody can say that it burnt a tenth of a month.

Windows begin with whole minutes, those over six hours with half hours. Memory: 3 KiB a
group. A row each half hour tells what is older than any late line; frames the rest.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple
from zlib import crc32

import msgspec

from alerting.burst import Burst, Calm, Severity
from alerting.group import Group
from alerting.message import span
from alerting.rules.condition import Near
from alerting.rules.rule import Rule
from alerting.rules.selection import Selection
from alerting.rules.watch import Alone, Asked, Seen, Sign, Watch
from alerting.seconds import KEPT_S
from tocsin.records.frames import TemplateCount

_MAX_GROUPS = 20_000
_EVERY_S = 10  # how often it is asked
_WRITE_S = 1800
_MINUTE_S, _MINUTES = 60, 361  # six hours, and the minute that is still open
_HALF_HOUR_S, _HALF_HOURS = 1800, 145  # three days
_MONTH_S = 30 * 86_400


class Pair(NamedTuple):
    """Two windows over which a burn rate is too much."""

    severity: Severity
    long_s: int
    short_s: int
    rate: float


PAIRS = (
    Pair("critical", 3600, 300, 14.4),
    Pair("critical", 21_600, 1800, 6.0),
    Pair("warning", 86_400, 7200, 3.0),
    Pair("warning", 259_200, 21_600, 1.0),
)


class _Ring:
    """Bad lines and all lines by steps of time; the last `size` steps."""

    __slots__ = ("_bad", "_lines", "newest", "size", "step_s")

    def __init__(self, step_s: int, size: int) -> None:
        self.step_s = step_s
        self.size = size
        self.newest = -1
        self._bad = array("H", bytes(2 * size))
        self._lines = array("H", bytes(2 * size))

    def add(self, step: int, bad: int, lines: int) -> None:
        """Count lines of a step that is not too old."""
        if step > self.newest:
            for at in range(max(self.newest + 1, step - self.size + 1), step + 1):
                self._bad[at % self.size] = self._lines[at % self.size] = 0
            self.newest = step
        slot = step % self.size
        self._bad = _added(self._bad, slot, bad)
        self._lines = _added(self._lines, slot, lines)

    def sums(self, after: int, end: int) -> tuple[int, int]:
        """Bad lines and all lines of the steps after one up to another."""
        first = max(after + 1, self.newest - self.size + 1)
        last = min(end, self.newest)
        if last < first:
            return 0, 0
        return self._sum(self._bad, first, last), self._sum(self._lines, first, last)

    def _sum(self, counts: array[int], first: int, last: int) -> int:
        start, end = first % self.size, last % self.size + 1
        if start < end:
            return sum(counts[start:end])
        return sum(counts[start:]) + sum(counts[:end])

    def steps(self) -> list[tuple[int, int, int]]:
        """Every step that has lines: which, bad lines, all lines."""
        first = max(0, self.newest - self.size + 1)
        found = ((x, *self.sums(x - 1, x)) for x in range(first, self.newest + 1))
        return [x for x in found if x[2]]


def _added(counts: array[int], slot: int, count: int) -> array[int]:
    """The counts with more in a slot; wider where they need to be."""
    count += counts[slot]
    if count > 0xFFFF and counts.typecode == "H":
        counts = array("I", counts)
    counts[slot] = count
    return counts


class _Row(msgspec.Struct, array_like=True):
    """What a group had before `floor`; no later line of it is older."""

    since: int
    newest: int
    floor: int
    minutes: list[tuple[int, int, int]]
    half_hours: list[tuple[int, int, int]]


class _Spent:
    """What a group has spent; `since`: when it was met, `floor`: what a row told."""

    __slots__ = (
        "_bad",
        "_lines",
        "_minute",
        "floor",
        "half_hours",
        "minutes",
        "newest",
        "since",
        "written",
    )

    def __init__(self, since: int) -> None:
        self.since = self.newest = self.written = since
        self.floor = 0
        self.minutes = _Ring(_MINUTE_S, _MINUTES)
        self.half_hours = _Ring(_HALF_HOUR_S, _HALF_HOURS)
        self._minute = since // _MINUTE_S  # of what is not in the rings yet
        self._bad = self._lines = 0

    def add(self, second: int, bad: int, lines: int) -> bool:
        """Count lines of a second, unless they are told of already, or too late."""
        if second < self.floor or second <= self.newest - KEPT_S:
            return False
        self.newest = max(self.newest, second)
        if second // _MINUTE_S != self._minute:
            self.flush()
            self._minute = second // _MINUTE_S
        self._bad += bad
        self._lines += lines
        return True

    def flush(self) -> None:
        """Put what was counted of the minute into the rings."""
        if self._lines:
            self.minutes.add(self._minute, self._bad, self._lines)
            half_hour = self._minute * _MINUTE_S // _HALF_HOUR_S
            self.half_hours.add(half_hour, self._bad, self._lines)
            self._bad = self._lines = 0

    def sums(self, end: int, window_s: int) -> tuple[int, int]:
        """Bad lines and all lines of a window."""
        self.flush()
        in_minutes = window_s < _MINUTE_S * _MINUTES
        ring = self.minutes if in_minutes else self.half_hours
        return ring.sums((end - window_s) // ring.step_s, end // ring.step_s)

    def row(self) -> _Row:
        """What is older than any line that may still come."""
        floor = (self.newest - KEPT_S + 1) // _MINUTE_S * _MINUTE_S
        self.flush()
        minutes = self.minutes.steps()
        later: dict[int, tuple[int, int]] = {}
        for minute, bad, lines in minutes:
            if minute * _MINUTE_S >= floor:
                half = minute * _MINUTE_S // _HALF_HOUR_S
                known = later.get(half, (0, 0))
                later[half] = known[0] + bad, known[1] + lines
        nothing = (0, 0)
        rest = (
            (x, bad - later.get(x, nothing)[0], lines - later.get(x, nothing)[1])
            for x, bad, lines in self.half_hours.steps()
        )
        return _Row(
            self.since,
            self.newest,
            floor,
            [x for x in minutes if x[0] * _MINUTE_S < floor],
            [x for x in rest if x[2]],
        )


def _spent_of(row: _Row) -> _Spent:
    made = _Spent(row.since)
    for step in row.minutes:
        made.minutes.add(*step)
    for step in row.half_hours:
        made.half_hours.add(*step)
    # What is too late shows as the frames are read again, in their order.
    made.newest, made.floor, made.written = row.floor, row.floor, row.newest
    return made


class _Burn(NamedTuple):
    """How fast the budget burns, in terms of a pair: 1 is what it allows."""

    pair: Pair
    factor: float
    long: tuple[int, int]
    short: tuple[int, int]


class Budget(Alone):
    """Waits for the watermark: a share may fall while a second fills up."""

    waits = True

    def __init__(
        self, rule: Rule, objective: float, *, max_groups: int = _MAX_GROUPS
    ) -> None:
        super().__init__(rule)
        self._is_usual = rule.lines.kind == Selection().kind
        self._levels = rule.levels
        self._min_count = rule.config.min_count
        self._objective = objective
        self._max_groups = max_groups
        self._allowed = 1.0 - objective
        self._spent: dict[Group, _Spent] = {}
        self._burning: dict[Group, int] = {}  # when bad lines last came
        self._changed: set[Group] = set()

    def learn(self, seen: Seen) -> Iterable[tuple[Watch, Asked]]:
        """Count bad lines and all lines; bad ones belong to what is open."""
        if self._is_usual:
            self._count(seen.group, seen, seen.errors, seen.lines)
            if not seen.errors or seen.group not in self.open:
                return ()
            return [(self, Asked(seen.group, seen.errors, seen.panes))]
        asked: list[tuple[Watch, Asked]] = []
        for part in self._lines.parts(seen.panes):
            self._count(part.group, seen, part.count, part.lines)
            if part.count and part.group in self.open:
                asked.append((self, Asked(part.group, part.count, part.panes)))
        return asked

    def _count(self, group: Group, seen: Seen, bad: int, lines: int) -> None:
        spent = self._spent.get(group) or self._meet(group, seen.second)
        if spent.add(seen.second, bad, lines) and bad:
            self._burning[group] = max(seen.second, self._burning.get(group, 0))
        if spent.newest - spent.written >= _WRITE_S:
            self._changed.add(group)

    def due(self, start: int, reached: int) -> Iterator[tuple[int, Group]]:
        """The groups that burn, each ten seconds."""
        end = reached // _EVERY_S * _EVERY_S
        if end < start:
            return
        self.pass_by(start, reached)
        for group in sorted(self._burning):
            yield end, group

    def pass_by(self, start: int, reached: int) -> None:  # noqa: ARG002 - as `due`
        """What had no bad lines for six hours does not burn."""
        after = reached - PAIRS[-1].short_s
        self._burning = {x: at for x, at in self._burning.items() if at > after}

    def judge(self, group: Group, end: int) -> Sign | None:
        """Whether the budget burns too fast."""
        found = self._worst(group, end)
        if found is None:
            return None
        bad, lines = found.short
        pair = found.pair
        expected = pair.rate * self._allowed * lines
        burst = Burst(
            end, pair.short_s, bad, lines, expected, 0.0, 0.0, 0.0, pair.severity
        )
        return Sign(burst, "error budget burns too fast", self._why(found))

    def calm(self, group: Group, end: int) -> Calm:
        """Calm is that no pair of windows is exceeded."""
        return Calm(int(self._worst(group, end) is not None), 0.0)

    def near(self, group: Group, end: int) -> Near | None:
        """How fast the budget burns in the pair of windows that is next to firing."""
        spent = self._spent.get(group)
        if spent is None:
            return None
        return max(self._nears(spent, end), key=lambda x: x.share, default=None)

    def groups(self, own: Group) -> Iterable[Group]:  # noqa: ARG002 - all are of it
        """Those that were met."""
        return tuple(self._spent)

    def _nears(self, spent: _Spent, end: int) -> Iterator[Near]:
        for pair in PAIRS:
            level = self._level(pair)
            if level is None:
                continue
            long, short = (spent.sums(end, x) for x in (pair.long_s, pair.short_s))
            limit = level * pair.rate * self._allowed
            shares = (
                _share(spent, long, pair.long_s, end) / limit,
                _share(spent, short, pair.short_s, end) / limit,
                long[0] / self._min_count,
            )
            why = (
                f"{_percent(long)} bad in {span(pair.long_s)}, {_percent(short)} in "
                f"{span(pair.short_s)}; the limit is {100 * limit:.3g} %, and "
                f"{self._min_count} lines"
            )
            yield Near(min(shares), why)

    def _level(self, pair: Pair) -> float | None:
        is_critical = pair.severity == "critical"
        return self._levels.critical if is_critical else self._levels.warning

    def wants(self, group: Group, found: TemplateCount) -> bool:
        """Whether lines of a template are bad ones."""
        return self._lines.wants_of(group, found)

    def remembered(self) -> Mapping[Group, bytes | None]:
        """Each group each half hour."""
        rows = {x: self._row(x) for x in self._changed}
        self._changed.clear()
        return rows

    def restore(self, rows: Mapping[Group, bytes]) -> None:
        """Go on from what was remembered."""
        for group, row in rows.items():
            spent = _spent_of(msgspec.json.decode(row, type=_Row))
            self._spent[group] = spent
            self._burning[group] = spent.newest

    def _meet(self, group: Group, second: int) -> _Spent:
        if len(self._spent) >= self._max_groups:
            by_age = sorted(self._spent, key=lambda x: self._spent[x].newest)
            for old in by_age[: max(1, self._max_groups // 100)]:
                del self._spent[old]
                self._burning.pop(old, None)
                self._changed.add(old)
        spent = self._spent[group] = _Spent(second)
        spent.written -= crc32(str(group).encode()) % _WRITE_S  # not all at once
        return spent

    def _worst(self, group: Group, end: int) -> _Burn | None:
        """The pair of windows that is exceeded most, critical ones first."""
        spent = self._spent.get(group)
        if spent is None:
            return None
        burns = (self._burn(spent, pair, end) for pair in PAIRS)
        found = [x for x in burns if x is not None]
        return max(
            found, key=lambda x: (x.pair.severity == "critical", x.factor), default=None
        )

    def _burn(self, spent: _Spent, pair: Pair, end: int) -> _Burn | None:
        level = self._level(pair)
        if level is None:
            return None
        short = spent.sums(end, pair.short_s)
        limit = level * pair.rate * self._allowed
        if _share(spent, short, pair.short_s, end) < limit:
            return None
        long = spent.sums(end, pair.long_s)
        share = _share(spent, long, pair.long_s, end)
        if long[0] < self._min_count or share < limit:
            return None
        return _Burn(pair, share / self._allowed / pair.rate, long, short)

    def _why(self, found: _Burn) -> str:
        pair = found.pair
        rate = found.factor * pair.rate
        left = span(_MONTH_S / rate)
        return (
            f"{rate:.1f} × as fast as {100 * self._objective:g} % allow: "
            f"{_percent(found.long)} bad in {span(pair.long_s)}, "
            f"{_percent(found.short)} in {span(pair.short_s)}; "
            f"so the budget of 30 days lasts {left}"
        )

    def _row(self, group: Group) -> bytes | None:
        spent = self._spent.get(group)
        if spent is None:
            return None
        row = spent.row()
        spent.written = spent.newest
        return msgspec.json.encode(row)


def _share(spent: _Spent, sums: tuple[int, int], window_s: int, end: int) -> float:
    """The share of bad lines, the time before the group was met being without any."""
    bad, lines = sums
    known_s = max(1, min(window_s, end - spent.since + 1))
    return bad / (lines * window_s / known_s) if lines else 0.0


def _percent(sums: tuple[int, int]) -> str:
    percent = 100 * sums[0] / max(1, sums[1])
    return f"{percent:.2g} %" if percent < 99.5 else "100 %"
