r"""Secrets and personal data, taken out of texts before they leave the processor.

Invariants:
- Linear time: every pattern runs in RE2, in columns; a card number is checked by its
  digits, in the few rows that may have one.
- Rather too much than too little: what stands behind a name such as `password` goes,
  whatever it is. It is a net, not a proof: a secret that looks like a word is not seen.
- What is redacted leaves its kind, so that a text without it still reads.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from processor import columns
from processor.columns import Column
from tocsin.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Secret:
    r"""A kind of secret; `example` contains it, and `kept` is what stays of that.

    `hint`: a simple pattern that matches, in any case, wherever `pattern` does.
    `pattern`: what comes before it is its first group, if it has one.
    """

    name: str
    hint: str
    pattern: str
    example: str
    kept: str


_KEYS = (
    r"(?:passw(?:or)?ds?|passwd|passphrase|pwd|secrets?|token|api[_-]?key|apikey"
    r"|(?:access|private|secret|signing|encryption)[_-]?key|credentials?|authorization"
    r"|cookie|session[_-]?id|phpsessid|\b(?:pin|cvv|cvc|ssn|x-auth))"
)
_PREFIXES = (
    r"gh[opsur]_|github_pat_|glpat-|xox[a-z]-|xapp-|[srp]k_(?:live|test)_|sk-[\w-]{6}"
    r"|AIza|ya29\.|SG\.[\w-]{9}|npm_[A-Za-z0-9]{9}|pypi-Ag|dop_v1_|hvs\."
)
# Of a quoted value all, also where the closing quote is cut off.
_VALUE = (
    r'(?:"(?:[^"\\]|\\.)*(?:"|$)|\'(?:[^\'\\]|\\.)*(?:\'|$)|\\+"[^"\\]*(?:\\+"|$)'
    r"|(?:(?:bearer|basic|digest|token|negotiate) +)?[^\s,;&\"'<>\\})\]]+)"
)

SECRETS: tuple[Secret, ...] = (
    Secret(
        "private-key",
        "PRIVATE KEY",
        r"(?s)-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*-----|$)",
        "x -----BEGIN RSA PRIVATE KEY-----\nMIIEow\n-----END RSA PRIVATE KEY----- y",
        "x {} y",
    ),
    Secret(
        "url-password",
        r"://[^\s/]*@",
        r"(?i)(\b[a-z][a-z0-9+.-]*://[^\s/:@\"'<>]*:)[^\s\"'<>/]+@",
        "at postgres://app:hunter2@db/shop",
        "at postgres://app:{}db/shop",
    ),
    Secret(
        "url-token",
        r"://[^\s/]*@",
        r"(?i)(\b[a-z][a-z0-9+.-]*://)[^\s/:@\"'<>]{16,}@",
        "at https://0123456789abcdef0123@git.example/x",
        "at https://{}git.example/x",
    ),
    Secret(
        "secret",
        _KEYS,
        rf"(?i)({_KEYS}(?:_?hash)?[\"'\\]*\s?(?:=|:|%3d|=>)\s*){_VALUE}",
        'login {"password": "hunter2 or so", "n": 1}',
        'login {"password": {}, "n": 1}',
    ),
    Secret(
        "option",
        r"--?(?:passw|token|secret|api-?key|access-?key)",
        r"(?i)(--?(?:password|passwd|token|secret|api-?key|access-?key)[ =])\S+",
        "run --password hunter2 -v",
        "run --password {} -v",
    ),
    Secret(
        "element",
        _KEYS,
        rf"(?i)(<{_KEYS}>)[^<]+",
        "<password>hunter2</password>",
        "<password>{}</password>",
    ),
    Secret(
        "bearer",
        "bearer",
        r"(?i)(\bbearer\s+)(?:[\w~+/.-]*[0-9_~+/=][\w~+/.=-]*|[A-Za-z.-]{20,})",
        "sent Bearer a1b2-c3 to it",
        "sent Bearer {} to it",
    ),
    Secret(
        "jwt",
        "eyj",
        r"eyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*){0,2}",
        "got eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl now",
        "got {} now",
    ),
    Secret(
        "aws-key",
        "AKIA|ASIA|ABIA|ACCA",
        r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{12,}",
        "key AKIAIOSFODNN7EXAMPLE of ann",
        "key {} of ann",
    ),
    # GitHub, GitLab, Slack, Stripe, Google, SendGrid, npm, and what is like them.
    Secret(
        "api-key",
        _PREFIXES,
        rf"\b(?:{_PREFIXES})[\w.-]{{10,}}",
        "with ghp_0123456789abcdefABCDEF0123456789abcd in it",
        "with {} in it",
    ),
    Secret(
        "webhook",
        "hooks.slack",
        r"(hooks\.slack\.com/(?:services|workflows)/)[\w/-]+",
        "to https://hooks.slack.com/services/T0/B0/x1y2 now",
        "to https://hooks.slack.com/services/{} now",
    ),
    Secret(
        "e-mail",
        r"@[\w\x80-\xff-]+\.",
        r"[\w.+%\x80-\xff-]+@[\w\x80-\xff-]+(?:\.[\w\x80-\xff-]+)+",
        "mail to ann.lee+x@mail.example failed",
        "mail to {} failed",
    ),
)
# In fours, as 4-6-5, or without a gap.
_MAYBE_CARD = r"[0-9]{4}[ -]?[0-9]{4}[ -]?[0-9]{4}|[0-9]{4}[ -][0-9]{6}[ -][0-9]{5}"
_CARD = re.compile(rb"(?<![0-9])[2-6][0-9](?:[ -]?[0-9]){11,14}(?![0-9])")


@dataclass(frozen=True, slots=True)
class _Rule:
    name: str
    hint: str
    pattern: str
    before: str = ""


class Redaction:
    """Takes secrets out of columns of texts.

    `own`: further patterns by name, RE2; what they match goes wholly.

    Raises:
        ConfigError: one of them is no pattern that runs in linear time.
    """

    def __init__(
        self, own: Mapping[str, str] | None = None, *, defaults: bool = True
    ) -> None:
        self._rules = [
            _Rule(name, f"(?-i:{pattern})", pattern)
            for name, pattern in (own or {}).items()
        ]
        for rule in self._rules:
            _check(rule)
        self._cards = defaults
        if defaults:
            self._rules[:0] = [_rule(secret) for secret in SECRETS]
        # One look at a row for all: next to none has any. By simple patterns, because
        # a pattern is compiled for each batch: those below take ten times as long.
        hints = dict.fromkeys(f"(?:{rule.hint})" for rule in self._rules)
        self._any = "(?i)" + "|".join(hints) if hints else ""

    def __call__(self, values: Column, *, instead: str | None = None) -> Column:
        """The texts with `[kind]` in the place of every secret.

        Or with `instead`; then numbers stay, card numbers too: mask them.
        """
        if self._any:
            rows = np.flatnonzero(columns.matches(values, self._any))
            if len(rows):
                changed = self._redact(columns.select(values, rows), instead)
                values = columns.merge(values, rows, changed)
        if self._cards and instead is None:
            return _without_cards(values)
        return values

    def _redact(self, texts: Column, instead: str | None) -> Column:
        for rule in self._rules:
            mark = f"[{rule.name}]" if instead is None else instead
            texts = columns.replace(texts, rule.pattern, rule.before + mark)
        return texts


def _rule(secret: Secret) -> _Rule:
    has_before = re.compile(secret.pattern).groups > 0
    return _Rule(secret.name, secret.hint, secret.pattern, r"\1" if has_before else "")


def _check(rule: _Rule) -> None:
    try:
        columns.matches(columns.column([b""]), rule.pattern)
    except ValueError as error:
        raise ConfigError(
            f"not a pattern of processor.redact: {rule.name}: {error}",
            hint="patterns are RE2's: no look-around, no references back",
        ) from error


def _without_cards(texts: Column) -> Column:
    rows = np.flatnonzero(columns.matches(texts, _MAYBE_CARD))
    if len(rows) == 0:
        return texts
    chosen = columns.to_list(columns.select(texts, rows))
    clean = [_CARD.sub(_judge, text) for text in chosen]
    return columns.merge(texts, rows, columns.column(clean))


def _judge(card: re.Match[bytes]) -> bytes:
    """The mark for a number that is a card's by its check digit, else the number."""
    digits = [byte - 48 for byte in card[0] if 48 <= byte < 58]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[-2::-2]]
    valid = (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0
    return b"[card]" if valid else card[0]
