"""Runs rule tests: the reading, the rules and the reducer that run live."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from alerting.engine import Engine, Outcome
from alerting.message import describe
from alerting.rules.rule import rule_of
from alerting.settings import burst_rule, policy
from tocsin.app.backtest.chunk import BEGINNING, Chunk, Reading
from tocsin.app.backtest.joining import Piece
from tocsin.app.backtest.reading import ChunkReader
from tocsin.app.ruletest.document import Case, Expected, RuleTests
from tocsin.config.alerting import RuleConfig
from tocsin.config.tallies import counted_fields, tallies_of
from tocsin.records.frames import Frame, Pane

_Origin = tuple[str, str, tuple[tuple[str, str], ...]]
START = 1_767_225_600  # 2026-01-01T00:00:00Z: tests have a clock of their own


@dataclass(frozen=True, slots=True)
class Told:
    """Something that was told, `at` seconds from the start; `text` is the message's."""

    at: float
    event: str
    service: str
    rule: str
    severity: str
    group: dict[str, str]
    text: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """A test's outcome: what was expected beside what was told, in order of time."""

    name: str
    pairs: list[tuple[Expected | None, Told | None]]

    @property
    def is_ok(self) -> bool:
        """Whether each expectation was met, and nothing else was told."""
        return all(want and got and fits(want, got) for want, got in self.pairs)


def run(tests: RuleTests) -> Iterator[Verdict]:
    """The verdicts, test by test."""
    for case in tests.cases:
        told = list(_told(case, tests))
        yield Verdict(case.name, _paired(case.expect, told))


def fits(want: Expected, got: Told) -> bool:
    """Whether something told is what was expected."""
    return (
        abs(want.at - got.at) <= want.within
        and (want.event, want.service, want.rule) == (got.event, got.service, got.rule)
        and want.severity in (None, got.severity)
        and want.group.items() <= got.group.items()
        and (want.says is None or want.says in got.text)
    )


def _paired(
    wanted: Iterable[Expected], told: list[Told]
) -> list[tuple[Expected | None, Told | None]]:
    """Each expectation with the first thing that meets it; the rest alone."""
    left = list(told)
    pairs: list[tuple[Expected | None, Told | None]] = []
    for want in wanted:
        got = next((x for x in left if fits(want, x)), None)
        if got is not None:
            left.remove(got)
        pairs.append((want, got))
    pairs += [(None, x) for x in left]
    return sorted(pairs, key=lambda x: x[0].at if x[0] else x[1].at if x[1] else 0.0)


def _told(case: Case, tests: RuleTests) -> Iterator[Told]:
    burst = tests.rules.burst
    rules = [rule_of(x) for x in tests.rules.rules]
    engine = Engine(burst_rule(burst), policy(burst), rules=rules)
    panes = _panes(case, tests.rules.rules)
    for at in range(int(case.until)):
        now = float(START + at + 1)
        found = tuple(panes.get(START + at, ()))
        frame = Frame(0, at, at + 1, now, True, now, found)
        for outcome in engine.take(frame, now).outcomes:
            if outcome.kind != "updated":
                yield _as_told(outcome, now)


def _as_told(outcome: Outcome, now: float) -> Told:
    incident = outcome.incident
    message = describe(incident, outcome.kind, outcome.spark, now=now)
    samples = [x.text for x in message.samples]
    return Told(
        at=now - START,
        event=outcome.kind,
        service=incident.service,
        rule=incident.rule,
        severity=incident.severity,
        group=incident.group,
        text="\n".join([message.header, message.why, *samples]),
    )


def _panes(case: Case, rules: Sequence[RuleConfig]) -> dict[int, list[Pane]]:
    """The lines of a test, read as lines of a file are, by second."""
    written: defaultdict[_Origin, list[tuple[float, str]]] = defaultdict(list)
    for lines in case.lines:
        origin = lines.service, lines.host, tuple(sorted(lines.labels.items()))
        written[origin] += lines.written()
    reading = Reading(count_by=counted_fields(rules, []), tallies=tallies_of(rules))
    reader = ChunkReader(reading)
    panes: defaultdict[int, list[Pane]] = defaultdict(list)
    for (service, host, labels), found in written.items():
        found.sort(key=lambda x: x[0])
        texts = [_line(at, text) for at, text in found]
        size, start = sum(map(len, texts)) + len(texts), float(START)
        chunk = Chunk(service, service, host, BEGINNING, size, start, dict(labels))
        piece = Piece(BEGINNING, BEGINNING, texts, [(0, len(texts))], len(texts))
        for pane in reader.read_lines(chunk, piece).panes:
            panes[pane.second].append(pane)
    return panes


def _line(at: float, text: str) -> bytes:
    """A line of the text, with its time where lines of its kind state it."""
    stamp = f"{datetime.fromtimestamp(START + at, UTC):%Y-%m-%dT%H:%M:%S.%f}Z"
    if text.startswith("{"):
        line = f'{{"time": "{stamp}", {text[1:]}'
    elif re.match(r"\w+=", text):
        line = f"time={stamp} {text}"
    else:
        line = f"{stamp} {text}"
    return line.replace("\n", " ").encode()
