"""Globs over whole paths: `*`, `?`, `[…]`, and `**` for any number of directories."""

# A Path for each file would double the cost of a scan.
# ruff: noqa: PTH100

from __future__ import annotations

import os
import re
from dataclasses import dataclass

_MAGIC = re.compile(r"[*?\[]")


@dataclass(frozen=True, slots=True)
class Glob:
    """A pattern: it matches below `base`, at most `depth` levels down (None: any)."""

    base: str
    depth: int | None
    regex: re.Pattern[str]

    def matches(self, path: str) -> bool:
        """Whether the absolute `path` is meant."""
        return self.regex.match(path) is not None


def is_glob(text: str) -> bool:
    """Whether `text` has a wildcard."""
    return _MAGIC.search(text) is not None


def compile_glob(pattern: str) -> Glob:
    """Compile an absolute pattern."""
    parts = [part for part in pattern.split("/") if part]
    fixed = 0
    while fixed < len(parts) - 1 and not is_glob(parts[fixed]):
        fixed += 1
    depth = None if "**" in parts else len(parts) - fixed - 1
    return Glob("/" + "/".join(parts[:fixed]), depth, _regex(parts))


def base_of(root: str) -> str:
    """The directory below which an absolute PATH lies."""
    return compile_glob(root).base if is_glob(root) else root


def is_below(path: str, root: str) -> bool:
    """Whether a PATH means an absolute `path`, or would if it were a directory."""
    if path == root or path.startswith(root.rstrip("/") + "/"):
        return True
    return is_glob(root) and compile_glob(root).matches(path)


def compile_exclude(pattern: str) -> re.Pattern[str]:
    """Compile what is left out: a bare name at any depth, or a pattern of a path.

    A directory that matches is left out with all below it.
    """
    if "/" not in pattern.rstrip("/"):
        return _regex(["**", pattern.rstrip("/")])
    if pattern.startswith("**/"):  # anywhere, not only below the working directory
        return _regex(pattern.rstrip("/").split("/"))
    return _regex([p for p in os.path.abspath(pattern).split("/") if p])


def _regex(parts: list[str]) -> re.Pattern[str]:
    text = ""
    for part in parts[:-1]:
        text += "(?:/[^/]+)*" if part == "**" else "/" + _part(part)
    last = "(?:/[^/]+)+" if parts[-1:] == ["**"] else "/" + _part("".join(parts[-1:]))
    return re.compile(text + last + r"\Z", re.DOTALL)


def _part(glob: str) -> str:
    out = ""
    at = 0
    while at < len(glob):
        char = glob[at]
        at += 1
        if char == "*":
            out += "[^/]*"
        elif char == "?":
            out += "[^/]"
        elif char == "[" and (end := glob.find("]", at + 1)) > 0:
            inner = glob[at:end].replace("\\", r"\\").replace("[", r"\[")
            out += "[" + ("^" + inner[1:] if inner[0] in "!^" else inner) + "]"
            at = end + 1
        else:
            out += re.escape(char)
    return out
