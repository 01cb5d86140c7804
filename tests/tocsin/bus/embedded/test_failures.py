"""Every failure of SQLite has words and a cure."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from tocsin.bus.embedded.failures import BROKEN, UNAVAILABLE, explained, translated
from tocsin.errors import BusError, BusUnavailable

# Results that are no failures, or that only SQLite's authorizers and logs see.
_NO_FAILURES = {"OK", "ROW", "DONE", "DENY", "IGNORE", "NOTICE", "WARNING"}
# Constants of the module that are no results: actions and limits of a connection.
_NO_RESULTS = (
    *("CREATE_", "DROP_", "LIMIT_", "ALTER_", "DBCONFIG_"),
    *("ANALYZE", "ATTACH", "DELETE", "DETACH", "FUNCTION", "INSERT", "PRAGMA", "READ"),
    *("RECURSIVE", "REINDEX", "SAVEPOINT", "SELECT", "TRANSACTION", "UPDATE"),
)


def _results() -> dict[str, int]:
    names = {n.removeprefix("SQLITE_") for n in dir(sqlite3) if n.startswith("SQLITE_")}
    return {
        name: getattr(sqlite3, f"SQLITE_{name}")
        for name in names
        if not name.startswith(_NO_RESULTS) and name not in _NO_FAILURES
    }


def test_every_result_code_is_mapped_once() -> None:
    results = _results()
    assert {"BUSY", "FULL", "CORRUPT", "IOERR_WRITE"} <= results.keys()

    primary = {code & 0xFF for code in results.values()}

    # The lowest byte of these extended codes is no failure: LOAD_PERMANENTLY and so on.
    primary -= {sqlite3.SQLITE_OK, sqlite3.SQLITE_NOTICE, sqlite3.SQLITE_WARNING}
    assert primary <= UNAVAILABLE.keys() | BROKEN.keys()
    assert not UNAVAILABLE.keys() & BROKEN.keys()


def test_every_message_names_the_file_and_a_cure() -> None:
    for code, (problem, cure) in (UNAVAILABLE | BROKEN).items():
        error = sqlite3.OperationalError("raw text")
        error.sqlite_errorcode = code
        error.sqlite_errorname = "NAME"

        told = explained(error, Path("/var/lib/tocsin.db"))

        assert (
            str(told) == f"the bus file /var/lib/tocsin.db {problem} (NAME: raw text)"
        )
        assert told.hint == cure != ""
        assert isinstance(told, BusUnavailable) == (code in UNAVAILABLE)


def test_an_error_of_the_module_itself_is_told_too() -> None:
    with pytest.raises(BusError, match="was used wrongly"), translated(Path("x")):
        raise sqlite3.ProgrammingError("closed")
