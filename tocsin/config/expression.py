"""Rules joined by `and`, `or` and `not`: `(errors or "no lines") and not deployment`.

Names of other characters than letters, digits and `_.-` stand in quotes. `not` binds
strongest, then `and`, then `or`.
"""

from __future__ import annotations

import re
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

_TOKEN = re.compile(r"""\s*(?:([()])|"([^"]+)"|'([^']+)'|([\w.-]+)|(\S))""")
_MAX_DEPTH = 20
_WORDS = ("and", "or", "not")


@dataclass(frozen=True, slots=True)
class Expression:
    """A rule's name, or `kind` of other expressions."""

    kind: str  # name, not, and, or
    name: str = ""
    parts: tuple[Expression, ...] = ()

    def holds(self, names: AbstractSet[str]) -> bool:
        """Whether it is true where these rules hold and no others."""
        match self.kind:
            case "name":
                return self.name in names
            case "not":
                return not self.parts[0].holds(names)
            case "and":
                return all(x.holds(names) for x in self.parts)
            case _:
                return any(x.holds(names) for x in self.parts)

    @property
    def names(self) -> tuple[str, ...]:
        """The rules in it, each once, as they stand."""
        if self.kind == "name":
            return (self.name,)
        return tuple(dict.fromkeys(x for part in self.parts for x in part.names))


def parse_expression(text: str) -> Expression:
    """Read an expression.

    Raises:
        ValueError: it is none; the message says where.
    """
    parser = _Parser(text)
    found = parser.one_of("or", 0)
    if parser.word is not None:
        raise ValueError(f'expected "and" or "or", got "{parser.word}"')
    return found


class _Parser:
    def __init__(self, text: str) -> None:
        self._tokens: list[tuple[str, bool]] = []  # and whether it is a quoted name
        for found in _TOKEN.finditer(text):
            quoted = found[2] or found[3]
            if found[5]:
                raise ValueError(f'expected names of rules, got "{found[5]}"')
            self._tokens.append((quoted or found[1] or found[4], bool(quoted)))

    @property
    def word(self) -> str | None:
        """What comes next."""
        return self._tokens[0][0] if self._tokens else None

    def one_of(self, kind: str, depth: int) -> Expression:
        """Expressions joined by `or` - or, below it, by `and`."""
        parts = [self._below(kind, depth)]
        while self._is_next(kind):
            self._tokens.pop(0)
            parts.append(self._below(kind, depth))
        return parts[0] if len(parts) == 1 else Expression(kind, parts=tuple(parts))

    def _below(self, kind: str, depth: int) -> Expression:
        return self.one_of("and", depth) if kind == "or" else self._single(depth)

    def _single(self, depth: int) -> Expression:
        if depth > _MAX_DEPTH:
            raise ValueError("too many brackets")
        if self._is_next("not"):
            self._tokens.pop(0)
            return Expression("not", parts=(self._single(depth + 1),))
        if self._is_next("("):
            self._tokens.pop(0)
            found = self.one_of("or", depth + 1)
            if not self._is_next(")"):
                raise ValueError('expected ")"')
            self._tokens.pop(0)
            return found
        if not self._tokens:
            raise ValueError("expected the name of a rule at the end")
        word, is_quoted = self._tokens.pop(0)
        if not is_quoted and word in {*_WORDS, ")"}:
            raise ValueError(f'expected the name of a rule, got "{word}"')
        return Expression("name", word)

    def _is_next(self, word: str) -> bool:
        return bool(self._tokens) and self._tokens[0] == (word, False)
