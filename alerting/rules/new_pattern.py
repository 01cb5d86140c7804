"""new_pattern: an error template that a service has not had for a long time.

A service is learned in silence for an hour after it is met, by a line of any level.
What is new within a window of each other is one run and one incident with a list, so a
deployment that changes many messages tells once.

Remembered are the templates of each service and when they were last seen: a row each
five minutes where something is new, else each hour; frames of two hours tell the rest.
At most 2,000 templates a service and 200,000 in all, those not seen for longest go
first; some 200 bytes each.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from alerting.burst import Burst, Calm
from alerting.group import Group
from alerting.message import clock_time, span
from alerting.rules.condition import Near
from alerting.rules.rule import Rule
from alerting.rules.watch import Alone, Asked, Seen, Sign, Watch
from alerting.text import cut, one_line
from tocsin.records.frames import Pane, TemplateCount

_MAX_TEMPLATES, _MAX_IN_ALL, _MAX_GROUPS = 2000, 200_000, 20_000
_MAX_LISTED, _SHOWN, _SHOWN_CHARS = 64, 3, 80
_LOOK_S, _WRITE_NEW_S, _WRITE_S = 60, 300, 3600  # within the two hours of frames


class _Known(msgspec.Struct, omit_defaults=True):
    """What is known of a group; event time.

    `since`: when it was met; `seen`: templates and when they were last seen. The run:
    what is new, first to last, how many that were, and what they are called.
    """

    since: int
    seen: dict[str, int] = {}
    run_start: int = 0
    run_last: int = 0
    run_size: int = 0
    run: dict[str, str] = {}
    written: int = 0


class NewPattern(Alone):
    """Remembers templates; fires on the first line of a new one."""

    def __init__(self, rule: Rule) -> None:
        super().__init__(rule)
        self._levels = rule.levels
        self._window_s = rule.window_s
        self._memory_s = round(rule.config.memory)
        self._learn_s = round(min(rule.config.learn, rule.config.memory))
        self._known: dict[Group, _Known] = {}
        self._lines_of_run: Counter[Group] = Counter()
        self._size = 0
        self._touched: set[Group] = set()  # changed since their row was written
        self._gone: set[Group] = set()
        self._newest = self._look_at = 0
        self.found: Counter[str] = Counter()  # new templates by service

    def learn(self, seen: Seen) -> Iterable[tuple[Watch, Asked]]:
        """Note the templates of a second; those of a run are asked about."""
        self._newest = max(self._newest, seen.second)
        if not seen.errors and seen.group in self._known:
            return ()
        asked: list[tuple[Watch, Asked]] = []
        for part in self._lines.parts(seen.panes):
            lines = self._learn(part.group, part.panes)
            if lines:
                asked.append((self, Asked(part.group, lines, part.panes)))
        return asked

    def judge(self, group: Group, end: int) -> Sign | None:
        """Whether so many templates are new."""
        known = self._known.get(group)
        if known is None or not self._is_running(known, end):
            return None
        severity = self._levels.severity(known.run_size)
        if severity is None:
            return None
        lines = max(1, self._lines_of_run[group])
        length_s = max(1, end - known.run_start + 1)
        burst = Burst(end, length_s, lines, lines, 0, 0, 0, 0, severity)
        headline = "new error" if known.run_size == 1 else "new errors"
        return Sign(burst, headline, self._why(known))

    def calm(self, group: Group, end: int) -> Calm:
        """Calm is nothing new for a window."""
        known = self._known.get(group)
        is_new = known is not None and end - known.run_last < self._window_s
        return Calm(int(is_new), 0.0)

    def near(self, group: Group, end: int) -> Near | None:
        """How many templates are new, or how long it still learns."""
        known = self._known.get(group)
        if known is None:
            return None
        left = known.since + self._learn_s - end
        if left > 0:
            why = f"it was met at {clock_time(known.since)}"
            return Near(0.0, f"{why}: what it writes is learned for {span(left)} more")
        count = known.run_size if self._is_running(known, end) else 0
        lowest = self._levels.lowest
        why = f"{count} new errors, of {len(known.seen):,} known ones"
        return Near(count / lowest, f"{why}; it fires at {lowest:g}")

    def groups(self, own: Group) -> Iterable[Group]:  # noqa: ARG002 - all are of it
        """Those that were met."""
        return tuple(self._known)

    def wants(self, group: Group, found: TemplateCount) -> bool:
        """Whether a template is one of those that are new."""
        known = self._known.get(group)
        return known is not None and found.template_id in known.run

    def remembered(self) -> Mapping[Group, bytes | None]:
        """The groups that changed, each as often as the frames kept make it needed."""
        if self._newest < self._look_at:
            return {}
        self._look_at = self._newest + _LOOK_S
        due = [x for x in self._touched if self._is_to_be_written(self._known[x])]
        rows: dict[Group, bytes | None] = dict.fromkeys(self._gone)
        rows |= {group: self._row(group) for group in due}
        self._touched.difference_update(due)
        self._gone.clear()
        return rows

    def restore(self, rows: Mapping[Group, bytes]) -> None:
        """Go on from what was remembered."""
        for group, row in rows.items():
            known = self._known[group] = msgspec.json.decode(row, type=_Known)
            self._size += len(known.seen)
            self._newest = max(self._newest, known.written)

    def _learn(self, group: Group, panes: Sequence[Pane]) -> int:
        """Note what a second has of a group; how many lines of its run that makes."""
        known = self._known.get(group)
        if known is None:
            known = self._meet(group, panes[0].second)
        lines = 0
        for pane in panes:
            for found in pane.templates:
                if self._lines.wants(found):
                    lines += self._note(group, known, found, pane.second)
        self._lines_of_run[group] += lines
        return lines

    def _meet(self, group: Group, second: int) -> _Known:
        if len(self._known) >= _MAX_GROUPS:
            by_age = sorted(self._known, key=lambda x: self._age(self._known[x]))
            for old in by_age[: _MAX_GROUPS // 100]:
                self._size -= len(self._known.pop(old).seen)
                self._lines_of_run.pop(old, None)
                self._touched.discard(old)
                self._gone.add(old)
        known = self._known[group] = _Known(second)
        self._touched.add(group)
        return known

    def _note(
        self, group: Group, known: _Known, found: TemplateCount, second: int
    ) -> int:
        """Note a template; how many lines of the run that makes."""
        seen = known.seen.get(found.template_id)
        is_new = seen is None or second - seen > self._memory_s
        known.seen[found.template_id] = max(second, seen or 0)
        self._touched.add(group)
        if seen is None:
            self._size += 1
            self._make_room(known)
        if is_new and second - known.since >= self._learn_s:
            self._go_on(known, found, second)
            self.found[group.service] += 1
        in_run = found.template_id in known.run and second >= known.run_start
        return found.count if in_run else 0

    def _go_on(self, known: _Known, found: TemplateCount, second: int) -> None:
        """Add a new template to the run, or begin one with it."""
        if not self._is_running(known, second):
            known.run, known.run_size = {}, 0
            known.run_start = known.run_last = second
        known.run_start = min(known.run_start, second)
        known.run_last = max(known.run_last, second)
        known.run_size += 1
        if len(known.run) < _MAX_LISTED:
            known.run[found.template_id] = cut(one_line(found.text), _SHOWN_CHARS)

    def _is_running(self, known: _Known, second: int) -> bool:
        """Whether a run goes on: as long as an incident of it is open."""
        reach_s = self._window_s + self.policy.quiet_s
        return known.run_size > 0 and second - known.run_last <= reach_s

    def _why(self, known: _Known) -> str:
        names = list(known.run.values())
        more = known.run_size - min(_SHOWN, len(names))
        listed = "; ".join(names[:_SHOWN]) + (f"; and {more:,} more" if more else "")
        return f"not seen in {_memory(self._memory_s)}: {listed}"

    def _make_room(self, known: _Known) -> None:
        if len(known.seen) > _MAX_TEMPLATES:
            self._forget(known, len(known.seen) // 10)
        elif self._size > _MAX_IN_ALL:
            largest = max(self._known.values(), key=lambda x: len(x.seen))
            self._forget(largest, max(1, len(largest.seen) // 10))

    def _forget(self, known: _Known, count: int) -> None:
        for name in sorted(known.seen, key=lambda x: known.seen[x])[:count]:
            del known.seen[name]
        self._size -= count

    def _is_to_be_written(self, known: _Known) -> bool:
        wait_s = _WRITE_NEW_S if known.run_last > known.written else _WRITE_S
        return self._newest - known.written >= wait_s

    def _row(self, group: Group) -> bytes:
        known = self._known[group]
        known.written = self._newest
        kept = {x: at for x, at in known.seen.items() if self._is_remembered(at)}
        self._size -= len(known.seen) - len(kept)
        known.seen = kept
        return msgspec.json.encode(known)

    def _is_remembered(self, at: int) -> bool:
        return self._newest - at <= self._memory_s

    def _age(self, known: _Known) -> int:
        return max(known.since, *known.seen.values(), 0)


def _memory(seconds: int) -> str:
    days, rest = divmod(seconds, 86_400)
    return f"{days} d" if days and not rest else span(seconds)
