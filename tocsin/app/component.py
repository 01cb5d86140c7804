"""One component as a process: bus, telemetry, health and HTTP around its worker."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

from prometheus_client import CollectorRegistry

from tocsin.app.reloading import Reloads
from tocsin.app.stopping import Stopping
from tocsin.bus.opening import open_bus
from tocsin.bus.specs import specs
from tocsin.config.model import Config
from tocsin.errors import BusUnavailable, TocsinError
from tocsin.ports.bus import Bus
from tocsin.telemetry import log as logs
from tocsin.telemetry.health import Health
from tocsin.telemetry.http import Action, serve
from tocsin.telemetry.log import Log
from tocsin.telemetry.metrics import new_registry
from tocsin.values import Clock

_MAINTAIN_EACH_S = 30.0
_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.1, 2.0
_REMIND_EACH_S = 30.0


@dataclass(frozen=True, slots=True)
class Setting:
    """What a worker runs in, beside the bus.

    `identity` differs between components, so that those of one machine do not fence
    each other: `collector-web-1`.
    """

    config: Config
    identity: str
    health: Health
    stop: threading.Event
    clock: Clock
    reloads: Reloads | None = None
    new_stop: Callable[[], threading.Event] = threading.Event

    def runs(self) -> Iterator[tuple[Config, threading.Event]]:
        """The configuration of each run of a worker, and what it is to stop by.

        A run ends with the process, or when a newer configuration waits.
        """
        config, reloads = self.config, self.reloads
        if reloads is None:
            yield config, self.stop
            return
        while not self.stop.is_set():
            stop = self.new_stop()
            reloads.leave_by(stop)
            yield config, stop
            if not reloads.due.is_set():
                return
            config = reloads.take()


Work = Callable[[Bus, Setting], None]


class Component(NamedTuple):
    """A component: its name, and how its work is prepared with its metrics.

    `maintains`: one component of an installation applies the bus's retention.
    `actions`: what its HTTP server does at a POST. `part`: what of the configuration it
    works by; `check` raises a ConfigError where it could not.
    """

    name: str
    prepare: Callable[[CollectorRegistry], Work]
    maintains: bool = False
    actions: Callable[[Config], Mapping[str, Action]] | None = None
    part: Callable[[Config], object] = lambda config: config
    check: Callable[[Config], object] = lambda _: None


def run_component(
    component: Component,
    config: Config,
    *,
    supervised: bool = False,
    reload: Callable[[], Config] | None = None,
    config_file: Path | None = None,
) -> int:
    """Run a component until a signal; blocks. The status to exit with.

    With `reload` the configuration is read again on SIGHUP and with its file.

    The worker runs in a thread of its own, so that signals are heard while it waits
    inside a client library.

    Raises:
        TocsinError: what ended the worker; `exit_status` is the process's.
    """
    logs.configure(component.name)
    log = Log(component.name)
    stopping = Stopping(log, supervised=supervised)
    stopping.install()
    registry, health = new_registry(), Health()
    identity = f"{component.name}-{config.id}"
    reloads = None
    if reload is not None:
        reloads = Reloads(
            config,
            reload,
            config_file,
            log=log,
            registry=registry,
            part=component.part,
            check=component.check,
        )
        reloads.install()
    setting = Setting(config, identity, health, stopping.event, time.time, reloads)
    work = component.prepare(registry)
    with ExitStack() as closing:
        if config.http:
            server = serve(
                config.http,
                registry,
                health,
                component.actions(config) if component.actions else None,
            )
            closing.callback(server.close)
            log.info("http_listening", url=server.url)
        failure = _in_thread(
            lambda: _work_on_bus(component, work, setting, log, stopping)
        )
    if isinstance(failure, TocsinError):
        raise failure
    if failure is not None:
        log.crash("worker_failed", failure)
        return 1
    log.info("stopped")
    return 0


def _in_thread(work: Callable[[], None]) -> BaseException | None:
    """Run `work` in a thread, wait for it, and hand over what it raised."""
    failures: list[BaseException] = []

    def guarded() -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - the top of a worker
            failures.append(error)

    thread = threading.Thread(target=guarded, name="worker", daemon=True)
    thread.start()
    thread.join()
    return failures[0] if failures else None


def _work_on_bus(
    component: Component, work: Work, setting: Setting, log: Log, stopping: Stopping
) -> None:
    """Open the bus and work on it; where it cannot be reached, try again."""
    waiting = _Waiting(setting, log)
    while not setting.stop.is_set():
        try:
            with open_bus(
                setting.config.bus,
                state_dir=setting.config.state_dir,
                client_id=setting.identity,
            ) as bus:
                if not _topics_are_there(bus, setting, waiting):
                    continue
                waiting.over()
                log.info("bus_open", bus=bus.describe())
                with _maintained(bus, log) if component.maintains else ExitStack():
                    stop = partial(_stop_of_one_run, stopping)
                    work(bus, replace(setting, stop=stop(), new_stop=stop))
                return
        except BusUnavailable as error:
            waiting.once(str(error), error.hint)


def _stop_of_one_run(stopping: Stopping) -> threading.Event:
    """An event of the worker's own, because it may set it itself when it fails."""
    stop = threading.Event()
    stopping.on_stop(stop.set)
    return stop


def _topics_are_there(bus: Bus, setting: Setting, waiting: _Waiting) -> bool:
    """Create what is missing, or wait for it; tell of topics that are different."""
    config = setting.config.bus
    wanted = specs(config)
    while not setting.stop.is_set():
        told = bus.ensure_topics(wanted, create=config.create_topics)
        missing = [line for line in told if line.startswith("missing topic")]
        if not missing:
            waiting.tell_differences(told)
            return True
        waiting.once(
            "; ".join(missing),
            "create them, or let Tocsin do it: leave out --no-create-topics",
        )
    return False


class _Waiting:
    """Waits with growing pauses, tells why once and then at intervals."""

    def __init__(self, setting: Setting, log: Log) -> None:
        self._setting = setting
        self._log = log
        self._wait_s = _FIRST_WAIT_S
        self._told_at: float | None = None

    def once(self, problem: str, cure: str) -> None:
        """Wait once; ends early when the process is to stop."""
        now = time.monotonic()
        if self._told_at is None or now - self._told_at >= _REMIND_EACH_S:
            self._told_at = now
            self._log.warning("waiting_for_bus", problem=problem, cure=cure)
        self._setting.health.beat()
        self._setting.health.not_ready(problem)
        self._setting.stop.wait(self._wait_s)
        self._wait_s = min(self._wait_s * 2, _LONGEST_WAIT_S)

    def over(self) -> None:
        """Begin anew with short pauses."""
        self._wait_s, self._told_at = _FIRST_WAIT_S, None

    def tell_differences(self, lines: list[str]) -> None:
        """Tell of topics that exist and are not as configured."""
        for line in lines:
            self._log.warning("topic_differs", problem=line)


def _maintained(bus: Bus, log: Log) -> ExitStack:
    """A thread that applies retention each 30 s while the block runs."""
    done = threading.Event()

    def maintain() -> None:
        while not done.wait(_MAINTAIN_EACH_S):
            try:
                bus.maintain()
            except TocsinError as error:
                log.warning("retention_not_applied", problem=str(error))

    thread = threading.Thread(target=maintain, name="maintain", daemon=True)
    thread.start()
    stack = ExitStack()
    stack.callback(thread.join, 5.0)
    stack.callback(done.set)
    return stack
