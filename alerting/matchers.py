"""Which incidents are meant: patterns on their labels. Pure.

Written `label=pattern` or `label!=pattern`, where `*` and `?` stand for any text and
any character. A label that an incident does not have is the empty text. Patterns are
globs and no regular expressions, so none can take long.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase

import msgspec

from tocsin.errors import ConfigError

_WRITTEN = re.compile(r"([A-Za-z_][A-Za-z0-9_.-]*)(!?=)(.*)", re.DOTALL)
_MAX_PATTERN = 500


class Matcher(msgspec.Struct, frozen=True, omit_defaults=True):
    """One label must match any of the patterns - or, negated, none of them."""

    label: str
    patterns: tuple[str, ...]
    is_negated: bool = False

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether an incident with these labels is meant."""
        value = labels.get(self.label, "")
        return self.is_negated != any(fnmatchcase(value, x) for x in self.patterns)

    def __str__(self) -> str:
        sign = "!=" if self.is_negated else "="
        return f"{self.label}{sign}{'|'.join(self.patterns)}"


def match_all(matchers: Iterable[Matcher], labels: Mapping[str, str]) -> bool:
    """Whether every matcher matches; none at all match everything."""
    return all(x.matches(labels) for x in matchers)


def parse_matcher(text: str) -> Matcher:
    """Read `service=checkout-*` or `severity!=critical`.

    Raises:
        ConfigError: it is none.
    """
    found = _WRITTEN.fullmatch(text.strip())
    if found is not None and found[3].startswith(("~", "=")):
        raise ConfigError(
            f"expected a matcher such as service=checkout-*, got {text[:80]!r}",
            hint="patterns are globs (* and ?), no regular expressions",
        )
    if found is None or len(found[3]) > _MAX_PATTERN:
        raise ConfigError(
            f"expected a matcher such as service=checkout-*, got {text[:80]!r}",
            hint="labels are service, rule, severity and those a rule groups by",
        )
    return Matcher(found[1], (found[3],), is_negated=found[2] == "!=")


def from_patterns(patterns: Mapping[str, Iterable[str]]) -> tuple[Matcher, ...]:
    """The matchers of a `match:` in the configuration; `!` before a label negates."""
    return tuple(
        Matcher(label.removeprefix("!"), tuple(wanted), label.startswith("!"))
        for label, wanted in patterns.items()
    )
