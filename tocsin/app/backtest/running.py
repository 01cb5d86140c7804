"""Rules over history: the same engine and reducer as live, on the clock of the logs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from alerting.engine import Engine, Outcome
from alerting.incident import Incident
from alerting.rules.rule import rule_of
from alerting.settings import burst_rule, policy
from collector.discovery import Discovery, Scan
from collector.service import origin_of
from tocsin.app.backtest.chunk import Reading
from tocsin.app.backtest.history import History, LogFile, Totals
from tocsin.app.backtest.pool import read, reading_pool
from tocsin.app.backtest.rates import Rates
from tocsin.config.alerting import AlertingConfig
from tocsin.config.model import Config
from tocsin.config.tallies import counted_fields, tallies_of
from tocsin.errors import BadRecord, TocsinError
from tocsin.ports.bus import Bus, Start
from tocsin.records.frames import Frame, decode_frame
from tocsin.records.topics import LOG_METRICS

_MAX_RECORDS = 2000
_HEARTBEATS_S = 900  # an incident without new lines is resolved within it


@dataclass(slots=True)
class Result:
    """What the rules would have told.

    `incidents`: as they were at the end, oldest first; a reopened one stays one.
    `dropped`: lines that were too far out of order to be counted. `uncounted`: rules
    whose lines the processor did not count when it wrote the frames.
    """

    totals: Totals
    incidents: list[Incident] = field(default_factory=list)
    dropped: int = 0
    uncounted: list[str] = field(default_factory=list)

    @property
    def days(self) -> float:
        """The length of the history; hours without any line do not count."""
        whole = self.totals.last - self.totals.first
        return max(0.0, min(whole, 3600.0 * len(self.totals.hours))) / 86_400


@dataclass(slots=True)
class Watch:
    """What is remembered of a run beside its incidents.

    `firsts`: the first thing told of each incident. `rates`: for a plot, where wanted.
    """

    rates: Rates | None = None
    firsts: dict[str, Outcome] = field(default_factory=dict)

    def look(self, frame: Frame, engine: Engine, outcomes: Iterable[Outcome]) -> None:
        """Note what a frame led to."""
        for outcome in outcomes:
            self.firsts.setdefault(outcome.incident.id, outcome)
        if self.rates is not None:
            self.rates.take(frame, engine)


class Run:
    """Takes frames of whole seconds in order."""

    def __init__(self, engine: Engine, watch: Watch) -> None:
        self._engine = engine
        self._watch = watch
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
                break
            self._beat(at)
        due = self._engine.next_due()
        while due is not None and due < second:
            self._beat(due)
            due = self._engine.next_due()

    def _beat(self, at: int) -> None:
        """A second without lines is over."""
        end = float(at + 1)
        self._decide(Frame(0, self._lo, self._lo, end, True, end))

    def _decide(self, frame: Frame) -> None:
        outcomes = self._engine.take(frame, frame.watermark).outcomes
        self._watch.look(frame, self._engine, outcomes)
        for incident in self._engine.changed():
            self._incidents[incident.id] = incident
            self._is_open = any(x.is_open for x in self._engine.incidents)


def log_files(config: Config) -> tuple[list[LogFile], Scan]:
    """The files below the configured paths, and what the scan left out.

    Raises:
        TocsinError: there is nothing to read.
    """
    collector = config.collector
    scan = Discovery(collector.paths, exclude=collector.exclude, archives=False).scan()
    if scan.missing:
        raise TocsinError(f"there is no {scan.missing[0]}")
    files = []
    for found in scan.files.values():
        origin = origin_of(found.path, found.base, collector.services)
        files.append(
            LogFile(
                path=found.path,
                service=origin.service,
                host=collector.host,
                size=found.size,
                modified_at=found.modified_at,
                labels=origin.labels,
            )
        )
    if not files:
        raise TocsinError(
            f"no log file in {', '.join(collector.paths)}",
            hint="compressed files are not read; unpack them first",
        )
    return files, scan


def recorded_frames(bus: Bus) -> Iterator[Frame]:
    """The frames that log-metrics keeps, in the order in which they were decided on."""
    reader = bus.reader([LOG_METRICS], start=Start.BEGINNING)
    try:
        while True:
            for batch in reader.poll(max_records=_MAX_RECORDS, wait_s=0.2):
                for value in batch.records.values:
                    try:
                        yield decode_frame(value)
                    except BadRecord:  # counted when it was read the first time
                        continue
            if reader.is_caught_up():
                return
    finally:
        reader.close()


def engine_of(config: AlertingConfig) -> Engine:
    """An engine with the rules as they are configured."""
    rules = [rule_of(x) for x in config.rules]
    return Engine(burst_rule(config.burst), policy(config.burst), rules=rules)


def replay(bus: Bus, watch: Watch, rules: AlertingConfig) -> Result:
    """Run the rules over what log-metrics keeps, each frame at the time it came."""
    totals = Totals()
    engine = engine_of(rules)
    incidents: dict[str, Incident] = {}
    services: set[str] = set()
    for frame in recorded_frames(bus):
        outcomes = engine.take(frame, frame.processed_at).outcomes
        watch.look(frame, engine, outcomes)
        incidents.update((x.id, x) for x in engine.changed())
        totals.lines += sum(x.lines for x in frame.panes)
        services.update(x.service for x in frame.panes)
        for pane in frame.panes:
            totals.first = min(totals.first, pane.second)
            totals.last = max(totals.last, pane.second)
            totals.hours.add(pane.second // 3600)
    totals.services = len(services)
    found = sorted(incidents.values(), key=lambda x: (x.detected_at, x.id))
    return Result(totals, found, engine.dropped, engine.uncounted)


def backtest(
    files: Iterable[LogFile],
    config: Config,
    watch: Watch,
    rules: AlertingConfig,
    *,
    processes: int,
) -> Result:
    """Read files and run the rules over them."""
    settings, collector = config.processor, config.collector
    reading = Reading(
        timezone=settings.timezone,
        max_templates=settings.max_templates,
        count_by=counted_fields(rules.rules, settings.count_by),
        tallies=tallies_of(rules.rules),
        max_line=collector.max_line,
        max_event_lines=collector.multiline_max_lines if collector.multiline else None,
    )
    with reading_pool(processes, reading) as pool:
        history = History(files, read, pool)
        run = Run(engine_of(rules), watch)
        for frame in history.frames():
            run.take(frame)
    return Result(history.totals, run.incidents(), run.dropped)
