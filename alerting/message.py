"""What people are told of an incident, before any channel's syntax.

A `Message` holds text that is harmless already (see alerting.text) but not escaped:
each notifier escapes for its own display. It travels in the outbox.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from urllib.parse import quote

import msgspec

from alerting.evidence import TemplateTally
from alerting.incident import SELF, Arrival, Incident, Kind, Reason
from alerting.notice import Notice, Phrase, Verdict, phrase
from alerting.text import cut, one_line
from tocsin.records.public import AlertRecord

_BARS = "▁▂▃▄▅▆▇█"
_MAX_NAME, _MAX_TEMPLATE, _MAX_SAMPLE = 80, 200, 600
_AROUND_S = 600.0  # a picture begins and ends so far around the incident
_SHOWN_TEMPLATES, _SHOWN_SAMPLES, _SHOWN_HOSTS = 3, 3, 3


class TemplateLine(msgspec.Struct, frozen=True):
    """A template as a line of the message."""

    count: int
    text: str
    is_new: bool


class SampleLine(msgspec.Struct, frozen=True):
    """A line of the log and where it stands."""

    text: str
    place: str


class Message(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A message about an incident; `icon` and `title` are its header.

    `note`: what is said below it so that people notice, as of `note_sequence`.
    `links`: names and addresses, made of configured ones alone.
    `parent`: the message below which it belongs, while there is a storm. `table`: the
    incidents of a storm or a digest, a line each. `fired_at`: the second that the rule
    looked at when it fired.
    """

    incident: str
    sequence: int
    kind: Kind
    is_open: bool
    icon: str
    title: str
    why: str
    fields: tuple[tuple[str, str], ...]
    templates: tuple[TemplateLine, ...] = ()
    more_errors: int = 0
    samples: tuple[SampleLine, ...] = ()
    spark: str = ""
    spark_peak: int = 0
    arrival: Arrival = Arrival()
    detected_at: float = 0.0
    fired_at: float = 0.0
    reason: str = ""
    labels: dict[str, str] = {}
    opened_at: float = 0.0
    note: str = ""
    note_sequence: int = 0
    parent: str = ""
    table: tuple[str, ...] = ()
    links: tuple[tuple[str, str], ...] = ()
    noun: str = "errors"  # what the templates are of

    @property
    def header(self) -> str:
        """The first line, which a phone shows."""
        return f"{self.icon} {self.title}"

    @property
    def summary(self) -> str:
        """Header and reason in one line."""
        return f"{self.header} - {self.why}"

    @property
    def on_a_phone(self) -> str:
        """The same, and what most of the lines say."""
        top = self.templates[0].text if self.is_open and self.templates else ""
        is_told = not top or top in self.why
        return self.summary if is_told else f"{self.summary}; {top}"


def describe(
    incident: Incident,
    kind: Kind,
    spark: Sequence[int],
    *,
    now: float,
    notice: Notice | None = None,
) -> Message:
    """The message about an incident; `now`: Unix seconds, for its duration.

    `notice`: what was said of it so far, and what keeps it from people.
    """
    shown = incident.evidence.templates[:_SHOWN_TEMPLATES]
    rest = incident.errors - sum(x.count for x in shown)
    return Message(
        incident=incident.id,
        sequence=notice.sequence if notice else incident.sequence,
        kind=kind,
        is_open=incident.is_open,
        icon=_icon(incident),
        title=_title(incident),
        why=_why(incident, now),
        fields=_fields(incident, notice, now),
        templates=tuple(_template(x) for x in shown),
        more_errors=max(0, rest) if shown else 0,
        samples=tuple(_sample(x) for x in shown[:_SHOWN_SAMPLES]),
        spark=sparkline(spark) if incident.is_open else "",
        spark_peak=max(spark, default=0),
        arrival=incident.arrival,
        detected_at=incident.detected_at,
        fired_at=incident.fired_at,
        reason=incident.reason,
        labels={x: cut(one_line(y), _MAX_NAME) for x, y in incident.labels.items()},
        opened_at=incident.opened_at,
        note=_note(incident, notice, now) if notice else "",
        note_sequence=notice.note_sequence if notice else 0,
        noun="errors" if incident.are_errors else "lines",
    )


def filled(
    links: Mapping[str, str], incident: Incident, *, now: float
) -> tuple[tuple[str, str], ...]:
    """Addresses, by name, for an incident; `{service}` and the like are filled in.

    Values are quoted, so none can leave its place.
    """
    until = now if incident.resolved_at is None else incident.resolved_at
    values = {
        "{service}": quote(incident.service, safe="", errors="replace"),
        "{incident}": quote(incident.id, safe=""),
        "{rule}": quote(incident.rule, safe=""),
        "{from_ms}": str(int((incident.opened_at - _AROUND_S) * 1000)),
        "{to_ms}": str(int((until + _AROUND_S) * 1000)),
    }
    return tuple(
        (name, re.sub(r"\{\w+\}", lambda x: values.get(x[0], x[0]), address))
        for name, address in links.items()
    )


