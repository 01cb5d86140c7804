"""A pattern on error lines, in linear time whatever people write (RE2)."""

from __future__ import annotations

from tocsin.config.linear import compile_linear
from tocsin.errors import ConfigError
from tocsin.records.frames import TemplateCount

_REMEMBERED = 10_000


class Pattern:
    """Remembers by template whether the first line seen of it matches.

    Raises:
        ConfigError: it is no pattern.
    """

    def __init__(self, text: str) -> None:
        try:
            self._pattern = compile_linear(text)
        except ValueError as error:
            raise ConfigError(f"alerting.rules: {error}") from error
        self.text = text
        self._known: dict[str, bool] = {}

    def matches(self, found: TemplateCount) -> bool:
        """Whether lines of a template are meant."""
        known = self._known.get(found.template_id)
        if known is None:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            known = self._is_in(found.sample.text) or self._is_in(found.text)
            self._known[found.template_id] = known
        return known

    def _is_in(self, text: str) -> bool:
        # Half of a surrogate pair is no text to RE2.
        clean = text.encode("utf-8", "replace").decode()
        return self._pattern.search(clean) is not None
