"""Formats of one's own: a pattern for lines that are read in no other way."""

from __future__ import annotations

import re
from typing import Self

from pydantic import Field, model_validator

from tocsin.config.kinds import Pattern, Section

GROUPS = ("time", "level", "message", "service")


class FormatConfig(Section):
    """How the lines of one's own format are read; the example proves the pattern."""

    name: str = Field(pattern=r"^[A-Za-z0-9._-]+$")
    pattern: Pattern
    example: str = Field(min_length=1)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        groups = re.compile(self.pattern).groupindex
        unknown = sorted(groups.keys() - set(GROUPS))
        if unknown or not groups:
            named = f", not {', '.join(unknown)}" if unknown else ""
            raise ValueError(f"expected named groups of {', '.join(GROUPS)}{named}")
        found = re.search(self.pattern, self.example)
        if found is None:
            raise ValueError("the pattern does not match the example")
        if "service" in groups and not found["service"]:
            raise ValueError("the example names no service")
        return self
