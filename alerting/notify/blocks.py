"""A message in Slack's blocks. Pure.

Slack's limits: 50 blocks, 150 characters a header, 3,000 a section's text, 10 fields of
2,000. Log text stands in code spans and code blocks, with `&`, `<` and `>` escaped (in
that order, and nothing else, as Slack asks) and backticks defused, so it can neither
end the code nor mention, link or format anything; `verbatim` keeps Slack from guessing.
"""

from __future__ import annotations

from typing import Any

from alerting.incident import SELF
from alerting.message import Message, clock_time, delay
from alerting.text import cut

_HEADER, _SECTION, _FIELD = 150, 3000, 2000
_MAX_BLOCK_ID = 255
# Of 3,000 characters a section; Slack refuses blocks of much more than 13,000 in all.
_TABLE_ROOM, _TABLES_ROOM = 2900, 12_000
_TICK = "\u02cb"  # looks like a backtick and is none

Block = dict[str, Any]


def escape(text: str) -> str:
    """Text that Slack shows as it is, where mrkdwn is read."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def code(text: str) -> str:
    """Text as the inside of code; escaped, and unable to end the code."""
    return escape(text.replace("`", _TICK))


def blocks(message: Message, *, sent_at: float) -> list[Block]:
    """The message in blocks; new block ids each time, so that an edit is redrawn."""
    parts = [
        _header(message.header),
        _section(escape(cut(message.why, _SECTION // 6))),
        _fields(message),
        *_table(message),
        _code_section(f"Top {message.noun}", _template_lines(message)),
        _code_section("Samples", _sample_lines(message)),
        _links(message),
        _context(message, sent_at),
    ]
    made = [part for part in parts if part is not None]
    prefix = f"{message.incident}-{message.sequence}"[: _MAX_BLOCK_ID - 4]
    return [{"block_id": f"{prefix}-{i}", **part} for i, part in enumerate(made)]


def fallback(message: Message) -> str:
    """The text of notifications, and of the message where blocks are refused."""
    return escape(cut(message.on_a_phone, 1000))


def plain(message: Message) -> str:
    """The whole message as text, for when Slack refuses the blocks."""
    lines = [
        message.summary,
        *message.table,
        *_template_lines(message),
        *_sample_lines(message),
    ]
    return escape(cut("\n".join(lines).replace("`", _TICK), _SECTION // 2))


def _header(text: str) -> Block:
    shown = {"type": "plain_text", "text": cut(text, _HEADER), "emoji": False}
    return {"type": "header", "text": shown}


def _section(text: str) -> Block:
    return {"type": "section", "text": _mrkdwn(text)}


def _mrkdwn(text: str) -> Block:
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def _table(message: Message) -> list[Block]:
    """The incidents of a storm or a digest, as many as a message may hold."""
    sections: list[list[str]] = [[]]
    room, left = _TABLE_ROOM, _TABLES_ROOM
    for number, line in enumerate(message.table):
        safe = code(line)
        room, left = room - len(safe) - 1, left - len(safe) - 1
        if left < 0:
            more = len(message.table) - number
            sections[-1].append(f"and {more:,} more: tocsin incidents list")
            break
        if room < 0:
            sections.append([])
            room = _TABLE_ROOM - len(safe) - 1
        sections[-1].append(safe)
    return [_section("```\n" + "\n".join(x) + "\n```") for x in sections if x]


def _fields(message: Message) -> Block | None:
    if not message.fields:
        return None
    # An escaped character takes up to five, so a sixth of the limit always fits.
    shown = [(name, code(cut(value, _FIELD // 6))) for name, value in message.fields]
    fields = [_mrkdwn(f"*{name}*\n`{value}`") for name, value in shown[:10]]
    return {"type": "section", "fields": fields}


def _code_section(title: str, lines: list[str]) -> Block | None:
    if not lines:
        return None
    room = _SECTION - len(title) - 20
    kept: list[str] = []
    for line in lines:
        safe = code(line)
        while len(safe) > room and line:
            line = cut(line, len(line) // 2)  # noqa: PLW2901 - until it fits
            safe = code(line)
        kept.append(safe)
        room -= len(safe) + 1
    return _section(f"*{title}*\n```\n" + "\n".join(kept) + "\n```")


def _links(message: Message) -> Block | None:
    """Links of the configuration; their values are quoted."""
    shown = [
        f"<{escape(address)}|{code(cut(name, 40)).replace('|', ' ')}>"
        for name, address in message.links
        if not set(address) & set("<>|") and len(address) < _SECTION // 10
    ]
    return _section(" · ".join(shown[:10])) if shown else None


def _template_lines(message: Message) -> list[str]:
    lines = [
        f"{x.count:>6,} × {'NEW ' if x.is_new else ''}{x.text}"
        for x in message.templates
    ]
    if message.more_errors:
        lines.append(f"{message.more_errors:>6,} × others")
    return lines


def _sample_lines(message: Message) -> list[str]:
    return [part for x in message.samples for part in (x.text, f"    {x.place}")]


def _context(message: Message, sent_at: float) -> Block | None:
    if message.table:
        return None
    parts = [delays(message, sent_at)]
    if message.spark:
        peak = f"last 60 s, peak {message.spark_peak:,}/s"
        parts.insert(0, f"`{message.spark}` {peak}")
    return {"type": "context", "elements": [_mrkdwn(x) for x in parts]}


def delays(message: Message, sent_at: float) -> str:
    """How long each step took for the line that opened it, from its time on.

    Up to the sending in the first message; an edit comes later by design.
    """
    times = message.arrival
    first = message.kind == "opened"
    if not times.written_at:
        return _without_line(message, sent_at if first else None)
    read = delay(times.read_at - times.written_at)
    processed = delay(times.processed_at - times.read_at)
    told_at = sent_at if first else message.detected_at
    told = f"{'sent' if first else 'noticed'} +{delay(told_at - times.processed_at)}"
    return f"latest line written, read +{read}, processed +{processed}, {told}"


def _without_line(message: Message, sent_at: float | None) -> str:
    """The same where no line made the rule fire: silence, a share, Tocsin itself."""
    until = clock_time(message.fired_at).split()[1]
    if message.labels.get("rule") == SELF:
        return f"Tocsin about itself, noticed at {until} UTC"
    noticed = delay(message.detected_at - message.fired_at)
    told = f"no one line behind it: looked at until {until} UTC, noticed +{noticed}"
    if sent_at is None:
        return told
    return f"{told}, sent +{delay(sent_at - message.detected_at)}"
