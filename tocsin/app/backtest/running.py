"""Rules over history: the same engine and reducer as live, on the clock of the logs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from alerting.burst import BurstRule
from alerting.engine import Engine, Outcome
from alerting.incident import Incident, Policy
from collector.discovery import Discovery, Scan
from collector.service import origin_of
from tocsin.app.backtest.history import History, LogFile, Totals
from tocsin.app.backtest.pool import read, reading_pool
from tocsin.config.model import Config
from tocsin.errors import TocsinError
from tocsin.records.frames import Frame

_HEARTBEATS_S = 900  # an incident without new lines is resolved within it


@dataclass(slots=True)
class Result:
    """What the rules would have told.

    `incidents`: as they were at the end, oldest first; a reopened one stays one.
    `dropped`: lines that were too far out of order to be counted.
    """

    totals: Totals
    incidents: list[Incident] = field(default_factory=list)
    dropped: int = 0

    @property
    def days(self) -> float:
        """The length of the history."""
        return max(0.0, self.totals.last - self.totals.first) / 86_400


class Run:
    """Takes frames in order; `told` hears of every step of an incident."""

    def __init__(
        self, engine: Engine, told: Callable[[Outcome], None] = lambda _: None
    ) -> None:
        self._engine = engine
        self._told = told
        self._incidents: dict[str, Incident] = {}
        self._second: int | None = None
        self._lo = 0
        self._is_open = False

    def take(self, frame: Frame) -> None:
        """Decide on a frame; `now` is the end of its second."""
        second = int(frame.watermark) - 1
        self._wait(second)
        self._second = second
        self._lo = frame.hi
        self._decide(frame)

    def incidents(self) -> list[Incident]:
        """All incidents, oldest first."""
        return sorted(self._incidents.values(), key=lambda x: (x.detected_at, x.id))

    @property
    def dropped(self) -> int:
        """Lines that were too late to be counted."""
        return self._engine.dropped

    def _wait(self, second: int) -> None:
        """Let time pass where an incident may be resolved meanwhile."""
        if self._second is None:
            return
        for at in range(self._second + 1, min(second, self._second + _HEARTBEATS_S)):
            if not self._is_open:
                return
            end = float(at + 1)
            self._decide(Frame(0, self._lo, self._lo, end, True, end))

    def _decide(self, frame: Frame) -> None:
        for outcome in self._engine.take(frame, frame.watermark).outcomes:
            self._told(outcome)
        for incident in self._engine.changed():
            self._incidents[incident.id] = incident
            self._is_open = any(x.is_open for x in self._engine.incidents)


def log_files(config: Config) -> tuple[list[LogFile], Scan]:
    """The files below the configured paths, and what the scan left out.

    Raises:
        TocsinError: there is nothing to read.
    """
    collector = config.collector
    scan = Discovery(collector.paths, exclude=collector.exclude).scan()
    if scan.missing:
        raise TocsinError(f"there is no {scan.missing[0]}")
    files = [
        LogFile(
            path=found.path,
            service=origin_of(found.path, found.base).service,
            host=collector.host,
            size=found.size,
            modified_at=found.modified_at,
        )
        for found in scan.files.values()
    ]
    if not files:
        raise TocsinError(
            f"no log file in {', '.join(collector.paths)}",
            hint="compressed files are not read; unpack them first",
        )
    return files, scan


def backtest(  # noqa: PLR0913 - what a run is made of
    files: Iterable[LogFile],
    config: Config,
    *,
    rule: BurstRule,
    policy: Policy,
    processes: int,
    told: Callable[[Outcome], None] = lambda _: None,
) -> Result:
    """Read files and run the rules over them."""
    settings = config.processor
    with reading_pool(
        processes, settings.timezone, max_templates=settings.max_templates
    ) as pool:
        history = History(files, read, pool)
        run = Run(Engine(rule, policy), told)
        for frame in history.frames():
            run.take(frame)
    return Result(history.totals, run.incidents(), run.dropped)
