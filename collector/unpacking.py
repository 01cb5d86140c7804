"""How many archives are being unpacked at once: each holds its place in memory."""

from __future__ import annotations

from collector.source import Source

# An archive holds a line of the longest kind and two chunks, 1.5 MB by default.
MOST_UNPACKED = 4


class Unpacking:
    """The archives that hold memory, the one used longest ago first.

    An archive that has to give way although more of it is to be read would be unpacked
    from its start again; so it never has to, and others wait. One that waits for its
    writer has to.
    """

    def __init__(self) -> None:
        self._active: dict[Source, None] = {}

    def admit(self, source: Source) -> bool:
        """Whether a file may be read now; always, if it is no archive."""
        if source.archive is None:
            return True
        for each in list(self._active):
            if each.archive is None or not each.archive.is_active:
                del self._active[each]
        if source not in self._active and len(self._active) >= MOST_UNPACKED:
            idle = next((each for each in self._active if not each.queued), None)
            if idle is None:
                return False
            del self._active[idle]
            if idle.archive is not None:
                idle.archive.rest()
        self._active.pop(source, None)
        self._active[source] = None
        return True
