"""Log lines of Tocsin itself: one event with key=value fields, on stderr.

INFO: what an operator asked for happened. WARNING: something is wrong, nothing was
lost. ERROR: something was lost, or a person must act.
"""

from __future__ import annotations

import logging
import sys
from typing import Any

_QUOTED = frozenset(' "=\n\r\t')


class Log:
    """A component's logger; fields are values, never part of the event's name."""

    def __init__(self, component: str) -> None:
        self._logger = logging.getLogger(f"tocsin.{component}")

    def debug(self, event: str, **fields: object) -> None:
        """Tell what helps a developer."""
        self._write(logging.DEBUG, event, fields)

    def info(self, event: str, **fields: object) -> None:
        """Tell that something expected happened."""
        self._write(logging.INFO, event, fields)

    def warning(self, event: str, **fields: object) -> None:
        """Tell that something is wrong; nothing was lost."""
        self._write(logging.WARNING, event, fields)

    def error(self, event: str, **fields: object) -> None:
        """Tell that something was lost, or that a person must act."""
        self._write(logging.ERROR, event, fields)

    def crash(self, event: str, error: BaseException) -> None:
        """Tell of an error of ours, with its trace; for the top of a worker."""
        self._logger.error(event, exc_info=error)

    def _write(self, level: int, event: str, fields: dict[str, object]) -> None:
        if self._logger.isEnabledFor(level):
            self._logger.log(level, "%s", render(event, fields))


def render(event: str, fields: dict[str, object]) -> str:
    """`event key=value …`; values are quoted where they need it."""
    return " ".join([event, *(f"{k}={_value(v)}" for k, v in fields.items())])


def _value(value: object) -> str:
    text = f"{value:.3f}" if isinstance(value, float) else str(value)
    if text and not _QUOTED.intersection(text) and text.isprintable():
        return text
    return '"' + "".join(map(_shown, text)) + '"'


def _shown(character: str) -> str:
    if character == '"':
        return '\\"'
    if character.isprintable() and character != "\\":
        return character
    return character.encode("unicode_escape", "backslashreplace").decode("ascii")


def configure(component: str, *, level: int = logging.INFO, stream: Any = None) -> None:
    """Send the log of this process to stderr, each line with time and component."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(
        logging.Formatter(
            f"%(asctime)s.%(msecs)03d %(levelname)-7s {component:<9} %(message)s",
            "%H:%M:%S",
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("tocsin").setLevel(level)
