"""Whose clocks are wrong: by service and host, how far its lines' times are off."""

from __future__ import annotations

import numpy as np

from processor.columns import Floats, Ints
from processor.named import Origins
from tocsin.records.frames import Skew

MAX_SKEWS = 20
"""So many are told of in a frame: those with the most lines."""


def skews_of(off_s: Floats, origin_of: Ints, origins: Origins) -> tuple[Skew, ...]:
    """Skewed lines by service and host; a row a line: seconds off, and its origin.

    Clocks are off by one number, so the median tells it, whatever single lines say.
    """
    if len(off_s) == 0:
        return ()
    places: dict[tuple[str, str], list[Floats]] = {}
    for number in np.unique(origin_of).tolist():
        name = origins.names[number]
        here = off_s[origin_of == number]
        places.setdefault((name.service, name.host), []).append(here)
    found = [
        Skew(service, host, sum(map(len, parts)), float(np.median(np.hstack(parts))))
        for (service, host), parts in places.items()
    ]
    found.sort(key=lambda x: (-x.lines, x.service, x.host))
    return tuple(found[:MAX_SKEWS])
