"""Runs the demo: writes logs, lets `tocsin run` watch them, ends after the resolve."""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from tocsin.app.connecting import open_for_reading
from tocsin.app.demo.story import Burst, Line, tell
from tocsin.app.demo.writing import LogFiles, write
from tocsin.app.running import commands
from tocsin.app.stopping import Stopping
from tocsin.app.supervisor import Supervisor
from tocsin.config.model import BusConfig, CollectorConfig, Config
from tocsin.errors import ConfigError, TocsinError
from tocsin.records.public import AlertRecord
from tocsin.records.topics import ALERTS
from tocsin.telemetry import log as logs
from tocsin.telemetry.log import Log

_AFTER_RESOLVE_S = 3.0
_LOOK_EACH_S = 0.5


def run_demo(
    *, keep: Path | None, duration_s: float | None, seed: int, http: str | None
) -> int:
    """Write logs into a folder and watch them; blocks. The status to exit with.

    `keep`: a folder that stays; without it a temporary one is used and removed.
    """
    logs.configure("demo")
    log = Log("demo")
    stopping = Stopping(log)
    stopping.install()
    with _folder(keep) as folder:
        burst = Burst()
        log.info("writing_logs", folder=folder / "logs", stop_with="Ctrl-C")
        log.info("soon", service=burst.service, breaks_in_s=burst.at_s)
        config = _config(folder, http)
        threads = [
            _thread(
                _write_or_stop,
                folder / "logs",
                tell(seed=seed, burst=burst),
                stopping,
                log,
            ),
            _thread(_end_after_resolve, config, burst, stopping, log),
        ]
        if duration_s is not None:
            _after(duration_s, stopping)
        status = _supervise(config, stopping)
        stopping.event.set()
        for thread in threads:
            thread.join()
    log.info("over", next="tocsin run /var/log/myservice watches your own logs")
    return status


def write_only(folder: Path, *, seed: int, every_s: float) -> int:
    """Write logs into `folder` until a signal, with a burst each `every_s` seconds."""
    logs.configure("demo")
    log = Log("demo")
    stopping = Stopping(log)
    stopping.install()
    log.info("writing_logs", folder=folder, burst_each_s=every_s)
    problem = _write(folder, tell(seed=seed, burst=Burst(every_s=every_s)), stopping)
    if problem is not None:
        raise problem
    return 0


@contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    if keep is not None:
        _require_empty(keep)
        yield keep
        return
    folder = Path(tempfile.mkdtemp(prefix="tocsin-demo-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _require_empty(folder: Path) -> None:
    """An older demo's state would be read as this one's."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        is_empty = not any(folder.iterdir())
    except OSError as error:
        raise ConfigError(f"--keep: cannot use {folder}: {error.strerror}") from error
    if not is_empty:
        raise ConfigError(
            f"--keep: {folder} is not empty", hint="name a folder that is, or a new one"
        )


def _config(folder: Path, http: str | None) -> Config:
    return Config(
        state_dir=folder / "state",
        http=http,
        bus=BusConfig(url="embedded://"),
        collector=CollectorConfig(paths=[str(folder / "logs")]),
    )


def _supervise(config: Config, stopping: Stopping) -> int:
    common = ["--bus", config.bus.url, "--state-dir", str(config.state_dir)]
    words = commands(config, common=common, collect=["--", *config.collector.paths])
    return Supervisor(words, Log("run"), environ=environment(os.environ)).run(stopping)


def environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Nothing that is set for the user's own Tocsin, their Slack apart."""
    ours = {k: v for k, v in environ.items() if not k.startswith("TOCSIN_")}
    slack = {k: v for k, v in environ.items() if k.startswith("TOCSIN_SLACK_")}
    return {
        **ours,
        **slack,
        "TOCSIN_ALERTING_TERMINAL": "true",
        "TOCSIN_ALERTING_BURST_RESOLVE_WINDOW": "10s",
        "TOCSIN_ALERTING_BURST_RESOLVE_QUIET": "10s",
    }


def _write_or_stop(
    folder: Path, lines: Iterator[Line], stopping: Stopping, log: Log
) -> None:
    problem = _write(folder, lines, stopping)
    if problem is not None:
        log.error("writing_failed", problem=problem, cure=problem.hint)
        stopping.stop()


def _write(
    folder: Path, lines: Iterator[Line], stopping: Stopping
) -> TocsinError | None:
    """Write until it is to stop; what went wrong, if anything did."""
    try:
        with LogFiles(folder) as files:
            write(files, lines, stop=stopping.event, clock=time.time)
    except OSError as error:
        return TocsinError(
            f"cannot write logs into {folder}: {error.strerror}",
            hint="name a directory that this user may write and that has room",
        )
    return None


def _end_after_resolve(
    config: Config, burst: Burst, stopping: Stopping, log: Log
) -> None:
    """Stop the demo some seconds after its incident is resolved."""
    while not stopping.event.wait(_LOOK_EACH_S):
        try:
            if _is_resolved(config, burst.service):
                break
        except TocsinError as error:
            log.debug("not_yet", problem=str(error))
    else:
        return
    log.info("resolved", service=burst.service, ends_in_s=_AFTER_RESOLVE_S)
    if not stopping.event.wait(_AFTER_RESOLVE_S):
        stopping.stop()


def _is_resolved(config: Config, service: str) -> bool:
    with open_for_reading(config, "demo") as bus:
        if ALERTS not in [topic.name for topic in bus.topics()]:
            return False
        reader = bus.reader([ALERTS])
        values: list[bytes] = []
        while batches := reader.poll(max_records=1_000, wait_s=0):
            values += [value for batch in batches for value in batch.records.values]
        reader.close()
    return _any_resolved(values, service)


def _any_resolved(values: Sequence[bytes], service: str) -> bool:
    records = [msgspec.json.decode(value, type=AlertRecord) for value in values]
    return any(r.service == service and r.event == "resolved" for r in records)


def _thread(target: Callable[..., None], *arguments: object) -> threading.Thread:
    thread = threading.Thread(target=target, args=arguments, daemon=True)
    thread.start()
    return thread


def _after(duration_s: float, stopping: Stopping) -> None:
    timer = threading.Timer(duration_s, stopping.stop)
    timer.daemon = True
    timer.start()
