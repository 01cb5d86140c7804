"""The services that lines name, where a format of the configuration reads them.

Such a line counts for the service that it names, not for its file's. How many a file's
service may have so is bounded: the first ones of a day, in the order of the lines; what
names others counts for the file's own. Log text is hostile: what is no plain short name
names nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from processor import columns
from processor.columns import Column, Ints
from processor.fields import Admission
from processor.lines import Lines
from tocsin.records.keys import RawKey

MAX_NAME_CHARS = 64
NO_NAME = -1


@dataclass(frozen=True, slots=True)
class Named:
    """Each row's number in `names`, or NO_NAME."""

    names: list[str]
    name_of: Ints

    def of(self, row: int) -> str | None:
        """The service that a row names."""
        number = int(self.name_of[row])
        return None if number == NO_NAME else self.names[number]


def named(
    values: Sequence[bytes], value_of: Ints, clean: Callable[[Column], Column]
) -> Named:
    """What distinct values name; `clean` takes secrets out of them."""
    if not values:
        return Named([], value_of)
    names: dict[str, int] = {}
    numbers = [
        names.setdefault(name, len(names)) if (name := _plain(value)) else NO_NAME
        for value in columns.to_list(clean(columns.column(values)))
    ]
    # The last place is that of rows without a value, whose number is -1.
    return Named(list(names), np.array([*numbers, NO_NAME], np.int64)[value_of])


def _plain(value: bytes) -> str:
    """A name as it may travel, or nothing."""
    text = value.decode("utf-8", "replace").strip()
    return text if len(text) <= MAX_NAME_CHARS and text.isprintable() else ""


@dataclass(frozen=True, slots=True)
class Origins:
    """Where lines count: each row's number in `names`.

    `beyond`: lines that name a service beyond the bound.
    """

    names: list[RawKey]
    origin_of: Ints
    beyond: int = 0


def origins_of(lines: Lines, said: Named, admission: Admission) -> Origins:
    """Where each line counts: for its file's service, or the one that it names."""
    if not said.names:
        return Origins(lines.names, lines.stream_of)
    width = len(said.names) + 1
    pairs, first, which, sizes = np.unique(
        lines.stream_of * width + said.name_of + 1,
        return_index=True,
        return_inverse=True,
        return_counts=True,
    )
    names = [lines.names[pair // width] for pair in pairs.tolist()]
    beyond = 0
    # In the order of the lines: which ones are the first does not depend on batches.
    for k in np.argsort(first).tolist():
        number = int(pairs[k]) % width - 1
        if number == NO_NAME:
            continue
        own, name = names[k].service, said.names[number]
        if name == own or admission.is_admitted(own, "", name):
            names[k] = names[k]._replace(service=name)
        else:
            beyond += int(sizes[k])
    return Origins(names, which, beyond)
