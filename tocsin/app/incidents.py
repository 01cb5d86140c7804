"""Incidents as they are on the bus, for `tocsin incidents`."""

from __future__ import annotations

import difflib

import msgspec

from alerting.bundle import decode_row
from alerting.incident import Incident, decode_incident
from alerting.notice import Notice
from tocsin.errors import BadRecord, TocsinError
from tocsin.ports.bus import Bus
from tocsin.records.public import AlertRecord
from tocsin.records.topics import ALERTS, INCIDENTS, NOTICES

_MAX_RECORDS = 1_000


def incidents(bus: Bus) -> tuple[list[Incident], int]:
    """All incidents, the newest first, and how many rows cannot be read."""
    view = bus.table(INCIDENTS)
    found, unreadable = [], 0
    for value in view.rows.values():
        try:
            found.append(decode_incident(value))
        except BadRecord:
            unreadable += 1
    view.close()
    found.sort(key=lambda incident: incident.detected_at, reverse=True)
    return found, unreadable


def notices(bus: Bus) -> dict[str, Notice]:
    """What was said of each incident, by its id; unreadable rows are left out."""
    if NOTICES not in {topic.name for topic in bus.topics()}:
        return {}  # of an earlier version
    view = bus.table(NOTICES)
    found = {}
    for value in view.rows.values():
        try:
            row = decode_row(value)
        except BadRecord:
            continue
        if isinstance(row, Notice):
            found[row.incident] = row
    view.close()
    return found


def find(known: list[Incident], name: str) -> Incident:
    """The incident with that id, or the only one whose id begins so.

    Raises:
        TocsinError: there is none, or more than one.
    """
    meant = [x for x in known if x.id == name] or [
        x for x in known if x.id.startswith(name)
    ]
    if len(meant) == 1:
        return meant[0]
    ids = [incident.id for incident in meant or known]
    if meant:
        raise TocsinError(
            f"{len(meant)} incidents begin with {name!r}", hint=", ".join(ids[:10])
        )
    near = difflib.get_close_matches(name, ids, n=1)
    raise TocsinError(
        f"there is no incident {name!r}",
        hint=f"did you mean {near[0]}?" if near else "`tocsin incidents list` has all",
    )


def steps(bus: Bus, incident_id: str) -> list[AlertRecord]:
    """The steps in an incident's life, oldest first, as far as the topic keeps them."""
    reader = bus.reader([ALERTS])
    wanted, found = incident_id.encode(), []
    while True:
        for batch in reader.poll(max_records=_MAX_RECORDS, wait_s=0.1):
            rows = zip(batch.records.keys, batch.records.values, strict=True)
            found += [value for key, value in rows if key == wanted]
        if reader.is_caught_up():
            break
    reader.close()
    records = [msgspec.json.decode(value, type=AlertRecord) for value in found]
    return sorted(records, key=lambda record: record.sequence)
