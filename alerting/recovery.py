"""State as it is committed: what a process needs to go on where another stopped.

Incidents come from their table, and what rules know of longer ago from `memories`. The
detector and the evidence are rebuilt by reading the frames of the two hours before the
last decision anew, as far as the table `decided` says that they were decided on; no
decision is taken on them a second time. Frames name the offsets that they cover, so
this needs no offsets of log-metrics itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec

from alerting.bundle import Bundle, decode_row
from alerting.burst import BurstRule
from alerting.engine import Engine
from alerting.incident import Incident, Policy, decode_incident
from alerting.notice import Notice
from alerting.rows import readable
from alerting.rules.rule import Rule
from alerting.telemetry import AlertingTelemetry
from alerting.tiling import Place
from tocsin.errors import BadRecord
from tocsin.ports.bus import Bus
from tocsin.records.frames import decode_frame
from tocsin.records.topics import DECIDED, INCIDENTS, LOG_METRICS, MEMORIES, NOTICES

HORIZON_S = 7200.0  # four half-lives of the baseline
_MAX_RECORDS = 2000
_WAIT_S = 0.2
_MAX_DOWNTIME_S = 86_400.0


def encode_positions(positions: Mapping[int, Place]) -> dict[bytes, bytes | None]:
    """Rows of the table `decided`: source to [next offset, watermark]."""
    places = positions.items()
    return {b"%d" % source: msgspec.json.encode(place) for source, place in places}


def stored_positions(bus: Bus) -> dict[int, Place]:
    """Up to where the frames of each source are decided on."""
    view = bus.table(DECIDED)
    try:
        rows = view.rows.items()
        return {int(k): msgspec.json.decode(v, type=Place) for k, v in rows}
    finally:
        view.close()


def stored_memories(bus: Bus) -> dict[bytes, bytes]:
    """What rules remember, as they wrote it."""
    view = bus.table(MEMORIES)
    try:
        return dict(view.rows)
    finally:
        view.close()


def stored_incidents(bus: Bus, telemetry: AlertingTelemetry) -> list[Incident]:
    """All incidents, oldest first; a row that cannot be read is told and left out."""
    view = bus.table(INCIDENTS)
    try:
        found = readable(INCIDENTS, decode_incident, view.rows.values(), telemetry)
    finally:
        view.close()
    return sorted(found, key=lambda x: x.detected_at)


def rebuilt_engine(  # noqa: PLR0913 - what an engine is made of
    bus: Bus,
    rule: BurstRule,
    policy: Policy,
    incidents: list[Incident],
    *,
    rules: Sequence[Rule] = (),
    now: float,
    beat: Callable[[], None],
) -> tuple[Engine, int]:
    """An engine that goes on after the last commit, and how many frames it read.

    Blocks while it reads two hours of frames, some seconds; calls `beat` meanwhile.
    """
    engine = Engine(rule, policy, rules=rules, incidents=incidents)
    engine.recall(stored_memories(bus))
    positions = stored_positions(bus)
    replayed = _replay(bus, engine, positions, now, beat) if positions else 0
    engine.resume(positions)
    return engine, replayed


def _replay(
    bus: Bus,
    engine: Engine,
    positions: Mapping[int, Place],
    now: float,
    beat: Callable[[], None],
) -> int:
    replayed = 0
    # After a downtime the two hours before it count, and not those of nothing; but a
    # source that no longer speaks must not make it read a month.
    reached = min((x.watermark for x in positions.values()), default=now)
    start = min(now, max(reached, now - _MAX_DOWNTIME_S)) - HORIZON_S
    reader = bus.reader([LOG_METRICS], start=start)
    try:
        while not reader.is_caught_up():
            beat()
            for batch in reader.poll(max_records=_MAX_RECORDS, wait_s=_WAIT_S):
                for value in batch.records.values:
                    replayed += _warm(engine, value, positions)
    finally:
        reader.close()
    return replayed


def _warm(engine: Engine, value: bytes, positions: Mapping[int, Place]) -> bool:
    try:
        frame = decode_frame(value)
    except BadRecord:  # counted when it was read the first time
        return False
    place = positions.get(frame.source)
    if place is None or not place.covers(frame):
        return False
    engine.warm(frame)
    return True


def stored_notices(
    bus: Bus, telemetry: AlertingTelemetry
) -> tuple[list[Notice], list[Bundle]]:
    """What was said of incidents, and the storms and digests."""
    view = bus.table(NOTICES)
    try:
        rows = readable(NOTICES, decode_row, view.rows.values(), telemetry)
    finally:
        view.close()
    notices = [row for row in rows if isinstance(row, Notice)]
    return notices, [row for row in rows if isinstance(row, Bundle)]
