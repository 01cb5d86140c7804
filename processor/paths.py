"""Where a file-id's lines come from, by the table `streams`."""

from __future__ import annotations

from tocsin.errors import BadRecord
from tocsin.ports.bus import TableView
from tocsin.records.streams import decode_stream
from tocsin.values import Clock

REFRESH_EACH_S = 1.0


class Paths:
    """Looks paths up; an unknown file-id asks the bus, at most once a second."""

    def __init__(self, view: TableView, clock: Clock) -> None:
        self._view = view
        self._clock = clock
        self._refreshed_at = clock()
        self._known: dict[str, str] = {}

    def of(self, file_id: str) -> str:
        """The path of a file-id, or '' while it is not known."""
        known = self._known.get(file_id)
        if known is None:
            known = self._look_up(file_id)
            if not known and self._may_ask():
                self._view.refresh()
                known = self._look_up(file_id)
            self._known[file_id] = known
        return known

    def begin(self) -> None:
        """A new flush begins: what was looked up for the last one is forgotten."""
        self._known.clear()

    def _may_ask(self) -> bool:
        now = self._clock()
        if now - self._refreshed_at < REFRESH_EACH_S:
            return False
        self._refreshed_at = now
        return True

    def _look_up(self, file_id: str) -> str:
        row = self._view.rows.get(file_id.encode("utf-8", "surrogateescape"))
        if row is None:
            return ""
        try:
            return decode_stream(row).path
        except BadRecord:
            return ""

    def close(self) -> None:
        """Give up the view."""
        self._view.close()
