"""What names and first bytes say of a file."""

from __future__ import annotations

import gzip

import pytest

from collector.names import LeftOut, base_name, base_names, judge_beginning, judge_name


@pytest.mark.parametrize(
    ("name", "base"),
    [
        ("app.log.1", "app.log"),
        ("app.log.12", "app.log"),
        ("app.log-20251125", "app.log"),
        ("app.log-20251125-1", "app.log"),
        ("app.log.2025-11-25", "app.log"),
        ("app.log.2025-11-25_10", "app.log"),
        ("app.log.old", "app.log"),
        ("app.1.log", "app.log"),
        ("app-2025-11-25.log", "app.log"),
        ("syslog.1", "syslog"),
        ("messages-1764000000", "messages"),
    ],
)
def test_rotated_names_tell_the_name_before(name: str, base: str) -> None:
    assert base in base_names(name)
    assert base_name(name) == base


@pytest.mark.parametrize("name", ["app.log", "app2.log", "web01", "error_log", "a.b"])
def test_other_names_are_not_rotated(name: str) -> None:
    assert base_names(name) == ()


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("app.log", None),
        ("catalina.out", None),
        ("access_log", None),
        ("syslog", None),
        ("events.json", None),
        ("app.log.1.gz", LeftOut.COMPRESSED),
        ("app.log.zst", LeftOut.COMPRESSED),
        ("wtmp", LeftOut.BINARY),
        ("user-1000.journal", LeftOut.BINARY),
        ("data.sqlite-wal", LeftOut.BINARY),
        (".app.log.swp", LeftOut.HIDDEN),
        ("settings.yaml", LeftOut.NOT_A_LOG),
        ("app.pid", LeftOut.NOT_A_LOG),
        ("README", LeftOut.NOT_A_LOG),
        ("README.log", None),
    ],
)
def test_names_of_what_is_no_log(name: str, reason: LeftOut | None) -> None:
    assert judge_name(name) is reason


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"2026-01-01 INFO hello\n", None),
        ("grüße, \N{BELL}\n".encode(), None),
        (b"caf\xe9 latin-1\n" * 3, None),
        (b"one \x00 NUL in a longer line of text\n", None),
        (b"\x1b[31mred\x1b[0m\n", None),
        ("text\n".encode("utf-16"), None),
        (gzip.compress(b"text", mtime=0), LeftOut.COMPRESSED),
        (bytes(range(256)), LeftOut.BINARY),
        (b"\x7fELF\x02\x01", LeftOut.BINARY),
    ],
)
def test_beginnings_of_what_is_no_log(data: bytes, reason: LeftOut | None) -> None:
    assert judge_beginning(data) is reason
