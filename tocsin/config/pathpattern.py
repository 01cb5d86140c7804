"""Patterns that find names in the path of a file: `/srv/{service}/log/{tenant}-*.log`.

`{name}` and `*` stand for a part of one name between slashes, `**` for any number of
directories. That is all, so a match takes time that is bounded by the path's length:
no more than two of them in one name, and two `**`.
"""

from __future__ import annotations

import re
from functools import cache

SERVICE = "service"
_MAX_IN_NAME = 2
_PIECE = re.compile(r"\{([a-z][a-z0-9_]{0,31})\}|\*|([^{}*]+)")


@cache
def compile_path_pattern(text: str) -> re.Pattern[str]:
    """Compile a pattern of whole paths, with a group for each name.

    Raises:
        ValueError: it is none, or has no `{service}`.
    """
    if not text.startswith(("/", "**/")):
        raise ValueError(
            'expected a pattern of a whole path, such as "/srv/{service}/*"'
        )
    parts = [part for part in text.split("/") if part]
    names: list[str] = []
    regex = "".join(_directory(part, names) for part in parts)
    if SERVICE not in names:
        raise ValueError("expected {service} in it, which names the service")
    if len(set(names)) < len(names) or parts.count("**") > 2:
        raise ValueError("expected each name once, and ** twice at most")
    return re.compile(regex + r"\Z", re.DOTALL)


def _directory(part: str, names: list[str]) -> str:
    if part == "**":
        return "(?:/[^/]+)*"
    regex, wild, at = "/", 0, 0
    while at < len(part):
        piece = _PIECE.match(part, at)
        if piece is None:
            raise ValueError(
                f"expected names in braces, such as {{tenant}}, in {part!r}"
            )
        at = piece.end()
        if piece[2]:
            regex += re.escape(piece[2])
            continue
        wild += 1
        if piece[1]:
            names.append(piece[1])
        regex += f"(?P<{piece[1]}>[^/]+?)" if piece[1] else "[^/]*?"
    if wild > _MAX_IN_NAME:
        raise ValueError(f"expected at most two of {{…}} and * in {part!r}")
    return regex
