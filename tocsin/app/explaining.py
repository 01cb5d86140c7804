"""Why people were told of a service, or were not: every step of the way.

The frames of the last hours are decided on once more by the engine that runs live, on
the panes of that service alone, so its reasons are those of its lines.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec

from alerting.burst import BurstRule
from alerting.engine import Engine
from alerting.group import Group
from alerting.incident import BURST, Incident, Policy, Reason
from alerting.inhibition import inhibitions
from alerting.intervals import mute_intervals, muted_by
from alerting.notice import Notice
from alerting.outbox import decode_delivered, decode_desired
from alerting.receivers import receiver_names
from alerting.recovery import HORIZON_S
from alerting.routing import Routing, tree
from alerting.rules.condition import Near
from alerting.rules.rule import Rule, rule_of
from alerting.settings import burst_rule, policy
from alerting.silences import Silence, configured
from tocsin.app.incidents import incidents, notices
from tocsin.app.ordering import silences
from tocsin.config.model import Config
from tocsin.errors import BadRecord
from tocsin.ports.bus import Bus
from tocsin.records.frames import decode_frame
from tocsin.records.topics import DELIVERIES, LOG_METRICS, MEMORIES, OUTBOX

_MAX_RECORDS = 2000
_LOOK_S = 10  # how often rules that wait for silence are asked


class Nearest(NamedTuple):
    """When a rule was nearest to firing, and for what."""

    at: int
    group: Group
    near: Near


@dataclass(slots=True)
class Account:
    """What is known of a service over the last `span_s` seconds, newest first.

    `decisions`: how often each reason was given; `nearest`: how near each rule came to
    firing, `elsewhere`: the rules that are about other services; `told`: who would be
    told now, and the interval that keeps it quiet; `waiting`: messages that no channel
    accepted yet.
    """

    service: str
    span_s: float
    lines: int = 0
    errors: int = 0
    last_line_at: float | None = None
    watermark: float | None = None
    decisions: Counter[Reason] = field(default_factory=Counter)
    nearest: dict[str, Nearest] = field(default_factory=dict)
    elsewhere: list[str] = field(default_factory=list)
    incidents: list[tuple[Incident, Notice | None]] = field(default_factory=list)
    silences: list[Silence] = field(default_factory=list)
    told: dict[str, str | None] = field(default_factory=dict)
    inhibited_by: tuple[str, ...] = ()
    waiting: list[str] = field(default_factory=list)


def account(bus: Bus, config: Config, service: str, *, now: float) -> Account:
    """Everything about one service; reads two hours of frames, some seconds."""
    made = Account(service, HORIZON_S)
    _replay(bus, config, made, now)
    said = notices(bus)
    known = [x for x in incidents(bus)[0] if x.service == service]
    made.incidents = [(x, said.get(x.id)) for x in known]
    _audience(bus, config, made, now)
    made.waiting = _waiting(bus, {x.id for x in known})
    return made


def _replay(bus: Bus, config: Config, made: Account, now: float) -> None:
    alerting = config.alerting
    rules = [rule_of(x) for x in alerting.rules]
    own = [x for x in rules if x.lines.is_about(made.service)]
    made.elsewhere = [x.name for x in rules if x not in own]
    engine = Engine(burst_rule(alerting.burst), policy(alerting.burst), rules=rules)
    reader = bus.reader([LOG_METRICS], start=now - made.span_s)
    try:
        while not reader.is_caught_up():
            for batch in reader.poll(max_records=_MAX_RECORDS, wait_s=0.2):
                for value in batch.records.values:
                    _take(engine, made, value)
    finally:
        reader.close()
    news = [x for x in own if x.config.type == "new_pattern"]
    if news and made.last_line_at is not None:
        _remember(bus, news, made, int(made.last_line_at))
    for name in ("burst" if not alerting.burst.enabled else "", *made.elsewhere):
        made.nearest.pop(name, None)
    for (_, reason), count in engine.reasons.items():
        made.decisions[reason] += count
    made.watermark = engine.watermark


def _remember(bus: Bus, news: Sequence[Rule], made: Account, second: int) -> None:
    """What was met longer ago is not new, and not learned any more."""
    view = bus.table(MEMORIES)
    rows = dict(view.rows)
    view.close()
    engine = Engine(BurstRule(), Policy(), rules=news)
    engine.recall(rows)
    for rule, group, near in engine.near(made.service, second):
        is_of_it = rule != BURST and group.service in ("", made.service)
        if is_of_it and (rule not in made.nearest or made.nearest[rule].near.share < 1):
            made.nearest[rule] = Nearest(second, group, near)


def _take(engine: Engine, made: Account, value: bytes) -> None:
    try:
        frame = decode_frame(value)
    except BadRecord:
        return
    panes = tuple(x for x in frame.panes if x.service == made.service)
    engine.take(msgspec.structs.replace(frame, panes=panes), frame.processed_at)
    reached = int(engine.watermark or 0)
    if panes or (made.lines and reached % _LOOK_S == 0):
        _look(engine, made, max((x.second for x in panes), default=reached))
    for pane in panes:
        made.lines += pane.lines
        made.errors += pane.errors
        made.last_line_at = max(made.last_line_at or 0.0, float(pane.second))


def _look(engine: Engine, made: Account, second: int) -> None:
    """Note the rules that are nearer to firing than they were."""
    for rule, group, near in engine.near(made.service, second):
        known = made.nearest.get(rule)
        best = -1.0 if known is None else known.near.share
        if near.share > best or near.share == best == 0:  # of nothing, the newest
            made.nearest[rule] = Nearest(second, group, near)


def _audience(bus: Bus, config: Config, made: Account, now: float) -> None:
    alerting = config.alerting
    routing = Routing(tree(alerting.routes), receiver_names(alerting))
    intervals = mute_intervals(alerting.mute_intervals)
    labels = _labels(made)
    for receiver, names in routing.receivers(labels).items():
        made.told[receiver] = muted_by(intervals, names, now)
    known = (*configured(alerting.silences), *silences(bus))
    made.silences = [x for x in known if x.is_active(now) and x.covers(labels)]
    rules = inhibitions(alerting.inhibit)
    open_ones = [x for x in incidents(bus)[0] if x.is_open]
    mine = [x for x, _ in made.incidents if x.is_open]
    made.inhibited_by = tuple(
        {x.id for x in open_ones for y in mine for rule in rules if rule.holds(x, y)}
    )


def _labels(made: Account) -> dict[str, str]:
    if made.incidents:
        return made.incidents[0][0].labels
    return {"service": made.service, "rule": "burst", "severity": "warning"}


def _waiting(bus: Bus, known: set[str]) -> list[str]:
    """The channels that do not show the newest message of an incident."""
    wanted, shown = bus.table(OUTBOX), bus.table(DELIVERIES)
    found = []
    for key, value in wanted.rows.items():
        try:
            desired = decode_desired(value)
            accepted = shown.rows.get(key)
            sequence = decode_delivered(accepted).sequence if accepted else 0
        except BadRecord:
            continue
        message = desired.message
        if sequence and message.kind == "updated":
            continue  # an edit: those that cannot edit never show it
        if message.incident in known and sequence < message.sequence:
            what = "its newest state" if sequence else "it"
            found.append(f"{desired.channel} does not show {what}: {message.incident}")
    wanted.close()
    shown.close()
    return found


def summary(counts: Sequence[tuple[Reason, int]]) -> list[str]:
    """Reasons as lines, the most frequent first."""
    return [f"{count:>7,} × {reason.value}" for reason, count in counts if count]
