"""What the collector tells: the audit log of its files, and its metrics.

One method per fact, called per batch or per file, never per line.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from enum import Enum

from prometheus_client import CollectorRegistry, Counter, Gauge

from collector.gunzip import Broken, Trouble
from collector.names import LeftOut
from tocsin.errors import TocsinError
from tocsin.telemetry.log import Log
from tocsin.telemetry.metrics import BoundedLabel, overflow_counter
from tocsin.values import Clock


class Rotation(Enum):
    """What happened to a file that was being read."""

    RENAMED = "renamed"
    TRUNCATED = "truncated"
    DELETED = "deleted"
    REPLACED = "replaced"


class Lost(Enum):
    """Why bytes cannot be read any more, or were given up."""

    TRUNCATED = "truncated"
    DELETED = "deleted"
    TOO_LARGE = "too_large"
    CORRUPT = "corrupt"


class FileState(Enum):
    """The states that `tocsin_collector_files` counts."""

    READING = "reading"
    CAUGHT_UP = "caught_up"
    ROTATED = "rotated"
    FINISHED = "finished"
    LEFT_OUT = "left_out"


_QUIET = frozenset({LeftOut.HIDDEN, LeftOut.NOT_A_LOG, LeftOut.EXCLUDED})
_REPEAT_S = 30.0
_MOST_TOLD = 1_000


class CollectorTelemetry:
    """Feeds the log and the metrics of one collector."""

    def __init__(
        self, registry: CollectorRegistry, *, clock: Clock = time.monotonic
    ) -> None:
        self._log = Log("collector")
        self._clock = clock
        self._told: dict[str, LeftOut] = {}
        self._told_roots: dict[str, str] = {}
        self._troubled: set[str] = set()
        self._undecodable: set[str] = set()
        self._down_since: float | None = None
        self._down_told_at = 0.0
        self._aborted = 0
        self._aborted_told_at = 0.0
        self._service = BoundedLabel(overflow_counter(registry), "service")

        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(name, text, labels, registry=registry)

        self._lines = counter(
            "tocsin_collector_lines", "Lines committed to raw-logs", "service"
        )
        self._bytes = counter(
            "tocsin_collector_bytes", "Bytes committed, newlines included", "service"
        )
        self._last_line = Gauge(
            "tocsin_source_last_line_timestamp_seconds",
            "When the newest committed line was read",
            ["service"],
            registry=registry,
        )
        self._unread = Gauge(
            "tocsin_collector_unread_bytes",
            "Bytes that stand in files and are not committed yet",
            ["service"],
            registry=registry,
        )
        self._unread_services: set[str] = set()
        self._files = Gauge(
            "tocsin_collector_files", "Files by state", ["state"], registry=registry
        )
        self._open = Gauge(
            "tocsin_collector_open_files",
            "Descriptors held on files",
            registry=registry,
        )
        self._rotations = counter(
            "tocsin_collector_rotations", "Files that were rotated", "kind"
        )
        self._read_errors = counter(
            "tocsin_collector_read_errors", "Failed attempts to read a file", "reason"
        )
        self._lost = counter(
            "tocsin_collector_lost_bytes",
            "Bytes that could not be read, or that the bus did not take",
            "reason",
        )
        self._cut = counter(
            "tocsin_collector_truncated_lines", "Lines cut at the limit"
        )
        self._cut_bytes = counter(
            "tocsin_collector_cut_bytes", "Bytes that cutting long lines left out"
        )
        self._skipped = counter(
            "tocsin_collector_skipped_bytes",
            "NUL bytes that nobody wrote: a hole that a truncation left",
        )
        self._dead = counter(
            "tocsin_dead_letters", "Records that could not be handled", "reason"
        )
        self._bad_rows = counter(
            "tocsin_collector_unreadable_checkpoints",
            "Checkpoints that could not be read: their files are read again",
        )
        self._replaced = counter(
            "tocsin_collector_replaced_characters",
            "Bytes that were no text in the encoding of their file",
        )
        self._broken = counter(
            "tocsin_collector_broken_archives",
            "Places where a gzip file is cut short or damaged",
            "reason",
        )
        for broken in Broken:
            self._broken.labels(broken.value)
        for reason in Lost:
            self._lost.labels(reason.value)
        for kind in Rotation:
            self._rotations.labels(kind.value)

    # Files

    def file_found(self, path: str, service: str, *, size: int, offset: int) -> None:
        """Tell of a file that is read from now on."""
        self._log.info(
            "file_found", path=path, service=service, size=size, offset=offset
        )

    def file_resumed(self, path: str, *, size: int, offset: int) -> None:
        """Tell of a file that is read on from its checkpoint."""
        self._log.info("file_resumed", path=path, size=size, offset=offset)

    def file_rotated(self, path: str, kind: Rotation, *, now_at: str = "") -> None:
        """Tell that a file moved, shrank or went away."""
        self._rotations.labels(kind.value).inc()
        fields = {"now_at": now_at} if now_at else {}
        self._log.info("file_rotated", path=path, kind=kind.value, **fields)

    def file_finished(self, path: str, *, offset: int) -> None:
        """Tell that a rotated or deleted file is read to its end."""
        self._log.info("file_finished", path=path, offset=offset)

    def left_out(self, left: Mapping[str, LeftOut]) -> None:
        """Tell what a scan left out: each path and reason once.

        What needs a person is told one by one; the rest is summed up.
        """
        news = {p: why for p, why in left.items() if self._told.get(p) is not why}
        self._told = dict(left)
        sums: dict[LeftOut, list[str]] = {}
        for path, why in news.items():
            if why is LeftOut.UNREADABLE:
                self._unreadable(path)
            elif why not in _QUIET:
                sums.setdefault(why, []).append(path)
        for why, paths in sums.items():
            self._log.info(
                "left_out",
                reason=why.value,
                files=len(paths),
                first=paths[0],
                **({"hint": _HINTS[why]} if why in _HINTS else {}),
            )

    def _unreadable(self, path: str) -> None:
        self._read_errors.labels("permission").inc()
        self._log.error(
            "file_unreadable",
            path=path,
            hint=f"let user {os.geteuid()} read it: chmod, or the group that owns it; "
            "it is tried again by itself",
        )

    def read_failed(self, path: str, error: OSError) -> None:
        """Count a failed attempt to read; tell it once until it succeeds."""
        denied = isinstance(error, PermissionError)
        self._read_errors.labels("permission" if denied else "io").inc()
        if path in self._troubled:
            return
        self._troubled.add(path)
        if denied:
            self._unreadable(path)
        else:
            problem = error.strerror or str(error)
            self._log.error("read_failed", path=path, problem=problem)

    def read_again(self, path: str) -> None:
        """Tell that a file that could not be read can be read again."""
        if path in self._troubled:
            self._troubled.discard(path)
            self._log.info("file_readable_again", path=path)

    def roots(self, missing: list[str], empty: list[str]) -> None:
        """Tell, once each, which PATHs have nothing to read."""
        now = dict.fromkeys(missing, "missing") | dict.fromkeys(empty, "empty")
        for root, what in now.items():
            if self._told_roots.get(root) == what:
                continue
            if what == "missing":
                self._log.warning(
                    "path_missing",
                    path=root,
                    hint="check the spelling, or start what writes there; "
                    "it is read as soon as it appears",
                )
            else:
                self._log.warning(
                    "nothing_to_read",
                    path=root,
                    hint="no file there looks like a text log; name the files or a "
                    "quoted glob such as 'DIR/**/*.txt'; new files are read as soon "
                    "as they appear",
                )
        self._told_roots = now

    def watching_failed(self, path: str, problem: str) -> None:
        """Tell that changes are found by looking, as the kernel does not tell them."""
        self._log.warning(
            "watch_failed",
            path=path,
            problem=problem,
            hint="files are looked at in intervals instead; to be woken up, raise "
            "fs.inotify.max_user_watches",
        )

    def pinning_failed(self, path: str, problem: str) -> None:
        """Tell that files of a device cannot be pinned."""
        self._log.warning(
            "pin_failed",
            path=path,
            problem=problem,
            hint="files of that device are read, but not kept from deletion; have the "
            "state directory on the same file system, writable hard links allowed "
            "(fs.protected_hardlinks)",
        )

    def files(self, counts: Mapping[FileState, int], *, open_files: int) -> None:
        """Set how many files there are in each state."""
        for state in FileState:
            self._files.labels(state.value).set(counts.get(state, 0))
        self._open.set(open_files)

    def unread(self, by_service: Mapping[str, int]) -> None:
        """Set how many bytes wait in each service's files."""
        sums: dict[str, int] = dict.fromkeys(self._unread_services, 0)
        for service, count in by_service.items():
            label = self._service(service)
            sums[label] = sums.get(label, 0) + count
        for label, count in sums.items():
            self._unread.labels(label).set(count)
        self._unread_services = set(sums)

    # Lines

    def committed(self, service: str, *, lines: int, size: int, read_at: float) -> None:
        """Count what one transaction committed for one service."""
        label = self._service(service)
        self._lines.labels(label).inc(lines)
        self._bytes.labels(label).inc(size)
        self._last_line.labels(label).set(read_at)

    def line_cut(self, path: str, offset: int, *, dropped: int, limit: int) -> None:
        """Tell of a line over the limit, whose rest is in no record."""
        self._cut.inc()
        self._cut_bytes.inc(dropped)
        self._log.warning(
            "line_cut",
            path=path,
            offset=offset,
            dropped_bytes=dropped,
            hint=f"lines over collector.max_line ({limit} bytes) are cut",
        )

    def characters_replaced(self, path: str, count: int, encoding: str) -> None:
        """Count bytes that are no text in their encoding; tell it once of a file."""
        self._replaced.inc(count)
        if path in self._undecodable:
            return
        if len(self._undecodable) >= _MOST_TOLD:
            self._undecodable.clear()
        self._undecodable.add(path)
        self._log.warning(
            "characters_replaced",
            path=path,
            encoding=encoding,
            characters=count,
            hint="U+FFFD stands for them: is that its encoding? see "
            "collector.encoding; the keys of such records end in !inexact",
        )

    def hole_skipped(self, path: str, count: int) -> None:
        """Tell of NUL bytes at the front of a file, which a truncation left."""
        self._skipped.inc(count)
        self._log.info("hole_skipped", path=path, bytes=count)

    def archive_broken(self, path: str, trouble: Trouble) -> None:
        """Tell of a damaged gzip file; what it unpacks to without that is shipped."""
        self._broken.labels(trouble.broken.value).inc()
        if trouble.skipped:
            self._lost.labels(Lost.CORRUPT.value).inc(trouble.skipped)
        self._log.error(
            "archive_broken",
            path=path,
            reason=trouble.broken.value,
            position=trouble.position,
            skipped_bytes=trouble.skipped,
            hint="all that could be unpacked is shipped; `gzip -t` tells more",
        )

    def dead_letter(self, key: str, size: int, limit: int) -> None:
        """Tell of a line that the bus does not take."""
        self._dead.labels("too_large").inc()
        self._lost.labels(Lost.TOO_LARGE.value).inc(size)
        self._log.error(
            "line_refused",
            key=key,
            bytes=size,
            hint=f"the bus takes {limit} bytes: lower collector.max_line, or raise the "
            "topic's limit; the line is noted in dead-letters",
        )

    def lost(self, path: str, reason: Lost, count: int) -> None:
        """Count bytes that were there and cannot be read any more."""
        self._lost.labels(reason.value).inc(count)
        self._log.error("bytes_lost", path=path, reason=reason.value, bytes=count)

    # Checkpoints and bus

    def checkpoint_unreadable(self, key: str, problem: str) -> None:
        """Tell of a damaged row; its file is read again from its beginning."""
        self._bad_rows.inc()
        self._log.error(
            "checkpoint_unreadable",
            key=key,
            problem=problem,
            hint="that file is read from its beginning: its lines may come twice",
        )

    def bus_unavailable(self, error: Exception) -> None:
        """Tell that the bus is away: at once, then in intervals."""
        now = self._clock()
        if self._down_since is None:
            self._down_since = now
        elif now - self._down_told_at < _REPEAT_S:
            return
        self._down_told_at = now
        self._log.warning(
            "bus_unavailable",
            problem=error,
            for_s=now - self._down_since,
            hint="reading waits, nothing is lost; it goes on by itself",
        )

    def bus_available(self) -> None:
        """Tell that the bus is back, and that transactions happen."""
        self._aborted = 0
        if self._down_since is not None:
            self._log.info("bus_available", after_s=self._clock() - self._down_since)
            self._down_since = None

    def transaction_aborted(self, error: Exception) -> None:
        """Tell that a transaction did not happen and is redone; then in intervals.

        `attempts`: how many did not since one did.
        """
        now = self._clock()
        self._aborted += 1
        if self._aborted > 1 and now - self._aborted_told_at < _REPEAT_S:
            return
        self._aborted_told_at = now
        hint = error.hint if isinstance(error, TocsinError) else ""
        self._log.warning(
            "transaction_aborted",
            problem=error,
            attempts=self._aborted,
            **({"hint": hint} if hint else {}),
        )


_HINTS = {
    LeftOut.COMPRESSED: "to read gzip files, name them or a quoted glob; unpack others",
    LeftOut.ROTATED: "older than this collector; name a file, or a quoted glob, to "
    "read it",
    LeftOut.BINARY: "name a file, or a quoted glob, to read it as it is",
}
