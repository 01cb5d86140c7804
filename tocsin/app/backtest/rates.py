"""Error rates and what was expected of them, by service, for a picture.

Memory is bounded: a service has at most 2,048 steps of time, which double in length
when a history needs more, and the services beyond the limit are not followed.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from alerting.engine import Engine
from tocsin.records.frames import Frame

_MAX_STEPS, _MAX_SERVICES = 2048, 2000


@dataclass(slots=True)
class Step:
    """Some seconds of a service: their errors, and how many a second are expected."""

    errors: int = 0
    usual: float = 0.0


@dataclass(slots=True)
class Rates:
    """Follows the rates of services while a backtest runs."""

    step_s: int = 1
    services: dict[str, dict[int, Step]] = field(default_factory=dict)

    def take(self, frame: Frame, engine: Engine) -> None:
        """Note what a frame counts; after the engine took it."""
        for pane in frame.panes:
            steps = self.services.get(pane.service)
            if steps is None:
                if len(self.services) >= _MAX_SERVICES:
                    continue
                steps = self.services[pane.service] = {}
            step = steps.get(pane.second // self.step_s)
            if step is None:
                usual = engine.usual_rate(pane.service, pane.second)
                step = steps[pane.second // self.step_s] = Step(usual=usual)
            step.errors += pane.errors
            if len(steps) > _MAX_STEPS:
                self._coarsen()

    def _coarsen(self) -> None:
        """Steps twice as long, for all services."""
        self.step_s *= 2
        for service, steps in self.services.items():
            merged: dict[int, Step] = {}
            for number, step in steps.items():
                into = merged.setdefault(number // 2, Step())
                into.errors += step.errors
                into.usual = max(into.usual, step.usual)
            self.services[service] = merged