def sparkline(counts: Sequence[int]) -> str:
    """A bar for each count, the highest one full."""
    top = max(counts, default=0)
    if top == 0:
        return _BARS[0] * len(counts)
    return "".join(_BARS[-(-x * (len(_BARS) - 1) // top)] for x in counts)


def alert_record(incident: Incident, kind: Kind, now: float) -> AlertRecord:
    """The step in the incident's life as a record of the topic alerts."""
    return AlertRecord(
        incident=incident.id,
        sequence=incident.sequence,
        event=kind,
        at=now,
        rule=incident.rule,
        service=incident.service,
        severity=incident.severity,
        reason=_why(incident, now),
        opened_at=incident.opened_at,
        detected_at=incident.detected_at,
        resolved_at=incident.resolved_at,
        count=incident.errors,
        expected=incident.trigger.expected,
        window_s=incident.trigger.window_s,
        templates=[x.text for x in incident.evidence.templates],
        samples=[x.sample.text for x in incident.evidence.templates[:3]],
    )


def span(seconds: float) -> str:
    """A length of time as a person says it: 45 s, 2 m 10 s, 1 h 5 m, 3 d 4 h."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} m {whole % 60} s"
    if whole < 2 * 86_400:
        return f"{whole // 3600} h {whole % 3600 // 60} m"
    return f"{whole // 86_400} d {whole % 86_400 // 3600} h"


def delay(seconds: float) -> str:
    """A delay as a person says it; clocks of two machines may disagree."""
    if seconds < 0:
        return "0 ms"
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else span(seconds)


def clock_time(at: float) -> str:
    """An instant in UTC, to the second."""
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(at))


def _icon(incident: Incident) -> str:
    if not incident.is_open:
        return "✅"
    return "🔴" if incident.severity == "critical" else "🟠"


def _title(incident: Incident) -> str:
    of = "Tocsin" if incident.rule == SELF else str(incident.of)
    name = cut(one_line(of), _MAX_NAME)
    done = "" if incident.is_open else " resolved"
    return f"{name}: {one_line(incident.headline) or 'ERROR burst'}{done}"


def _why(incident: Incident, now: float) -> str:
    if not incident.is_open:
        lasted = span(incident.duration_s(now))
        is_normal = incident.reason == Reason.NEW_NORMAL.name
        how = "taken as the new normal" if is_normal else "over"
        if incident.headline and not incident.errors:
            return f"{how} after {lasted}"
        return f"{how} after {lasted}: {incident.total}, peak {incident.peak:,}/s"
    if incident.why:
        return one_line(incident.why)
    found = incident.trigger
    times = found.count / found.expected if found.expected >= 0.05 else None
    factor = "" if times is None else f" (×{_number(times)})"
    shares = f"{_percent(found.share_before)} → {_percent(found.share)}"
    return (
        f"{found.count:,} ERROR in {found.window_s} s, expected "
        f"{_number(found.expected)}{factor}; error share {shares}"
    )


def _fields(
    incident: Incident, notice: Notice | None, now: float
) -> tuple[tuple[str, str], ...]:
    hosts = [cut(one_line(x), _MAX_NAME) for x in incident.evidence.hosts]
    more = f" and {len(hosts) - _SHOWN_HOSTS} more" if len(hosts) > _SHOWN_HOSTS else ""
    return (
        ("State", _state(incident, notice, now)),
        ("Severity", incident.severity),
        ("Since", clock_time(incident.opened_at)),
        ("Duration", span(incident.duration_s(now))),
        *_counts(incident),
        *([("Hosts", ", ".join(hosts[:_SHOWN_HOSTS]) + more)] if hosts else []),
        ("Rule", incident.rule),
        ("Incident", incident.id),
    )


def _counts(incident: Incident) -> tuple[tuple[str, str], ...]:
    """The numbers of errors; a rule that counts none, such as absence, has none."""
    if incident.headline and not incident.errors:
        return ()
    return (
        ("Errors" if incident.are_errors else "Lines", f"{incident.errors:,}"),
        ("Peak", f"{incident.peak:,}/s"),
        ("Baseline", f"{_number(incident.trigger.rate_before)}/s"),
    )


def _state(incident: Incident, notice: Notice | None, now: float) -> str:
    """One word, and what a person has to know of it."""
    word = phrase(incident, notice, now=now)
    said = [word.value]
    by = cut(one_line(notice.standing_by), _MAX_NAME) if notice else ""
    if word is Phrase.STALE:
        said.append("no news from the processor")
    elif by and word in {Phrase.SILENCED, Phrase.INHIBITED, Phrase.MUTED}:
        said[0] = f"{word.value} by {by}"
    elif notice and notice.acked_by and incident.is_open:
        who = cut(one_line(notice.acked_by), _MAX_NAME)
        comment = cut(one_line(notice.ack_comment), _MAX_TEMPLATE)
        acked = f"acknowledged by {who}" + (f": {comment}" if comment else "")
        said = [acked] if word is Phrase.ACKED else [*said, acked]
    if incident.is_flapping and incident.is_open:
        said.append(f"flapping: came back {len(incident.reopenings)} × in an hour")
    elif incident.reopened and incident.is_open:
        said.append(f"came back {incident.reopened} ×")
    return ", ".join(said)


def _note(incident: Incident, notice: Notice, now: float) -> str:
    """What is said below the message, so that people notice it again."""
    head = f"{_icon(incident)} {_title(incident)}"
    if notice.note == Verdict.ESCALATED.name:
        return f"{head} is critical now: {_why(incident, now)}"
    lasted = span(incident.duration_s(now))
    return f"{head} still goes on after {lasted}, and nobody acknowledged it"


def _template(tally: TemplateTally) -> TemplateLine:
    text = cut(one_line(tally.text), _MAX_TEMPLATE)
    return TemplateLine(tally.count, text, tally.is_new)


def _sample(tally: TemplateTally) -> SampleLine:
    sample = tally.sample
    place = f"{cut(one_line(sample.path), 300)} at byte {sample.offset:,}"
    return SampleLine(cut(one_line(sample.text), _MAX_SAMPLE), place)


def _number(value: float) -> str:
    if value >= 10:
        return f"{value:,.0f}"
    return f"{value:.2g}" if value >= 0.001 else "0"


def _percent(share: float) -> str:
    percent = 100 * share
    if percent >= 99.95:
        return "100 %"
    return f"{percent:.1f} %" if percent >= 0.1 else f"{percent:.2g} %"
