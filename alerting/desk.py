"""The desk: from what happened to incidents to the messages that channels should show.

Pure: no I/O and no clock. It knows all incidents, what was said of them (notices) and
the storms; whoever uses it commits what `changed` gives together with the rows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from alerting.acknowledgement import Acknowledgement
from alerting.bundle import Bundle, StormWatch, advanced, describe_bundle, digest
from alerting.incident import Incident, Kind
from alerting.inhibition import Inhibition, inhibitor, sources
from alerting.intervals import MuteInterval, muted_by
from alerting.message import Message, describe, filled
from alerting.notice import Circumstances, Judgement, Notice, Standing, judge
from alerting.outbox import Desired
from alerting.routing import Routing
from alerting.silences import Silence, covering

_DIGEST_AFTER_S = 10.0  # so long nothing old was found: the downtime is read through


@dataclass(frozen=True, slots=True)
class Rules:
    """What is configured: who is told, what keeps quiet, when people are reminded.

    `channels`: the channel of each receiver.
    """

    routing: Routing
    channels: Mapping[str, str]
    intervals: Sequence[MuteInterval] = ()
    inhibitions: Sequence[Inhibition] = ()
    silences: Sequence[Silence] = ()
    renotify_s: Sequence[float] = ()
    storm: int = 10
    links: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Orders:
    """What people ordered while it runs: silences, acknowledgements by incident."""

    silences: Sequence[Silence] = ()
    acknowledgements: Mapping[str, Acknowledgement] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Change:
    """What happened to an incident, and its errors of the last minute."""

    incident: Incident
    kind: Kind
    spark: tuple[int, ...] = ()


class Desk:
    """All notices and storms; lives as long as its process is the active one."""

    def __init__(
        self,
        rules: Rules,
        *,
        incidents: Iterable[Incident] = (),
        notices: Iterable[Notice] = (),
        bundles: Iterable[Bundle] = (),
    ) -> None:
        self.incidents = {x.id: x for x in incidents}
        self.notices = {x.incident: x for x in notices}
        self.bundles = {x.id: x for x in bundles}
        self._rules = rules
        self._open = {x.id: x for x in self.incidents.values() if x.is_open}
        self._late = {
            x.id for x in self.incidents.values() if self._is_late(x, self._notice(x))
        }
        self._late_at = 0.0
        self._sources: list[Incident] = []  # that may keep others quiet
        self._sparks: dict[str, tuple[int, ...]] = {}
        self._changed: dict[str, Notice | Bundle] = {}
        self._watches = {x: self._watch(x) for x in rules.channels.values()}

    def take(
        self,
        incidents: Iterable[Incident],
        changes: Iterable[Change],
        orders: Orders,
        *,
        now: float,
        is_caught_up: bool,
    ) -> list[Desired]:
        """Take in what changed and the time; the messages that are new or different.

        `incidents`: those that changed in any way; `changes`: what is worth telling.
        """
        dirty = self._note(incidents)
        self._sources = sources(self._rules.inhibitions, self._open.values())
        kinds = self._kinds(changes)
        judged = {
            name: self._judge(name, kinds.get(name), orders, now)
            for name in {**self._open, **kinds}
            if name in self.incidents
        }
        rows = self._gathered(judged, now)
        rows += self._storms(dirty, now)
        if is_caught_up:
            rows += self._digest(now)
        return rows

    def changed(self) -> dict[str, Notice | Bundle]:
        """The notices and bundles that changed since the last call, by key."""
        changed, self._changed = self._changed, {}
        return changed

    def forget(self, incidents: Iterable[Incident]) -> list[str]:
        """Let go of old incidents; the keys of what is gone with them."""
        gone = []
        for incident in incidents:
            self.incidents.pop(incident.id, None)
            self.notices.pop(incident.id, None)
            self._late.discard(incident.id)
            gone.append(incident.id)
        for bundle in list(self.bundles.values()):
            if not any(x in self.incidents for x in bundle.members):
                del self.bundles[bundle.id]
                gone.append(bundle.id)
        return gone

    def _notice(self, incident: Incident) -> Notice:
        return self.notices.get(incident.id) or Notice(incident=incident.id)

    def _watch(self, channel: str) -> StormWatch:
        watch = StormWatch(channel, self._rules.storm)
        watch.restore(
            [
                (x.told_at, x.incident)
                for x in self.notices.values()
                if channel in x.channels and x.told_at
            ],
            [
                x
                for x in self.bundles.values()
                if x.channel == channel and x.kind == "storm"
            ],
        )
        return watch

    def _note(self, incidents: Iterable[Incident]) -> set[str]:
        dirty = set()
        for incident in incidents:
            dirty.add(incident.id)
            self.incidents[incident.id] = incident
            if incident.is_open:
                self._open[incident.id] = incident
            else:
                self._open.pop(incident.id, None)
        return dirty

    def _kinds(self, changes: Iterable[Change]) -> dict[str, Kind]:
        """The most telling change of each incident: a batch may hold several."""
        kinds: dict[str, Kind] = {}
        for change in changes:
            name = change.incident.id
            self._sparks[name] = change.spark
            if kinds.get(name) != "opened":
                is_less = kinds.get(name) == "escalated" and change.kind == "updated"
                kinds[name] = "escalated" if is_less else change.kind
        return kinds

    def _judge(
        self, name: str, change: Kind | None, orders: Orders, now: float
    ) -> Judgement:
        incident = self.incidents[name]
        before = self._notice(incident)
        judged = judge(
            before, incident, change, self._given(incident, orders, now), now=now
        )
        if judged.notice != before:
            self._set(judged.notice)
        if self._is_late(incident, judged.notice) and name not in self._late:
            self._late.add(name)
            self._late_at = now
        return judged

    def _given(self, incident: Incident, orders: Orders, now: float) -> Circumstances:
        rules, labels = self._rules, incident.labels
        told, muted = [], ""
        for receiver, names in rules.routing.receivers(labels).items():
            interval = muted_by(rules.intervals, names, now) if names else None
            if interval is not None:
                muted = interval
            elif receiver in rules.channels:
                told.append(rules.channels[receiver])
        silences = (*rules.silences, *orders.silences)
        source = inhibitor(rules.inhibitions, incident, self._sources)
        return Circumstances(
            channels=tuple(told),
            renotify_s=rules.renotify_s,
            muted=muted,
            silence=covering(silences, labels, now),
            inhibitor=source.id if source else "",
            acknowledgement=orders.acknowledgements.get(incident.id),
        )

    def _gathered(self, judged: Mapping[str, Judgement], now: float) -> list[Desired]:
        """The rows of what is told; those of storms come first."""
        fresh: defaultdict[str, list[str]] = defaultdict(list)
        for name, judgement in judged.items():
            for channel in judgement.fresh:
                fresh[channel].append(name)
        rows = []
        for channel, names in fresh.items():
            storm = self._watches[channel].gather(names, now)
            if storm is None:
                continue
            self._set(storm)
            rows.append(self._bundle_row(storm, now))
            for name in names:
                notice = self.notices[name]
                parents = {**notice.parents, channel: storm.id}
                self._set(msgspec.structs.replace(notice, parents=parents))
        for name, judgement in judged.items():
            if judgement.tells is not None:
                rows += self._rows(name, judgement.tells, now)
        return rows

    def _rows(self, name: str, kind: Kind, now: float) -> list[Desired]:
        incident, notice = self.incidents[name], self.notices[name]
        message = describe(
            incident, kind, self._sparks.get(name, ()), now=now, notice=notice
        )
        links = filled(self._rules.links, incident, now=now)
        message = msgspec.structs.replace(message, links=links)
        if not incident.is_open:
            self._sparks.pop(name, None)
        held = Standing[notice.standing].is_held
        return [
            Desired(
                channel=channel,
                message=_for_channel(message, notice, channel, is_held=held),
                queued_at=now,
                since=notice.told_at,
            )
            for channel in notice.channels
        ]

    def _storms(self, dirty: set[str], now: float) -> list[Desired]:
        rows = []
        for storm in list(self.bundles.values()):
            if storm.kind != "storm" or not (storm.is_open or not storm.note_sequence):
                continue
            later = advanced(storm, self.incidents, dirty, now)
            if later is None:
                continue
            self._set(later)
            watch = self._watches.get(later.channel)
            if watch is not None and watch.storm and watch.storm.id == later.id:
                watch.storm = later
            rows.append(self._bundle_row(later, now))
        return rows

    def _digest(self, now: float) -> list[Desired]:
        """One message a channel about what was found too late to page."""
        if not self._late or now - self._late_at < _DIGEST_AFTER_S:
            return []
        members: defaultdict[str, list[str]] = defaultdict(list)
        for name in self._late:
            incident = self.incidents[name]
            for channel in self._given(incident, Orders(), now).channels:
                members[channel].append(name)
            notice = self._notice(incident)
            self._set(msgspec.structs.replace(notice, in_digest=True))
        self._late.clear()
        rows = []
        for channel, names in members.items():
            bundle = digest(channel, names, now)
            self._set(bundle)
            rows.append(self._bundle_row(bundle, now))
        return rows

    def _is_late(self, incident: Incident, notice: Notice) -> bool:
        """Whether it waits for the digest; one that is still pending does not."""
        is_real = not incident.is_pending and incident.reason != "NOT_LONG_ENOUGH"
        return not incident.paged and is_real and not notice.in_digest

    def _set(self, row: Notice | Bundle) -> None:
        if isinstance(row, Notice):
            self.notices[row.incident] = row
            self._changed[row.incident] = row
        else:
            self.bundles[row.id] = row
            self._changed[row.id] = row

    def _bundle_row(self, bundle: Bundle, now: float) -> Desired:
        return Desired(
            channel=bundle.channel,
            message=describe_bundle(bundle, self.incidents, now=now),
            queued_at=now,
            since=bundle.started_at,
        )


def _for_channel(
    message: Message, notice: Notice, channel: str, *, is_held: bool
) -> Message:
    """The message as one channel gets it: below its storm, and noisy or not."""
    return msgspec.structs.replace(
        message,
        parent=notice.parents.get(channel, ""),
        note_sequence=0 if is_held else notice.note_sequence,
    )
