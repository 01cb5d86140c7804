"""What `tocsin check` looks at beside the configuration: paths, state, the bus."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tocsin.app.connecting import open_for_reading
from tocsin.config.model import Config
from tocsin.errors import ConfigError, TocsinError

# A process may have fewer rights than its user: ask what this one may do.
_EFFECTIVE = os.access in os.supports_effective_ids


class Finding(NamedTuple):
    """Something that will not work, and what to do about it."""

    what: str
    problem: str
    cure: str

    def __str__(self) -> str:
        return f"{self.what}: {self.problem}; {self.cure}"


def findings(config: Config) -> Iterator[Finding]:
    """Everything around the configuration that will not work. Opens the bus."""
    for path in config.collector.paths:
        yield from _path(path)
    yield from _patterns(config)
    yield from _formats(config)
    unwritable = list(_state_dir(config.state_dir))
    yield from unwritable
    if not unwritable or not config.bus.url.startswith("embedded:"):
        yield from _bus(config)


def _patterns(config: Config) -> Iterator[Finding]:
    if not config.processor.redact:
        return
    from processor.redaction import Redaction  # noqa: PLC0415 - loads pyarrow

    for name, pattern in config.processor.redact.items():
        try:
            Redaction({name: pattern})
        except ConfigError as error:
            yield Finding("processor.redact", str(error), error.hint)


def _formats(config: Config) -> Iterator[Finding]:
    if not config.processor.formats:
        return
    from processor.ownformats import OwnFormat  # noqa: PLC0415 - loads pyarrow

    for each in config.processor.formats:
        try:
            OwnFormat(each.name, each.pattern).check()
        except ConfigError as error:
            yield Finding("processor.formats", str(error), error.hint)


def _path(path: str) -> Iterator[Finding]:
    if glob.has_magic(path) and not Path(path).exists():
        if next(glob.iglob(path, recursive=True), None) is None:  # noqa: PTH207 - as the shell reads it
            yield Finding(path, "matches no file", "check the pattern")
        return
    if not Path(path).exists():
        yield Finding(path, "does not exist", "check the path")
        return
    needed = os.R_OK | (os.X_OK if Path(path).is_dir() else 0)
    if not os.access(path, needed, effective_ids=_EFFECTIVE):
        yield Finding(
            path,
            "cannot be read",
            "give this user the right to read it, such as through the group adm",
        )


def _state_dir(folder: Path) -> Iterator[Finding]:
    nearest = folder
    while not nearest.exists() and nearest != nearest.parent:
        nearest = nearest.parent
    if not nearest.is_dir():
        yield Finding(
            str(folder), f"{nearest} is not a directory", "choose another --state-dir"
        )
    elif not os.access(nearest, os.W_OK | os.X_OK, effective_ids=_EFFECTIVE):
        yield Finding(
            str(folder),
            "the state directory cannot be written",
            "change its owner, or choose another --state-dir",
        )


def _bus(config: Config) -> Iterator[Finding]:
    try:
        with open_for_reading(config, "check") as bus:
            bus.topics()
    except TocsinError as error:
        yield Finding(config.bus.url, str(error), error.hint or "check --bus")
