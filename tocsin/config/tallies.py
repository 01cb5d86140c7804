"""Lines that a rule has counted where their text is: by the processor, into panes.

A pane tells of all lines their level, of ERROR and FATAL lines their templates, and of
fields that are counted by their values. What a rule asks beyond that - a text, several
fields, the level of lines with a field - is a tally: the processor, which has the same
`alerting.rules`, counts it in columns. Rules that ask the same share one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2s

from tocsin.config.alerting import RuleConfig
from tocsin.values import Level

LEVELS_OF: dict[str, tuple[Level, ...]] = {
    "fatal": (Level.FATAL,),
    "error": (Level.ERROR, Level.FATAL),
    "warn": (Level.WARN, Level.ERROR, Level.FATAL),
    "any": tuple(Level),
}
MOST_TALLIES = 200
_SHARES = {"ratio", "budget"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """Which lines are counted, and by what.

    `text`: a pattern of RE2 that lines contain. `fields`: patterns of their values.
    `by`: fields, and `by_level`. `of`: the field whose distinct values are counted.
    `is_share`: what the lines are a share of is counted, too.
    """

    text: str | None = None
    fields: tuple[tuple[str, tuple[str, ...]], ...] = ()
    levels: tuple[Level, ...] = LEVELS_OF["any"]
    by: tuple[str, ...] = ()
    by_level: bool = False
    of: str | None = None
    is_share: bool = False

    @property
    def key(self) -> str:
        """What it is called in frames: the same for the same lines."""
        levels = tuple(map(int, self.levels))
        asked = (self.text, self.fields, levels, self.by, self.by_level, self.of)
        text = repr((*asked, self.is_share))
        return blake2s(text.encode("utf-8", "replace"), digest_size=6).hexdigest()

    @property
    def names(self) -> tuple[str, ...]:
        """What its groups are called."""
        return ("level", *self.by) if self.by_level else self.by

    @property
    def needed(self) -> tuple[str, ...]:
        """The fields that lines are read for."""
        more = (self.of,) if self.of else ()
        return tuple(dict.fromkeys((*(x for x, _ in self.fields), *self.by, *more)))

    @property
    def is_of_all_levels(self) -> bool:
        """Whether lines of every level are counted."""
        return self.levels == LEVELS_OF["any"]


def fields_of(rule: RuleConfig) -> tuple[str, ...]:
    """The fields that a rule names."""
    named = (*rule.by, rule.of or "")
    grouped = (x.removeprefix("fields.") for x in named if x.startswith("fields."))
    return tuple(dict.fromkeys((*rule.fields, *grouped)))


def tally_of(rule: RuleConfig) -> Tally | None:
    """What a rule has counted for itself; None where panes tell it anyway."""
    if rule.type in {"new_pattern", "composite"}:
        return None
    if "template" in rule.by or rule.of == "template":
        return None
    fields, level = fields_of(rule), rule.lines_level
    is_usual = len(fields) == 1 and level in {"error", "any"} and "level" not in rule.by
    if rule.text is None and (is_usual or not fields):
        return None
    of = rule.of if rule.of and rule.of.startswith("fields.") else None
    return Tally(
        text=rule.text,
        fields=tuple((x, tuple(y)) for x, y in sorted(rule.fields.items())),
        levels=LEVELS_OF[level],
        by=tuple(x.removeprefix("fields.") for x in rule.by if x.startswith("fields.")),
        by_level="level" in rule.by,
        of=of and of.removeprefix("fields."),
        is_share=rule.type in _SHARES,
    )


def tallies_of(rules: Iterable[RuleConfig]) -> tuple[Tally, ...]:
    """What rules have counted, each once."""
    found = (tally_of(x) for x in rules)
    return tuple(dict.fromkeys(x for x in found if x is not None))


def counted_fields(rules: Iterable[RuleConfig], also: Iterable[str]) -> list[str]:
    """The fields that lines must be counted by for these rules, and `also`."""
    single = (x for rule in rules if tally_of(rule) is None for x in fields_of(rule))
    return list(dict.fromkeys([*also, *single]))


def needed_of(rule: RuleConfig) -> tuple[str, ...]:
    """What `Frame.counted` must have for a rule to know of its lines."""
    tally = tally_of(rule)
    if tally is not None:
        return (tally.key,)
    return counted_as(fields=fields_of(rule), tallies=())


def counted_as(*, fields: Iterable[str], tallies: Iterable[Tally]) -> tuple[str, ...]:
    """How a frame tells what is counted."""
    return (*(f"fields.{x}" for x in fields), *(x.key for x in tallies))
