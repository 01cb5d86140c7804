"""A pattern on error lines, in linear time whatever people write (RE2)."""

from __future__ import annotations

from functools import cache
from typing import Any

from tocsin.errors import ConfigError
from tocsin.records.frames import TemplateCount

_REMEMBERED = 10_000


class Pattern:
    """Remembers by template whether the first line seen of it matches.

    Raises:
        ConfigError: it is no pattern.
    """

    def __init__(self, text: str) -> None:
        problem = refusal(text)
        if problem:
            raise ConfigError(f"alerting.rules: {problem}")
        self.text = text
        self._known: dict[str, bool] = {}

    def matches(self, found: TemplateCount) -> bool:
        """Whether lines of a template are meant."""
        known = self._known.get(found.template_id)
        if known is None:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            known = search(self.text, [found.sample.text, found.text])
            self._known[found.template_id] = known
        return known


def refusal(text: str) -> str:
    """Why a text is no pattern; empty where it is one."""
    try:
        search(text, [""])
    except ValueError as error:
        said = str(error).removeprefix("Invalid regular expression: ")
        return f'expected a pattern of RE2, got "{text[:60]}": {said}'
    return ""


def search(pattern: str, texts: list[str]) -> bool:
    """Whether a pattern matches somewhere in any of the texts.

    Raises:
        ValueError: it is no pattern of RE2.
    """
    arrow, kernels = _arrow()
    found = kernels.match_substring_regex(arrow.array(texts, arrow.string()), pattern)
    return any(found.to_pylist())


@cache
def _arrow() -> tuple[Any, Any]:
    # Only where a rule has a pattern: it takes 40 MB.
    import pyarrow as pa  # noqa: PLC0415
    import pyarrow.compute as pc  # noqa: PLC0415

    return pa, pc
