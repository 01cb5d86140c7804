"""Events that may be over: until when their files are waited for.

Pure: time comes in as seconds of a clock that never jumps. A file has one such event at
most, its last. Each new line gives it more time, but never longer than `longest_s` in
all.
"""

from __future__ import annotations

from dataclasses import dataclass

from collector.source import Source
from tocsin.formats.multiline import Wait

# A program that writes an event line by line is between two of them for less than a
# millisecond; twice that much time would show in the delay of every line.
_SHORT_S = 0.005
_LONG_S = 0.25


@dataclass(frozen=True, slots=True)
class _Open:
    """An event that was met at `since`, and waits for more until `due`."""

    offset: int
    open_to: int
    since: float
    due: float


class OpenEvents:
    """The open events of all files."""

    def __init__(self, *, longest_s: float) -> None:
        self._longest_s = longest_s
        self._by_source: dict[Source, _Open] = {}

    def __len__(self) -> int:
        return len(self._by_source)

    def note(self, source: Source, wait: Wait, open_to: int, *, now: float) -> None:
        """Note what the last read of a file left open, if anything."""
        if wait is Wait.NOT:
            self._by_source.pop(source, None)
            return
        offset = source.place.offset
        known = self._by_source.get(source)
        since = now
        if known is not None and known.offset == offset:
            if known.open_to == open_to:
                return
            since = known.since
        due = min(now + self._wait_s(wait), since + self._longest_s)
        self._by_source[source] = _Open(offset, open_to, since, due)

    def _wait_s(self, wait: Wait) -> float:
        wait_s = {Wait.SHORT: _SHORT_S, Wait.LONG: _LONG_S}.get(wait, self._longest_s)
        return min(wait_s, self._longest_s)

    def due(self, *, now: float) -> list[Source]:
        """The files whose events were waited for long enough."""
        return [source for source, event in self._by_source.items() if event.due <= now]

    def end_of(self, source: Source, *, now: float) -> int | None:
        """To where the event of a file is open that is not to be waited for."""
        event = self._by_source.get(source)
        is_due = event is not None and (event.due <= now or source.finishing)
        return event.open_to if event is not None and is_due else None

    def forget(self, source: Source) -> None:
        """Note that a file is not read any more."""
        self._by_source.pop(source, None)

    def wait_s(self, *, now: float) -> float | None:
        """How long until the next one is due; None if none is open."""
        if not self._by_source:
            return None
        return max(0.0, min(event.due for event in self._by_source.values()) - now)
