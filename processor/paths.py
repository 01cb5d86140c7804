"""Where a file-id's lines come from, by the table `streams`."""

from __future__ import annotations

from tocsin.errors import BadRecord
from tocsin.ports.bus import TableView
from tocsin.records.keys import encode_name
from tocsin.records.streams import decode_stream
from tocsin.values import Clock

REFRESH_EACH_S = 1.0


class Paths:
    """Looks paths up; an unknown file-id asks the bus, at most once a second."""

    def __init__(self, view: TableView, clock: Clock) -> None:
        self._view = view
        self._clock = clock
        self._refreshed_at = clock()

    def of(self, file_id: str) -> str:
        """The path of a file-id, or '' while it is not known."""
        key = encode_name(file_id).encode()
        row = self._view.rows.get(key)
        now = self._clock()
        if row is None and now - self._refreshed_at >= REFRESH_EACH_S:
            self._refreshed_at = now
            self._view.refresh()
            row = self._view.rows.get(key)
        if row is None:
            return ""
        try:
            return decode_stream(row).path
        except BadRecord:
            return ""

    def close(self) -> None:
        """Give up the view."""
        self._view.close()
