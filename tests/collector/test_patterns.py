"""Globs over paths."""

from __future__ import annotations

import pytest

from collector.patterns import compile_exclude, compile_glob


@pytest.mark.parametrize(
    ("pattern", "path", "matches"),
    [
        ("/var/log/*.log", "/var/log/a.log", True),
        ("/var/log/*.log", "/var/log/deep/a.log", False),
        ("/var/log/**/*.log", "/var/log/a.log", True),
        ("/var/log/**/*.log", "/var/log/x/y/a.log", True),
        ("/var/log/**/*.log", "/var/log/x/a.txt", False),
        ("/var/**/api/*.log", "/var/x/api/a.log", True),
        ("/var/**/api/*.log", "/var/api/a.log", True),
        ("/var/log/**", "/var/log/x/y", True),
        ("/var/log/a?.log", "/var/log/ab.log", True),
        ("/var/log/a?.log", "/var/log/a/.log", False),
        ("/var/log/[ab].log", "/var/log/b.log", True),
        ("/var/log/[!ab].log", "/var/log/b.log", False),
        ("/var/log/[!ab].log", "/var/log/c.log", True),
        ("/var/log/[a.log", "/var/log/[a.log", True),
        ("/var/log/a.log*", "/var/log/a.log\nb", True),
        ("/var/log/*.log", "/var/log/axlog", False),
    ],
)
def test_what_a_glob_matches(pattern: str, path: str, *, matches: bool) -> None:
    assert compile_glob(pattern).matches(path) is matches


@pytest.mark.parametrize(
    ("pattern", "base", "depth"),
    [
        ("/var/log/*.log", "/var/log", 0),
        ("/var/*/x/*.log", "/var", 2),
        ("/var/log/**/*.log", "/var/log", None),
        ("/*.log", "/", 0),
    ],
)
def test_a_glob_looks_no_deeper_than_it_must(
    pattern: str, base: str, depth: int | None
) -> None:
    glob = compile_glob(pattern)

    assert (glob.base, glob.depth) == (base, depth)


@pytest.mark.parametrize(
    ("pattern", "path", "matches"),
    [
        ("*.tmp.log", "/a/b/x.tmp.log", True),
        ("audit", "/a/audit", True),
        ("audit", "/a/audit.log", False),
        ("/a/**/audit.log", "/a/b/audit.log", True),
        ("/a/*", "/a/b", True),
        ("**/audit/*.log", "/a/b/audit/x.log", True),
        ("**/audit/*.log", "/a/b/x.log", False),
    ],
)
def test_what_is_excluded(pattern: str, path: str, *, matches: bool) -> None:
    assert (compile_exclude(pattern).match(path) is not None) is matches
