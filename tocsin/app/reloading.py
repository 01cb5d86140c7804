"""A configuration that is read again: on SIGHUP, and when its file changes.

A terminal that hangs up sends SIGHUP, too: who watches a program in a terminal wants
it to end with that, so there the signal keeps its meaning.
"""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from prometheus_client import CollectorRegistry, Gauge

from tocsin.config.mistake import ConfigMistakes
from tocsin.config.model import Config
from tocsin.errors import TocsinError
from tocsin.telemetry.log import Log

_LOOK_EACH_S = 1.0

Stamp = tuple[int, int, int]


class Reloads:
    """Holds the configuration; `due` is set while a newer one waits to be taken."""

    def __init__(
        self,
        config: Config,
        load: Callable[[], Config],
        file: Path | None,
        *,
        log: Log,
        registry: CollectorRegistry,
    ) -> None:
        self.due = threading.Event()
        self._config = config
        self._load = load
        self._file = file
        self._log = log
        self._asked = threading.Event()
        self._seen = self._stamp()
        self._successful = Gauge(
            "tocsin_config_last_reload_successful",
            "Whether the configuration could be read when it was read last",
            registry=registry,
        )
        self._successful.set(1)

    def install(self) -> None:
        """Listen, in a thread that ends with the process. Call it in the main one."""
        if not sys.stderr.isatty():
            signal.signal(signal.SIGHUP, lambda *_: self._asked.set())
        threading.Thread(target=self._watch, name="reload", daemon=True).start()

    def take(self) -> Config:
        """The configuration to work by from now on."""
        self.due.clear()
        return self._config

    def look(self) -> None:
        """Read it again if somebody asked for that, or the file is another one."""
        asked, stamp = self._asked.is_set(), self._stamp()
        self._asked.clear()
        if asked or stamp != self._seen:
            self._seen = stamp
            self._read()

    def _watch(self) -> None:
        while True:
            self._asked.wait(_LOOK_EACH_S)
            self.look()

    def _read(self) -> None:
        try:
            new = self._load()
        except TocsinError as error:
            self._successful.set(0)
            mistakes = error.mistakes if isinstance(error, ConfigMistakes) else [error]
            for mistake in mistakes:
                self._log.error(
                    "config_not_reloaded",
                    problem=mistake,
                    consequence="the old one goes on",
                )
            return
        self._successful.set(1)
        old, self._config = self._config, new
        if new.collector != old.collector:
            self._log.info("config_reloaded", paths=len(new.collector.paths))
            self.due.set()
        elif new == old:
            self._log.info("config_unchanged")
        if new != old.model_copy(update={"collector": new.collector}):
            self._log.warning(
                "restart_needed", hint="only the section collector is taken over live"
            )

    def _stamp(self) -> Stamp | None:
        try:
            at = self._file.stat() if self._file else None
        except OSError:
            return None  # an editor is replacing it: the next look sees the new one
        return (at.st_ino, at.st_size, at.st_mtime_ns) if at else None
