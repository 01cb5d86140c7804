"""Rules in an engine without the default rule, for their tests."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from alerting.burst import BurstRule
from alerting.engine import Engine, Outcome
from alerting.incident import Incident, Policy
from alerting.rules.rule import rule_of
from tests.alerting.story import START
from tocsin.config.alerting import RuleConfig
from tocsin.records.frames import Frame

HORIZON_S = 7200


def configured(**given: object) -> RuleConfig:
    return RuleConfig.model_validate(given)


def engine(*configs: RuleConfig, incidents: Iterable[Incident] = ()) -> Engine:
    silent = BurstRule(min_count=2**31)
    rules = [rule_of(x) for x in configs]
    return Engine(silent, Policy(), rules=rules, incidents=incidents)


def outcomes(run: Engine, frames: Iterable[Frame]) -> list[Outcome]:
    """What frames lead to, each decided on when it was made; edits left out."""
    found: list[Outcome] = []
    for frame in frames:
        found += run.take(frame, frame.processed_at).outcomes
    return [x for x in found if x.kind != "updated"]


def told(made: Iterable[Outcome]) -> list[tuple[str, str, float, str]]:
    """Service, what is told, when it was decided, how bad it is."""
    return [
        (
            x.incident.service,
            x.kind,
            (x.incident.resolved_at or x.incident.detected_at) - START,
            x.incident.severity,
        )
        for x in made
    ]


def ended(run: Engine) -> list[Incident]:
    """The incidents at the end, edits and all."""
    return sorted(run.incidents, key=lambda x: x.key)


class Restarts:
    """An engine that is made anew from what it stored, as a process does."""

    def __init__(self, *configs: RuleConfig) -> None:
        self._configs = configs
        self._rows: dict[bytes, bytes] = {}
        self._incidents: dict[str, Incident] = {}
        self._decided: list[Frame] = []
        self.engine = engine(*configs)

    def take(self, frames: Iterable[Frame]) -> list[Outcome]:
        """Decide on frames and commit after each."""
        found: list[Outcome] = []
        for frame in frames:
            found += outcomes(self.engine, [frame])
            self._commit(frame)
        return found

    def _commit(self, frame: Frame) -> None:
        self._decided.append(frame)
        self._incidents.update((x.id, x) for x in self.engine.changed())
        for key, row in self.engine.remembered().items():
            if row is None:
                self._rows.pop(key, None)
            else:
                self._rows[key] = row

    def restart(self) -> None:
        """Go on in a new engine, from rows and the frames of two hours."""
        positions = self.engine.positions
        self.engine = engine(*self._configs, incidents=self._incidents.values())
        self.engine.recall(self._rows)
        for frame in self._recent():
            self.engine.warm(frame)
        self.engine.resume(positions)

    def _recent(self) -> Sequence[Frame]:
        if not self._decided:
            return ()
        since = self._decided[-1].watermark - HORIZON_S
        return [x for x in self._decided if x.processed_at >= since]

    @property
    def rows(self) -> dict[bytes, bytes]:
        """What is stored of the memory of rules."""
        return self._rows
