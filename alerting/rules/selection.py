"""Which lines a rule is about, by what it groups them, and how many panes have.

Counts come from panes and nothing else, so a rule knows of lines what panes tell:

- their level; and by template, the templates of ERROR and FATAL lines: a pattern
  is decided by the first line seen of each;
- or the value of one field, and whether they are ERROR or FATAL;
- or what a tally has counted: any text, several fields, lines of any level with them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

import msgspec

from alerting.group import Group
from alerting.matchers import Matcher, from_patterns, match_all
from alerting.rules.pattern import Pattern
from alerting.text import cut, one_line
from tocsin.config.alerting import RuleConfig
from tocsin.config.tallies import LEVELS_OF, Tally, fields_of, tally_of
from tocsin.records.frames import FieldCounts, Pane, TallyCount, TemplateCount
from tocsin.values import LEVELS, Level

ERRORS = LEVELS_OF["error"]
_NOUNS = {"fatal": "FATAL", "error": "ERROR", "warn": "WARN or worse", "any": "lines"}
_MAX_VALUE = 80
_MAX_REMEMBERED = 10_000
_Labels = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Part:
    """What panes of a second have of one group: lines that count, among all lines."""

    group: Group
    count: int
    lines: int
    panes: Sequence[Pane]


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldFilter:
    """Lines by the value of a field; no patterns match every value."""

    name: str
    patterns: tuple[str, ...] = ()
    errors_only: bool = True
    _known: dict[str, bool] = field(default_factory=dict, compare=False)

    def matches(self, value: str) -> bool:
        """Whether lines with a value are meant."""
        known = self._known.get(value)
        if known is None:
            if len(self._known) >= _MAX_REMEMBERED:
                self._known.clear()
            known = not self.patterns or any(
                fnmatchcase(value, x) for x in self.patterns
            )
            self._known[value] = known
        return known

    def of(self, pane: Pane) -> FieldCounts | None:
        """What a pane counts of the field."""
        return next((x for x in pane.fields if x.field == self.name), None)

    def lines(self, counts: FieldCounts) -> int:
        """All lines that a count is a share of."""
        values = counts.values.items()
        if self.errors_only:
            return sum(x.lines for value, x in values if self.matches(value))
        return sum(x.lines for _, x in values) + counts.other


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The lines that a rule counts; `noun` is what a message calls them.

    `by_pane`: what of a pane they are grouped by, as (label, where it stands).
    """

    services: tuple[str, ...] = ("*",)
    labels: tuple[Matcher, ...] = ()
    levels: tuple[Level, ...] = ERRORS
    pattern: Pattern | None = None
    field: FieldFilter | None = None
    tally: Tally | None = None
    by_service: bool = True
    by_pane: tuple[tuple[str, str], ...] = ()
    by_level: bool = False
    by_template: bool = False
    by_field: bool = False
    noun: str = "ERROR"

    @property
    def kind(self) -> tuple[object, ...]:
        """Rules of one kind count the same lines, whatever services they are of."""
        return (
            self.labels,
            self.levels,
            None if self.pattern is None else self.pattern.text,
            self.field,
            self.tally,
            self.by_service or self.services,
            self.by_pane,
            (self.by_level, self.by_template, self.by_field),
        )

    @property
    def is_plain(self) -> bool:
        """Whether it counts each service as a whole."""
        is_whole = self.by_service and not (self.by_pane or self.labels)
        return is_whole and not (self.field or self.tally or self.is_split)

    @property
    def is_of_errors(self) -> bool:
        """Whether it counts nothing where there is no ERROR or FATAL line."""
        if self.tally is not None and self.tally.is_share:
            return False
        if self.field is not None:
            return self.field.errors_only
        return self.are_errors

    @property
    def is_rare(self) -> bool:
        """Whether panes without a tally tell it nothing."""
        return self.tally is not None and not self.tally.is_share

    @property
    def are_errors(self) -> bool:
        """Whether every line that counts is ERROR or FATAL."""
        return all(level in ERRORS for level in self.levels)

    @property
    def is_split(self) -> bool:
        """Whether lines of one pane are in several groups."""
        return self.by_level or self.by_template or self.by_field

    @property
    def is_by_origin(self) -> bool:
        """Whether a group is of some of a service's panes, or of those of several."""
        is_of_some = self.by_pane or self.labels or self.tally
        return bool(is_of_some or not self.by_service)

    def is_about(self, service: str) -> bool:
        """Whether it watches a service."""
        return any(fnmatchcase(service, x) for x in self.services)

    def wants(self, found: TemplateCount) -> bool:
        """Whether it counts the lines of a template; which a field has is not known."""
        if self.tally is not None:
            return True  # of what it has counted nothing else is seen
        if self.field is not None:
            return False
        return self.pattern is None or self.pattern.matches(found)

    def wants_of(self, group: Group, found: TemplateCount) -> bool:
        """The same of one of its groups."""
        if self.by_template and ("template", _template(found)) not in group.labels:
            return False
        return self.wants(found)

    def parts(self, panes: Sequence[Pane]) -> Iterable[Part]:
        """What panes of one service and second have, by group."""
        if self.is_plain:
            group = Group(panes[0].service)
            lines = sum(x.lines for x in panes)
            return (Part(group, sum(map(self.count, panes)), lines, panes),)
        return self._split(panes)

    def _split(self, panes: Sequence[Pane]) -> Iterable[Part]:
        sums: dict[Group, list[int]] = {}
        of_group: dict[Group, list[Pane]] = {}
        for pane in panes:
            if self.labels and not match_all(self.labels, _labels(pane)):
                continue
            service = pane.service if self.by_service else ""
            origin = tuple((x, _origin(pane, where)) for x, where in self.by_pane)
            for more, count, lines, own in self._counts(pane):
                group = Group(service, tuple(sorted((*origin, *more))))
                total = sums.setdefault(group, [0, 0])
                total[0] += count
                total[1] += lines
                of_group.setdefault(group, []).append(own)
        return [Part(x, n[0], n[1], of_group[x]) for x, n in sums.items()]

    def _counts(self, pane: Pane) -> Iterable[tuple[_Labels, int, int, Pane]]:
        """What else a pane is grouped by, the count, all lines, and where they are."""
        if self.tally is not None:
            return self._of_tally(pane, self.tally)
        if self.field is not None:
            return self._of_field(pane, self.field)
        if self.by_template:
            return self._of_templates(pane)
        if self.by_level:
            counts = ((x, pane.counts[x]) for x in self.levels)
            return [((("level", x.name),), n, pane.lines, pane) for x, n in counts if n]
        return (((), self.count(pane), pane.lines, pane),)

    def _of_tally(
        self, pane: Pane, tally: Tally
    ) -> Iterator[tuple[_Labels, int, int, Pane]]:
        key, names = tally.key, tally.names
        counts = [x for x in pane.tallies if x.tally == key]
        if not counts and tally.is_share and not tally.needed and not names:
            yield (), 0, pane.lines, pane
        for found in counts:
            if len(found.group) == len(names):  # else they are of no group
                lines = found.of if tally.needed and tally.is_share else pane.lines
                labels = tuple(zip(names, found.group, strict=True))
                yield labels, found.lines, lines, _narrowed(pane, found, tally)

    def count(self, pane: Pane) -> int:
        """How many lines of a pane it is about, whatever it groups by."""
        if self.pattern is None:
            return sum([pane.counts[level] for level in self.levels])
        if not pane.templates:
            return 0
        return sum(x.count for x in pane.templates if self.wants(x))

    def _of_templates(self, pane: Pane) -> Iterator[tuple[_Labels, int, int, Pane]]:
        for found in pane.templates:
            if self.wants(found):
                yield (("template", _template(found)),), found.count, pane.lines, pane

    def _of_field(
        self, pane: Pane, wanted: FieldFilter
    ) -> Iterator[tuple[_Labels, int, int, Pane]]:
        counts = wanted.of(pane)
        if counts is None:
            return
        found = [(x, y) for x, y in counts.values.items() if wanted.matches(x)]
        lines = wanted.lines(counts)
        if not self.by_field:
            total = sum(y.errors if wanted.errors_only else y.lines for _, y in found)
            yield (), total, lines, pane
            return
        for value, of_value in found:
            label = ((wanted.name, value),)
            if wanted.errors_only:
                yield label, of_value.errors, of_value.lines, pane
            else:
                yield label, of_value.lines, lines, pane


