"""absence: a service from which no line comes any more, though its collector lives.

A service that the rule names outright is expected from the first watermark on; one
that a pattern matches, once it wrote for three windows without such a silence. It
fires when the watermark has passed a window without a line, so a processor that lags
says nothing of a service. Nor does a collector that is down: silence counts anew from
when it is back. After a day, or ten windows, a pattern expects a service no more.

What frames of two hours do not tell is remembered: a group when it is met, each hour,
when its run of lines is broken, and when it has been silent for 15 minutes. Some 1 KiB
each.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from math import ceil
from statistics import median

import msgspec

from alerting.burst import Burst, Calm
from alerting.evidence import Evidence, Trail
from alerting.group import Group
from alerting.message import clock_time, span
from alerting.rules.condition import Near
from alerting.rules.rule import Rule, forgotten_s
from alerting.rules.selection import Selection
from alerting.rules.watch import Alone, Asked, Seen, Sign, Watch
from alerting.text import cut, one_line
from tocsin.records.frames import Pane
from tocsin.values import Level

_RUNS = 3  # windows in which a service must write to be expected
_REMEMBER_S = 900  # eight lines so far apart are within the two hours of frames
_REFRESH_S = 3600  # so what came since is, too
_AGAIN_S = 60  # how often it is said how long the silence is
_MAX_RECENT, _MAX_HOSTS, _MAX_GROUPS = 8, 16, 20_000
_MAX_SHOWN = 60
_BEFORE_S = 60  # of the lines before it fell silent, so much is shown


class _Heard(msgspec.Struct, omit_defaults=True):
    """When lines of a group came, in event time.

    `since`: the start of the run of lines without a window of silence. `silence`: from
    when on silence counts: its last line, or when its collector was back. `recent`:
    the last seconds that had lines. `written`: its last line as of its row.
    """

    last: int
    since: int
    silence: int
    recent: list[int] = []
    hosts: dict[str, int] = {}
    written: int = 0


class Absence(Alone):
    """Waits for silence; asked only when one has become too long, and each minute."""

    waits = True

    def __init__(self, rule: Rule) -> None:
        super().__init__(rule)
        self.are_errors = True  # it shows the last ones before the silence
        self._is_whole = rule.lines.kind == Selection(levels=tuple(Level)).kind
        self._headline = _headline(rule)
        self._levels = rule.levels
        self._window_s = rule.window_s
        self._too_long_s = ceil(rule.levels.lowest * rule.window_s)
        self._forgotten_s = round(forgotten_s(rule.window_s))
        self._named = _named(rule.lines)
        self._heard: dict[Group, _Heard] = {}
        self._queue: list[tuple[int, Group]] = []  # a heap; who wrote since goes back
        self._queued: set[Group] = set()
        self._down: frozenset[str] = frozenset()
        self._held: set[Group] = set()  # silent, and their lines would not be heard
        self.held_back = 0  # how often nothing was said for that
        self._is_started = False
        self._changed: set[Group] = set()

    def learn(self, seen: Seen) -> Iterable[tuple[Watch, Asked]]:
        """Note that lines came."""
        if self._is_whole:
            self._note(seen.group, seen.panes)
            return ()
        for part in self._lines.parts(seen.panes):
            if part.count:
                self._note(part.group, part.panes)
        return ()

    def due(self, start: int, reached: int) -> Iterator[tuple[int, Group]]:
        """The groups that have been silent for too long, or for a minute more."""
        if not self._is_started:
            self._expect_named(reached)
        self._release(reached)
        while self._queue and self._queue[0][0] <= reached:
            at, group = heapq.heappop(self._queue)
            self._queued.discard(group)
            heard = self._heard.get(group)
            if heard is not None and self._is_due(group, heard, at):
                yield max(at, start), group
            if heard is not None:
                self._look_again(group, heard, at, reached)

    def pass_by(self, start: int, reached: int) -> None:
        """Nobody is asked again about what was decided on."""
        for _ in self.due(start, reached):
            pass

    def next_due(self) -> int | None:
        """When the next group may have been silent for too long."""
        return self._queue[0][0] if self._queue else None

    def judge(self, group: Group, end: int) -> Sign | None:
        """Whether a group has been silent for too long at the end of a second."""
        heard = self._heard.get(group)
        if heard is None or not self._is_expected(group, heard):
            return None
        length_s = end - heard.silence
        severity = self._levels.severity(length_s / self._window_s)
        if severity is None:
            return None
        burst = Burst(end, length_s, 0, 0, 0, 0, 0, 0, severity)
        return Sign(burst, self._headline, _why(heard, end))

    def calm(self, group: Group, end: int) -> Calm:
        """Calm is a line within the window - or that none is expected any more."""
        heard = self._heard.get(group)
        is_silent = heard is not None and end - heard.silence >= self._too_long_s
        return Calm(int(is_silent), 0.0)

    def near(self, group: Group, end: int) -> Near | None:
        """How long no line came."""
        heard = self._heard.get(group)
        if heard is None:
            return None
        if not self._is_expected(group, heard):
            wrote, needed = heard.last - heard.since, _RUNS * self._window_s
            why = f"it wrote for {span(wrote)} without such a silence"
            return Near(0.0, f"{why}, and is expected after {span(needed)}")
        silent_s = max(0, end - heard.silence)
        why = f"none for {span(silent_s)}, too long is {span(self._too_long_s)}"
        return Near(silent_s / self._too_long_s, why)

    def groups(self, own: Group) -> Iterable[Group]:  # noqa: ARG002 - all are of it
        """Those that were heard of."""
        return tuple(self._heard)

    def evidence(self, group: Group, burst: Burst, trail: Trail) -> Evidence:  # noqa: ARG002
        """The last errors before it fell silent, and where it ran."""
        heard = self._heard[group]
        before = trail.window(heard.last, _BEFORE_S, errors=0)
        return Evidence(hosts=tuple(heard.hosts)).merged(before)

    def hear(self, down: frozenset[str]) -> None:
        """Hosts whose collector is silent."""
        self._down = down

    def remembered(self) -> Mapping[Group, bytes | None]:
        """The groups that changed since they were last asked for."""
        rows = {x: self._row(x) for x in self._changed}
        self._changed.clear()
        return rows

    def restore(self, rows: Mapping[Group, bytes]) -> None:
        """Go on from what was remembered."""
        for group, row in rows.items():
            self._heard[group] = msgspec.json.decode(row, type=_Heard)
            self._enqueue(group, self._next(self._heard[group], after=0))

    def _note(self, group: Group, panes: Sequence[Pane]) -> None:
        second = panes[0].second
        heard = self._heard.get(group)
        if heard is None:
            self._make_room()
            heard = self._heard[group] = _Heard(second, second, second)
            self._changed.add(group)
        for pane in panes:
            heard.hosts[pane.host] = second
        if len(heard.hosts) > _MAX_HOSTS:
            del heard.hosts[min(heard.hosts, key=lambda x: heard.hosts[x])]
        if second > heard.last:
            self._go_on(group, heard, second)
        elif not heard.recent:
            heard.recent.append(second)
        if group not in self._queued:
            self._enqueue(group, self._next(heard, after=heard.last))

    def _go_on(self, group: Group, heard: _Heard, second: int) -> None:
        if second - heard.last >= self._too_long_s:
            heard.since = second
            self._changed.add(group)
        heard.last = second
        heard.recent.append(second)
        if len(heard.recent) > 2 * _MAX_RECENT:  # seldom: it is done for each line
            del heard.recent[:-_MAX_RECENT]
        heard.silence = max(heard.silence, second)
        if self._held:
            self._held.discard(group)
        if second - heard.written >= _REFRESH_S:
            self._changed.add(group)

    def _is_expected(self, group: Group, heard: _Heard) -> bool:
        if group in self._named:
            return True
        return heard.last - heard.since >= _RUNS * self._window_s

    def _is_due(self, group: Group, heard: _Heard, at: int) -> bool:
        if at - heard.silence < self._too_long_s:
            return False
        if not self._is_unheard(heard):
            return True
        self._held.add(group)
        self.held_back += not self.is_uncounted
        return False

    def _is_unheard(self, heard: _Heard) -> bool:
        """Whether lines would not be heard of: that none come says nothing."""
        is_down = bool(heard.hosts) and self._down.issuperset(heard.hosts)
        return is_down or self.is_uncounted

    def _look_again(self, group: Group, heard: _Heard, at: int, reached: int) -> None:
        """Put a group back into the queue, remember it, or forget it."""
        silent_s = reached - heard.last
        if silent_s >= _REMEMBER_S and heard.written < heard.last:
            self._changed.add(group)
        if silent_s >= self._forgotten_s and group not in self._named:
            del self._heard[group]
            self._changed.add(group)
        elif group not in self._held:
            self._enqueue(group, self._next(heard, after=max(at, reached - _AGAIN_S)))

    def _next(self, heard: _Heard, after: int) -> int:
        """The first second after another one at which there is something to do."""
        first = heard.silence + self._too_long_s
        if after < first:
            remember = heard.last + _REMEMBER_S
            return remember if after < remember < first else first
        steps = first + ((after - first) // _AGAIN_S + 1) * _AGAIN_S
        worse = (x for x in (self._levels.warning, self._levels.critical) if x)
        levels = (heard.silence + ceil(x * self._window_s) for x in worse)
        return min([steps, *(x for x in levels if x > after)])

    def _enqueue(self, group: Group, at: int) -> None:
        heapq.heappush(self._queue, (at, group))
        self._queued.add(group)

    def _expect_named(self, reached: int) -> None:
        """From now on silence of the services that are named counts."""
        self._is_started = True
        for group in sorted(self._named):
            if group not in self._heard:
                self._heard[group] = _Heard(reached, reached, reached)
                self._changed.add(group)
                self._enqueue(group, reached + self._too_long_s)

    def _release(self, reached: int) -> None:
        """Count the silence of groups anew whose lines are heard of again."""
        for group in [x for x in self._held if x in self._heard]:
            heard = self._heard[group]
            if not self._is_unheard(heard):
                heard.silence = reached
                self._held.discard(group)
                self._changed.add(group)
                self._enqueue(group, reached + self._too_long_s)

    def _row(self, group: Group) -> bytes | None:
        heard = self._heard.get(group)
        if heard is None:
            return None
        heard.written = heard.last
        del heard.recent[:-_MAX_RECENT]
        return msgspec.json.encode(heard)

    def _make_room(self) -> None:
        if len(self._heard) < _MAX_GROUPS:
            return
        by_age = sorted(self._heard, key=lambda x: self._heard[x].last)
        for group in by_age[: _MAX_GROUPS // 100]:
            del self._heard[group]
            self._changed.add(group)


def _named(lines: Selection) -> set[Group]:
    """The services that a rule names outright, where it groups by nothing else."""
    if not lines.by_service or lines.by_pane or lines.is_split:
        return set()
    return {Group(x) for x in lines.services if not set(x) & set("*?[")}


def _headline(rule: Rule) -> str:
    text = rule.config.text
    if text is not None:
        return f"no lines with \u201c{cut(one_line(text), _MAX_SHOWN)}\u201d"
    noun = rule.lines.noun
    return "no lines" if noun == "lines" else f"no {noun}"


def _why(heard: _Heard, end: int) -> str:
    lasts = span(end - heard.last)
    if not heard.recent:
        return f"none for {lasts}, since it is watched ({clock_time(heard.since)})"
    came = f"none for {lasts}, the last one at {clock_time(heard.last)}"
    recent = heard.recent[-_MAX_RECENT:]
    gaps = [b - a for a, b in pairwise(recent)]
    if not gaps:
        return came
    each = median(gaps)
    return f"{came}; usually " + (
        "each second" if each <= 1 else f"one each {span(each)}"
    )
