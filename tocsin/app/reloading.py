"""A configuration that is read again: on SIGHUP, and when its file changes.

Each component works by its part of it. One that changed is taken over by a worker that
begins anew, from what is committed, as after a restart.

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

_LIVE = ("collector", "processor", "alerting")
Stamp = tuple[int, int, int]


class Reloads:
    """Holds the configuration; `due` is set while a newer one waits to be taken.

    `part`: what of it is of interest here. `check`: raises a ConfigError where it reads
    well and cannot be worked by.
    """

    def __init__(  # noqa: PLR0913 - made in one place, from ready-made parts
        self,
        config: Config,
        load: Callable[[], Config],
        file: Path | None,
        *,
        log: Log,
        registry: CollectorRegistry,
        part: Callable[[Config], object] = lambda config: config,
        check: Callable[[Config], object] = lambda _: None,
    ) -> None:
        self.due = threading.Event()
        self._part = part
        self._check = check
        self._leave: threading.Event | None = None
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

    def leave_by(self, event: threading.Event) -> None:
        """Set an event, too, when a newer one waits; the one before it no more."""
        self._leave = event
        if self.due.is_set():
            event.set()

    def look(self) -> None:
        """Read it again if somebody asked for that, or the file is another one."""
        asked = self._asked.is_set()
        if asked:  # a signal that comes after this was looked at is kept for later
            self._asked.clear()
        stamp = self._stamp()
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
            self._check(new)
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
        if self._part(new) != self._part(old):
            paths, rules = len(new.collector.paths), len(new.alerting.rules)
            self._log.info("config_reloaded", paths=paths, rules=rules)
            self.due.set()
            if self._leave is not None:
                self._leave.set()
        elif new == old:
            self._log.info("config_unchanged")
        if new != old.model_copy(update={x: getattr(new, x) for x in _LIVE}):
            self._log.warning(
                "restart_needed",
                hint=f"only the sections {', '.join(_LIVE)} are taken over live",
            )

    def _stamp(self) -> Stamp | None:
        try:
            at = self._file.stat() if self._file else None
        except OSError:
            return None  # an editor is replacing it: the next look sees the new one
        return (at.st_ino, at.st_size, at.st_mtime_ns) if at else None