def selection_of(config: RuleConfig) -> Selection:
    """The lines that a rule is about."""
    by = dict.fromkeys(config.by)
    level, tally = config.lines_level, tally_of(config)
    pattern = None
    if config.text is not None and tally is None:
        pattern = Pattern(config.text)
    return Selection(
        services=tuple(config.service),
        labels=from_patterns(config.labels),
        levels=LEVELS_OF[level],
        pattern=pattern,
        field=None if tally else _field_filter(config, level),
        tally=tally,
        by_service="service" in by,
        by_pane=tuple(
            (x.removeprefix("labels."), x)
            for x in by
            if x == "host" or x.startswith("labels.")
        ),
        by_level="level" in by,
        by_template="template" in by,
        by_field=any(x.startswith("fields.") for x in by),
        noun=_noun(config),
    )


def _noun(config: RuleConfig) -> str:
    """What a message calls the lines."""
    noun = _NOUNS[config.lines_level]
    if config.text is not None:
        is_any = config.lines_level == "any"
        noun = "matching lines" if is_any else f"matching {noun} lines"
    filters = [f"{x} {' or '.join(y)}" for x, y in config.fields.items() if y]
    return f"{noun} with {' and '.join(filters)}" if filters else noun


def _field_filter(config: RuleConfig, level: str) -> FieldFilter | None:
    names = fields_of(config)
    if not names:
        return None
    return FieldFilter(
        name=names[0],
        patterns=tuple(config.fields.get(names[0], ())),
        errors_only=level == "error",
    )


def _narrowed(pane: Pane, found: TallyCount, tally: Tally) -> Pane:
    """A pane of only those lines; they count as what a rule is about, its errors."""
    counts = [0] * LEVELS
    counts[Level.ERROR] = found.lines
    return msgspec.structs.replace(
        pane,
        counts=tuple(counts),
        templates=(found.found,) if found.found and found.lines else (),
        other_templates=0,
        fields=(FieldCounts(tally.of, {}, 0, found.hashes),) if tally.of else (),
        tallies=(),
    )


def _labels(pane: Pane) -> dict[str, str]:
    return {**pane.labels, "service": pane.service, "host": pane.host}


def _origin(pane: Pane, where: str) -> str:
    if where == "host":
        return pane.host
    return pane.labels.get(where.removeprefix("labels."), "")


def _template(found: TemplateCount) -> str:
    return cut(one_line(found.text), _MAX_VALUE)
