"""The file's layout, and how a file is opened, recognised or made.

A record's place is one number: the partition's id in the upper bits, its offset in the
lower 46 (a million records a second last two years). So `batch` is one B-tree in the
order of reading, without an index beside it. `batch.newest_ms` is the newest timestamp
in the partition up to and including that batch: it never falls, so the place of a time
is found by halving.
"""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path

from tocsin.bus.embedded.failures import translated
from tocsin.errors import BusError, BusUnavailable, ConfigError

OFFSET_BITS = 46
BUSY_S = 10.0  # nobody holds the write lock for more than some 10 ms while healthy

_APPLICATION = 0x546F6373  # "Tocs"
_VERSION = 1

# Small transactions were 15 % quicker than with pages of 8 KiB, large ones alike, and
# a heartbeat writes half as much.
PAGE_BYTES = 4096

_TABLES = """
CREATE TABLE topic (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    partitions INTEGER NOT NULL,
    compacted INTEGER NOT NULL,
    retention_s REAL,
    retention_bytes INTEGER,
    max_record_bytes INTEGER NOT NULL
) STRICT;
CREATE TABLE partition (
    id INTEGER PRIMARY KEY,
    topic INTEGER NOT NULL REFERENCES topic,
    number INTEGER NOT NULL,
    low INTEGER NOT NULL DEFAULT 0,
    high INTEGER NOT NULL DEFAULT 0,
    newest_ms INTEGER NOT NULL DEFAULT -9223372036854775808,
    bytes INTEGER NOT NULL DEFAULT 0,
    UNIQUE (topic, number)
) STRICT;
CREATE TABLE batch (
    place INTEGER PRIMARY KEY,
    hi INTEGER NOT NULL,
    newest_ms INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    data BLOB NOT NULL
) STRICT;
CREATE TABLE row (
    topic INTEGER NOT NULL REFERENCES topic,
    key BLOB NOT NULL,
    value BLOB,
    change INTEGER NOT NULL,
    PRIMARY KEY (topic, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX row_change ON row (topic, change);
CREATE TABLE producer (
    identity TEXT PRIMARY KEY,
    epoch INTEGER NOT NULL,
    holder TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE consumer_group (
    name TEXT PRIMARY KEY,
    generation INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE member (
    token INTEGER PRIMARY KEY,
    consumer_group TEXT NOT NULL,
    name TEXT NOT NULL,
    holder TEXT NOT NULL,
    expires REAL NOT NULL,
    UNIQUE (consumer_group, name)
) STRICT;
CREATE TABLE wish (
    token INTEGER NOT NULL REFERENCES member ON DELETE CASCADE,
    topic INTEGER NOT NULL REFERENCES topic,
    PRIMARY KEY (token, topic)
) STRICT, WITHOUT ROWID;
CREATE TABLE claim (
    consumer_group TEXT NOT NULL,
    partition INTEGER NOT NULL REFERENCES partition,
    token INTEGER NOT NULL REFERENCES member ON DELETE CASCADE,
    PRIMARY KEY (consumer_group, partition)
) STRICT, WITHOUT ROWID;
CREATE INDEX claim_token ON claim (token);
CREATE TABLE committed (
    consumer_group TEXT NOT NULL,
    partition INTEGER NOT NULL REFERENCES partition,
    next INTEGER NOT NULL,
    PRIMARY KEY (consumer_group, partition)
) STRICT, WITHOUT ROWID;
CREATE TABLE state (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    change INTEGER NOT NULL,
    tombstones_from INTEGER NOT NULL,
    purged INTEGER NOT NULL,
    upkeep_until REAL NOT NULL
) STRICT;
INSERT INTO state VALUES (1, 0, 0, 0, 0);
"""


def connect(path: Path) -> sqlite3.Connection:
    """A connection with the settings that every one must have."""
    connection = sqlite3.connect(
        path, timeout=BUSY_S, isolation_level=None, check_same_thread=False
    )
    try:
        # No automatic checkpoints: see Database.checkpoint for the reason. None of
        # these may take the write lock: whoever is frozen with it holds up everybody.
        for setting in (
            "synchronous=NORMAL",
            "wal_autocheckpoint=0",
            "journal_size_limit=33554432",
            "foreign_keys=ON",
            "secure_delete=OFF",
            "temp_store=MEMORY",
            "cache_size=-2048",
        ):
            connection.execute(f"PRAGMA {setting}").fetchall()
    except BaseException:
        connection.close()
        raise
    return connection


def prepare(path: Path) -> None:
    """Make the file if it is not there; see that it is ours and whole enough.

    Raises:
        ConfigError: its directory cannot be made or used.
        BusError: it is another program's, from a newer tocsin, or damaged.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(
            f"the state directory {path.parent} cannot be used: "
            f"{(error.strerror or str(error)).lower()}",
            hint="choose another one with --state-dir",
        ) from error
    with translated(path), closing(connect(path)) as connection:
        [pages] = connection.execute("PRAGMA page_count").fetchone()
        if not pages:  # what can be said only before the first page is kept in it
            connection.execute(f"PRAGMA page_size={PAGE_BYTES}")
            connection.execute("PRAGMA auto_vacuum=INCREMENTAL")
        _switch_to_wal(connection, path)
        connection.execute("BEGIN IMMEDIATE")
        try:
            _recognise(connection, path)
        finally:
            connection.execute("COMMIT" if connection.in_transaction else "SELECT 1")


def _switch_to_wal(connection: sqlite3.Connection, path: Path) -> None:
    # SQLite does not wait for another process that does the same at this moment.
    deadline = time.monotonic() + BUSY_S
    while True:
        try:
            [mode] = connection.execute("PRAGMA journal_mode=WAL").fetchone()
            break
        except sqlite3.OperationalError as error:
            busy = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
            if not busy or time.monotonic() > deadline:
                raise
            time.sleep(0.005)
    if mode != "wal":
        raise BusUnavailable(
            f"the bus file {path} cannot work in WAL mode",
            hint="put the state directory on a local disk",
        )


def _recognise(connection: sqlite3.Connection, path: Path) -> None:
    [application] = connection.execute("PRAGMA application_id").fetchone()
    [version] = connection.execute("PRAGMA user_version").fetchone()
    [things] = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if not things and not application:
        _create(connection)
    elif application != _APPLICATION:
        raise BusError(
            f"{path} is a database of another program",
            hint="choose another file in bus.url, or another --state-dir",
        )
    elif version > _VERSION:
        raise BusError(
            f"the bus file {path} was written by a newer tocsin (layout {version}, "
            f"this one knows {_VERSION})",
            hint="upgrade tocsin, or choose another --state-dir",
        )


def _create(connection: sqlite3.Connection) -> None:
    for statement in _TABLES.split(";\n"):
        if statement.strip():
            connection.execute(statement)
    connection.execute(f"PRAGMA application_id={_APPLICATION}")
    connection.execute(f"PRAGMA user_version={_VERSION}")
