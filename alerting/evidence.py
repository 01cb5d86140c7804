"""What an incident shows of the lines behind it: templates, samples, hosts.

Bounded: a trail keeps five minutes or 1,024 counts of at most 64 templates and 16
hosts of one service, an incident its 8 most frequent templates with a sample each.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet

import msgspec

from tocsin.records.frames import Pane, Sample, TemplateCount

_KEPT_S = 300
_MAX_TEMPLATES, _MAX_HOSTS, _MAX_STEPS = 64, 16, 1024
_SHOWN_TEMPLATES = 8
_MAX_TEXT = 1000


class TemplateTally(msgspec.Struct, frozen=True, omit_defaults=True):
    """An error template of an incident; `is_new`: not seen before the incident."""

    template_id: str
    text: str
    count: int
    is_new: bool
    sample: Sample


class Evidence(msgspec.Struct, frozen=True, omit_defaults=True):
    """The lines behind an incident, most frequent template first."""

    templates: tuple[TemplateTally, ...] = ()
    hosts: tuple[str, ...] = ()
    other_errors: int = 0

    def merged(self, more: Evidence) -> Evidence:
        """Both together; the first sample of a template stays."""
        known = {x.template_id: x for x in self.templates}
        for tally in more.templates:
            old = known.get(tally.template_id)
            if old is not None:
                tally = msgspec.structs.replace(old, count=old.count + tally.count)  # noqa: PLW2901
            known[tally.template_id] = tally
        ranked = sorted(known.values(), key=lambda x: -x.count)
        dropped = sum(x.count for x in ranked[_SHOWN_TEMPLATES:])
        hosts = tuple(dict.fromkeys((*self.hosts, *more.hosts)))[:_MAX_HOSTS]
        others = self.other_errors + more.other_errors + dropped
        return Evidence(tuple(ranked[:_SHOWN_TEMPLATES]), hosts, others)

    def only(self, wanted: AbstractSet[str]) -> Evidence:
        """What of it is of these templates; the others count as others."""
        if all(x.template_id in wanted for x in self.templates):
            return self
        kept = tuple(x for x in self.templates if x.template_id in wanted)
        return Evidence(kept, self.hosts, 0)


class _Known:
    __slots__ = ("first_second", "last_second", "sample", "text")

    def __init__(self, second: int, text: str, sample: Sample) -> None:
        self.first_second = self.last_second = second
        self.text = text
        self.sample = sample


class Trail:
    """The recent error templates of one service."""

    __slots__ = ("_hosts", "_known", "_newest", "_steps")

    def __init__(self) -> None:
        self._known: dict[str, _Known] = {}
        self._steps: deque[tuple[int, str, int]] = deque(maxlen=_MAX_STEPS)
        self._hosts: dict[str, int] = {}
        self._newest = 0

    def add(self, panes: Iterable[Pane]) -> None:
        """Take in the panes of a second."""
        for pane in panes:
            for found in pane.templates:
                self._note(pane.second, found.template_id, found.text, found.sample)
                self._steps.append((pane.second, found.template_id, found.count))
            self._newest = max(self._newest, pane.second)
            if pane.errors:
                self._hosts[pane.host] = pane.second
        self._trim()

    def wanted(self, wants: Callable[[TemplateCount], bool]) -> set[str]:
        """The templates that a rule wants."""
        return {
            name
            for name, known in self._known.items()
            if wants(TemplateCount(name, known.text, 0, known.sample))
        }

    def window(self, end: int, window_s: int, *, errors: int) -> Evidence:
        """The evidence of the window of `errors` errors that ends with `end`."""
        start = end - window_s
        counts: Counter[str] = Counter()
        for second, template_id, count in self._steps:
            if start < second <= end:
                counts[template_id] += count
        tallies = tuple(self._tally(x, n, start) for x, n in counts.most_common())
        hosts = tuple(x for x, second in self._hosts.items() if second > start)
        others = max(0, errors - counts.total())
        return Evidence(other_errors=others).merged(Evidence(tallies, hosts))

    def of_panes(self, panes: Sequence[Pane], *, since: int) -> Evidence:
        """The evidence of panes alone; templates first seen after `since` are new."""
        counts: Counter[str] = Counter()
        for pane in panes:
            for found in pane.templates:
                counts[found.template_id] += found.count
        found_as = {x.template_id: x for pane in panes for x in pane.templates}
        tallies = tuple(
            self._tally(x, n, since) if x in self._known else _first(found_as[x], n)
            for x, n in counts.most_common()
        )
        hosts = tuple(x.host for x in panes if x.errors)
        others = max(0, sum(x.errors for x in panes) - counts.total())
        return Evidence(tallies, hosts, others)

    def _note(self, second: int, template_id: str, text: str, sample: Sample) -> None:
        known = self._known.get(template_id)
        if known is None:
            known = _Known(second, text[:_MAX_TEXT], _bounded(sample))
            self._known[template_id] = known
        elif second >= known.last_second:
            known.last_second = second
            known.sample = _bounded(sample)

    def _tally(self, template_id: str, count: int, since: int) -> TemplateTally:
        known = self._known[template_id]
        is_new = known.first_second > since
        return TemplateTally(template_id, known.text, count, is_new, known.sample)

    def _trim(self) -> None:
        while self._steps and self._steps[0][0] <= self._newest - _KEPT_S:
            self._steps.popleft()
        if len(self._known) > _MAX_TEMPLATES:
            self._forget_templates()
        while len(self._hosts) > _MAX_HOSTS:
            del self._hosts[_oldest(self._hosts)]

    def _forget_templates(self) -> None:
        last = {x: known.last_second for x, known in self._known.items()}
        keep = sorted(last, key=lambda x: -last[x])[:_MAX_TEMPLATES]
        self._known = {x: self._known[x] for x in keep}
        steps = (x for x in self._steps if x[1] in self._known)
        self._steps = deque(steps, maxlen=_MAX_STEPS)


def _first(found: TemplateCount, count: int) -> TemplateTally:
    """A template that is forgotten already: more came in a second than are kept."""
    text, sample = found.text[:_MAX_TEXT], _bounded(found.sample)
    return TemplateTally(found.template_id, text, count, True, sample)


def _oldest(seen: Mapping[str, int]) -> str:
    return min(seen, key=lambda x: seen[x])


def _bounded(sample: Sample) -> Sample:
    if len(sample.text) <= _MAX_TEXT:
        return sample
    return msgspec.structs.replace(sample, text=sample.text[:_MAX_TEXT])
