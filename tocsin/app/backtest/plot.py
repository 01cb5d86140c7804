"""Error rates, what was expected, and the incidents, as a picture by service."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil, sqrt

from alerting.incident import Incident
from tocsin.app.backtest.canvas import GLYPH_WIDTH, Canvas, Colour
from tocsin.app.backtest.labels import NO_PAGE_DUE, Labels, Span
from tocsin.app.backtest.rates import Rates

_SHOWN = 12
_YEAR_S = 366 * 86_400.0
_LEAST_RATE = 0.1  # so that the few errors of a quiet service stay small
_TICKS_S = (60, 300, 600, 1800, 3600, 3 * 3600, 6 * 3600, 12 * 3600, 86_400)
_MOST_TICKS = 12
_WIDTH, _PANEL, _LEFT, _TOP, _RIGHT = 1400, 120, 70, 40, 20
_INK, _GREY, _PALE = Colour(40, 40, 48), Colour(120, 120, 128), Colour(225, 225, 230)
_BAND, _BAR = Colour(70, 130, 220), Colour(70, 70, 82)
_RED, _ORANGE = Colour(220, 50, 47), Colour(235, 145, 30)
_KNOWN, _NOT_DUE = Colour(40, 150, 70), Colour(170, 170, 90)


def draw(
    rates: Rates,
    incidents: Sequence[Incident],
    *,
    first: float,
    last: float,
    labels: Labels | None = None,
) -> Canvas:
    """The services with the most incidents, each with its own scale.

    `labels`: when there was trouble, where it is known; a line below the errors.
    """
    shown = _most_telling(rates, incidents)
    canvas = Canvas(_WIDTH, _TOP + _PANEL * max(1, len(shown)) + 30)
    more = len(rates.services) - len(shown)
    mean = f"mean of {rates.step_s} s, " if rates.step_s > 1 else ""
    days = dict.fromkeys((_day(first), _day(last)))
    title = f"errors a second ({mean}square-root scale), {' to '.join(days)} UTC"
    canvas.text(_LEFT, 10, title + (f"; {more} services not shown" * (more > 0)), _INK)
    _legend(canvas, _LEFT, 24, with_labels=bool(labels))
    scale = (_WIDTH - _LEFT - _RIGHT) / max(1.0, last - first)
    for row, service in enumerate(shown):
        panel = _Panel(canvas, _TOP + _PANEL * row, first, scale)
        panel.draw(service, rates, [x for x in incidents if x.service == service])
        panel.mark((labels or {}).get(service, ()))
    _axis(canvas, _TOP + _PANEL * len(shown) + 6, first, last)
    return canvas


def _most_telling(rates: Rates, incidents: Iterable[Incident]) -> list[str]:
    told: dict[str, int] = {}
    for incident in incidents:
        told[incident.service] = told.get(incident.service, 0) + 1
    peaks = {
        service: max((x.errors for x in steps.values()), default=0)
        for service, steps in rates.services.items()
    }
    ranked = sorted(peaks, key=lambda x: (-told.get(x, 0), -peaks[x], x))
    return ranked[:_SHOWN]


@dataclass(frozen=True, slots=True)
class _Panel:
    canvas: Canvas
    top: int
    first: float
    scale: float

    def draw(self, service: str, rates: Rates, incidents: Sequence[Incident]) -> None:
        steps = rates.services[service]
        step_s = rates.step_s
        most = max(max(x.errors / step_s, x.usual) for x in steps.values())
        top_rate = max(most, _LEAST_RATE)
        bottom = self.top + _PANEL - 12
        height = _PANEL - 30
        self.canvas.box(_LEFT, bottom, _WIDTH - _RIGHT, bottom + 1, _PALE)
        self._spans(incidents, bottom)
        for number, step in sorted(steps.items()):
            left = self._x(number * rates.step_s)
            right = self._x((number + 1) * rates.step_s)
            usual = bottom - height * sqrt(step.usual / top_rate)
            self.canvas.box(left, usual, right, bottom, _BAND, opacity=0.35)
            if step.errors:
                top = bottom - height * sqrt(step.errors / step_s / top_rate)
                self.canvas.box(left, top, right, bottom, _BAR)
        pages = f"{len(incidents)} page{'' if len(incidents) == 1 else 's'}"
        label = f"{service[:60]}: {pages}"
        self.canvas.text(_LEFT, self.top + 4, label, _INK)
        scale = f"{top_rate:,.0f}/s" if top_rate >= 10 else f"{top_rate:.2g}/s"
        left = _LEFT - 6 - GLYPH_WIDTH * len(scale)
        self.canvas.text(left, bottom - height, scale, _GREY)

    def mark(self, labels: Iterable[Span]) -> None:
        """Draw when there was trouble, and when no page was due."""
        bottom = self.top + _PANEL - 12
        for span in labels:
            colour = _NOT_DUE if span.kind == NO_PAGE_DUE else _KNOWN
            left, right = self._x(span.start), self._x(span.end)
            self.canvas.box(left, bottom + 2, max(right, left + 2), bottom + 6, colour)

    def _spans(self, incidents: Sequence[Incident], bottom: int) -> None:
        for incident in incidents:
            colour = _RED if incident.severity == "critical" else _ORANGE
            end = incident.resolved_at
            right = _WIDTH - _RIGHT if end is None else self._x(end)
            left, top = self._x(incident.opened_at), self.top + 14
            self.canvas.box(left, top, right, bottom, colour, opacity=0.18)
            at = self._x(incident.detected_at)
            self.canvas.box(at, top, at + 2, bottom + 4, colour)

    def _x(self, at: float) -> float:
        return _LEFT + (at - self.first) * self.scale


def _legend(canvas: Canvas, left: float, top: float, *, with_labels: bool) -> None:
    known = ((_KNOWN, 1.0, "known trouble"), (_NOT_DUE, 1.0, "no page due"))
    for colour, opacity, text in (
        (_BAR, 1.0, "errors"),
        (_BAND, 0.35, "expected"),
        (_RED, 1.0, "critical"),
        (_ORANGE, 1.0, "warning"),
        *(known if with_labels else ()),
    ):
        canvas.box(left, top, left + 10, top + 8, colour, opacity=opacity)
        canvas.text(left + 14, top, text, _GREY)
        left += 30 + GLYPH_WIDTH * len(text)


def _axis(canvas: Canvas, top: float, first: float, last: float) -> None:
    """Ticks at round times, UTC."""
    length = max(1.0, last - first)
    every_s = next((x for x in _TICKS_S if length / x <= _MOST_TICKS), _TICKS_S[-1])
    every_s *= max(1, round(length / every_s / _MOST_TICKS))
    form = "%H:%M" if every_s < 86_400 else "%m-%d"
    if length > _YEAR_S:
        form = "%Y-%m"
    scale = (_WIDTH - _LEFT - _RIGHT) / length
    at = ceil(first / every_s) * every_s
    while at <= last:
        left = _LEFT + (at - first) * scale
        canvas.box(left, top, left + 1, top + 4, _GREY)
        text = time.strftime(form, time.gmtime(at))
        canvas.text(left - GLYPH_WIDTH * len(text) / 2, top + 7, text, _GREY)
        at += every_s


def _day(at: float) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(at))
