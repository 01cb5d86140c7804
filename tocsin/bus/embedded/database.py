"""One connection to the file: reads, transactions, and whether something changed.

Every object of the bus has a connection of its own, so that each may live in a thread
of its own and sees what all others commit, in this process or another.
"""

from __future__ import annotations

import random
import sqlite3
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from tocsin.bus.embedded.failures import translated
from tocsin.bus.embedded.schema import BUSY_S, PAGE_BYTES, connect
from tocsin.errors import BusError, BusUnavailable

Row = tuple[Any, ...]

# The WAL is copied into the file after so many bytes; it grows to about twice of it.
_CHECKPOINT_BYTES = 16 * 1024**2
# What a commit costs beside its blobs: the pages of some B-trees.
_COMMIT_BYTES = 24 * 1024


class Database:
    """A connection; one thread at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with translated(path):
            self._connection = connect(path)
        self._seen_version = -1
        self._written_bytes = 0
        self._closed = False

    def rows(self, sql: str, arguments: Sequence[Any] = ()) -> list[Row]:
        """All rows of a query."""
        self._check_open()
        with translated(self.path):
            return self._connection.execute(sql, arguments).fetchall()

    def row(self, sql: str, arguments: Sequence[Any] = ()) -> Row | None:
        """The first row of a query."""
        found = self.rows(sql, arguments)
        return found[0] if found else None

    def each(self, sql: str, arguments: Sequence[Any]) -> Generator[Row, None, None]:
        """The rows of a query as they are asked for; close the iterator early."""
        self._check_open()
        with translated(self.path):
            cursor = self._connection.execute(sql, arguments)
            with closing(cursor):
                yield from cursor

    def changed(self) -> bool:
        """Whether another connection has committed since the last call; ~10 µs."""
        self._check_open()
        with translated(self.path):
            [version] = self._connection.execute("PRAGMA data_version").fetchone()
        changed = version != self._seen_version
        self._seen_version = version
        return bool(changed)

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Let the reads of the block see one state of the file."""
        self._check_open()
        with translated(self.path):
            self._connection.execute("BEGIN")
            try:
                yield
            finally:
                self._connection.execute("ROLLBACK")

    @contextmanager
    def write(self, blob_bytes: int = 0) -> Iterator[sqlite3.Connection]:
        """A transaction that holds the file's write lock; an exception undoes it.

        Raises:
            BusUnavailable: another process held the lock for 10 s, or no disk space.
        """
        self._check_open()
        with translated(self.path):
            self._begin()
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                self._roll_back()
                raise
        self._count(blob_bytes + _COMMIT_BYTES)

    def _count(self, written_bytes: int) -> None:
        self._written_bytes += written_bytes
        if self._written_bytes >= _CHECKPOINT_BYTES:
            self.checkpoint()

    def checkpoint(self) -> None:
        """Copy the WAL into the file, so that it is durable and the WAL starts anew.

        It is never left to SQLite: before 3.51.3 a checkpoint that meets a commit in
        the wrong microsecond can damage the file (sqlite.org/wal.html#walresetbug).
        So it runs beside an empty transaction of ours that keeps every commit out.
        """
        self._written_bytes = 0
        with translated(self.path), closing(connect(self.path)) as side:
            self._begin()
            try:
                side.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
            finally:
                self._roll_back()

    def vacuum(self, pages: int) -> None:
        """Move free pages out of the file, in a transaction of its own."""
        self._check_open()
        with translated(self.path):
            # Not `execute`: that takes one step of the statement, which is one page.
            self._connection.executescript(f"PRAGMA incremental_vacuum({pages})")
        self._count(pages * PAGE_BYTES)

    def shrink_wal(self) -> None:
        """Give the WAL's disk space back; that SQLite takes the write lock first."""
        self._check_open()
        with translated(self.path):
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def close(self) -> None:
        """Close; an open transaction is undone."""
        self._closed = True
        self._connection.close()

    def _begin(self) -> None:
        # SQLite's own waiting backs off to 100 ms and starves against a busy writer.
        deadline = time.monotonic() + BUSY_S
        pause_s = 0.0005
        while not self._try_to_begin():
            if time.monotonic() > deadline:
                raise BusUnavailable(
                    f"the bus file {self.path} has been held by another process for "
                    f"{BUSY_S:.0f} s",
                    hint="look for a hanging tocsin or a program that opened the file",
                )
            time.sleep(pause_s * random.uniform(0.5, 1.0))
            pause_s = min(pause_s * 1.5, 0.008)

    def _try_to_begin(self) -> bool:
        self._connection.execute("PRAGMA busy_timeout=0")
        try:
            self._connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                raise
            return False
        finally:
            self._connection.execute(f"PRAGMA busy_timeout={BUSY_S * 1000:.0f}")
        return True

    def _roll_back(self) -> None:
        # A full disk may have ended the transaction already.
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")

    def _check_open(self) -> None:
        if self._closed:
            raise BusError("the bus was closed before", hint="open it again")
