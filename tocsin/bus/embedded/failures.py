"""What SQLite's failures mean to a person: each result code mapped once."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tocsin.errors import BusError, BusUnavailable

_FREE_SPACE = (
    "free space on that disk, or lower the retention under bus; "
    "nothing is lost, the work goes on by itself"
)
_DISK = (
    "look whether its disk is full, over quota or failing; nothing is lost, "
    "the work goes on by itself"
)
_RIGHTS = "give this user the right to write there, or choose another --state-dir"
MOVE_AWAY = (
    "stop tocsin, move the file (and its -wal and -shm) away and start again: "
    "it begins with a new one and reads the logs anew"
)
_TRY_AGAIN = "another process holds it; the work goes on when it lets go"
_REPORT = "please report this as a bug of tocsin"

UNAVAILABLE: dict[int, tuple[str, str]] = {
    sqlite3.SQLITE_BUSY: ("is held by another process", _TRY_AGAIN),
    sqlite3.SQLITE_LOCKED: ("is held by another connection", _TRY_AGAIN),
    sqlite3.SQLITE_PROTOCOL: ("is held by another process", _TRY_AGAIN),
    sqlite3.SQLITE_FULL: ("cannot grow: the disk is full", _FREE_SPACE),
    sqlite3.SQLITE_IOERR: (
        "cannot be read or written",
        _DISK,
    ),
    sqlite3.SQLITE_NOMEM: ("needs more memory than there is", "free some memory"),
    sqlite3.SQLITE_INTERRUPT: ("was interrupted", "try again"),
}
"""By primary result code: what waiting may mend."""

BROKEN: dict[int, tuple[str, str]] = {
    sqlite3.SQLITE_CORRUPT: ("is damaged", MOVE_AWAY),
    sqlite3.SQLITE_NOTADB: ("is not a file of tocsin's bus", MOVE_AWAY),
    sqlite3.SQLITE_FORMAT: ("is not a file of tocsin's bus", MOVE_AWAY),
    sqlite3.SQLITE_EMPTY: ("is damaged", MOVE_AWAY),
    sqlite3.SQLITE_CANTOPEN: ("cannot be opened", _RIGHTS),
    sqlite3.SQLITE_READONLY: ("cannot be written", _RIGHTS),
    sqlite3.SQLITE_PERM: ("may not be used", _RIGHTS),
    sqlite3.SQLITE_AUTH: ("may not be used", _RIGHTS),
    sqlite3.SQLITE_NOLFS: ("is too large for its file system", "move it elsewhere"),
    sqlite3.SQLITE_TOOBIG: ("was given too large a value", _REPORT),
    sqlite3.SQLITE_SCHEMA: ("was changed by another program", _REPORT),
    sqlite3.SQLITE_CONSTRAINT: ("contradicts itself", _REPORT),
    sqlite3.SQLITE_MISMATCH: ("contradicts itself", _REPORT),
    sqlite3.SQLITE_MISUSE: ("was used wrongly", _REPORT),
    sqlite3.SQLITE_RANGE: ("was used wrongly", _REPORT),
    sqlite3.SQLITE_ERROR: ("was used wrongly", _REPORT),
    sqlite3.SQLITE_INTERNAL: ("met an error of SQLite", _REPORT),
    sqlite3.SQLITE_NOTFOUND: ("met an error of SQLite", _REPORT),
    sqlite3.SQLITE_ABORT: ("met an error of SQLite", _REPORT),
}
"""By primary result code: what a person must mend."""

# Extended codes carry the primary one in their lowest byte.
_PRIMARY = 0xFF


def explained(error: sqlite3.Error, path: Path) -> BusError:
    """The bus's error for SQLite's, with the file's name and the cure."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_MISUSE)
    primary = code & _PRIMARY
    detail = f"{getattr(error, 'sqlite_errorname', type(error).__name__)}: {error}"
    if primary in UNAVAILABLE:
        problem, cure = UNAVAILABLE[primary]
        return BusUnavailable(f"the bus file {path} {problem} ({detail})", hint=cure)
    problem, cure = BROKEN.get(primary, ("met an error of SQLite", _REPORT))
    return BusError(f"the bus file {path} {problem} ({detail})", hint=cure)


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Let SQLite's exceptions out as the bus's."""
    try:
        yield
    except sqlite3.Error as error:
        raise explained(error, path) from error
