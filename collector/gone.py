"""File-ids that are read no more, until their rows of `streams` may go, too.

Records outlive their file: whoever reads them later looks up there where they are
from. So a row stays for a week; but no more than `MOST_GONE` do, whatever comes and
goes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tocsin.errors import BadRecord
from tocsin.records.streams import decode_stream

KEEP_GONE_S = 7 * 86_400.0
MOST_GONE = 10_000


class Gone:
    """File-ids by the time at which they ended, oldest first."""

    def __init__(self) -> None:
        self._ended_at: dict[str, float] = {}

    def __len__(self) -> int:
        return len(self._ended_at)

    def load(
        self, streams: Mapping[bytes, bytes], identity: str, known: Iterable[str]
    ) -> None:
        """Take in the rows of `streams` of a collector whose files it does not know."""
        read = set(known)
        ended = []
        for key, value in streams.items():
            file_id = key.decode("utf-8", "replace")
            try:
                stream = decode_stream(value)
            except BadRecord:
                continue  # not written by this program: not to be deleted by it
            if stream.collector == identity and file_id not in read:
                ended.append((stream.last_seen_at, file_id))
        self._ended_at |= {file_id: at for at, file_id in sorted(ended)}

    def add(self, file_id: str, *, now: float) -> None:
        """Note that a file-id ended."""
        self._ended_at[file_id] = now

    def due(self, *, now: float) -> list[str]:
        """The file-ids whose rows may be deleted."""
        too_many = len(self._ended_at) - MOST_GONE
        due: list[str] = []
        for file_id, at in self._ended_at.items():
            if len(due) >= too_many and now - at < KEEP_GONE_S:
                break
            due.append(file_id)
        return due

    def forget(self, file_ids: Iterable[str]) -> None:
        """Note that rows were deleted."""
        for file_id in file_ids:
            self._ended_at.pop(file_id, None)
