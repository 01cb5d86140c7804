"""What is known of a file-id's file, by the table `streams`."""

from __future__ import annotations

from tocsin.errors import BadRecord
from tocsin.ports.bus import TableView
from tocsin.records.streams import Stream, decode_stream
from tocsin.values import Clock

REFRESH_EACH_S = 1.0
_MOST_ABSENT = 10_000


class Paths:
    """Looks file-ids up; an unknown one asks the bus.

    One that was never asked for does so at once, once a flush: its row came with its
    first lines. Otherwise at most once a second, lest lost rows cost more than that.
    """

    def __init__(self, view: TableView, clock: Clock) -> None:
        self._view = view
        self._clock = clock
        self._refreshed_at = clock()
        self._asked = False
        self._known: dict[str, Stream | None] = {}
        self._absent: set[str] = set()

    def of(self, file_id: str) -> str:
        """The path of a file-id, or '' while it is not known."""
        stream = self.known(file_id)
        return stream.path if stream is not None else ""

    def begin(self) -> None:
        """A new flush begins: what was looked up for the last one is forgotten."""
        self._known.clear()
        self._asked = False

    def known(self, file_id: str) -> Stream | None:
        """What is known of a file-id, or None while nothing is."""
        if file_id in self._known:
            return self._known[file_id]
        found = self._look_up(file_id)
        if found is None and self._may_ask(file_id):
            self._view.refresh()
            found = self._look_up(file_id)
        if found is None:
            if len(self._absent) >= _MOST_ABSENT:
                self._absent.clear()
            self._absent.add(file_id)
        self._known[file_id] = found
        return found

    def _may_ask(self, file_id: str) -> bool:
        now = self._clock()
        is_new = not self._asked and file_id not in self._absent
        if not is_new and now - self._refreshed_at < REFRESH_EACH_S:
            return False
        self._refreshed_at = now
        self._asked = True
        return True

    def _look_up(self, file_id: str) -> Stream | None:
        row = self._view.rows.get(file_id.encode("utf-8", "surrogateescape"))
        if row is None:
            return None
        try:
            return decode_stream(row)
        except BadRecord:
            return None

    def close(self) -> None:
        """Give up the view."""
        self._view.close()
