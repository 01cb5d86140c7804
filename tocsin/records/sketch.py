"""How many distinct values there are, from the smallest of their hashes.

Hashes are spread evenly over [0, 2**32), so of all values below a limit one knows the
share: those that are kept stand for all. Sketches of parts are merged by putting them
together under the lower limit. The lowest bit tells whether a value had an ERROR or
FATAL line.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2s

SPAN = 2**32
MOST = 64  # of a field in a pane; a pane is a second


@lru_cache(20_000)
def hash_of(value: str) -> int:
    """A hash that is the same everywhere; even."""
    data = value.encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2s(data, digest_size=4).digest()) & ~1


def smallest(hashes: set[int]) -> tuple[int, ...]:
    """The hashes that are kept; of as many as `MOST`, none above the last is known."""
    return tuple(sorted(hashes)[:MOST])


def limit_of(hashes: tuple[int, ...]) -> int:
    """Below it, every value is in the hashes."""
    return SPAN if len(hashes) < MOST else hashes[-1] | 1
