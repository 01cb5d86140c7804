"""Records of the bus as lines that a person reads, and as JSON for programs.

Log text is hostile to a terminal: control characters are shown, never sent.
"""

from __future__ import annotations

import time
from typing import Any

import msgspec

from tocsin.app.tapping import Tapped
from tocsin.errors import BadRecord
from tocsin.records.frames import Frame, Pane, decode_frame
from tocsin.records.keys import Mark, RawKey, parse_key
from tocsin.records.topics import LOG_METRICS, RAW_LOGS

_MAX_CHARACTERS = 2_000


def clock_text(at: float) -> str:
    """Unix seconds as this machine's time of day, with milliseconds."""
    return (
        f"{time.strftime('%H:%M:%S', time.localtime(at))}.{int(at * 1000) % 1000:03d}"
    )


def visible(text: str) -> str:
    """Text that moves no cursor and rings no bell, cut at a sane length."""
    if len(text) > _MAX_CHARACTERS:
        text = text[:_MAX_CHARACTERS] + "…"
    return "".join(c if c.isprintable() else _escaped(c) for c in text)


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def readable(record: Tapped) -> str:
    """A record as one line."""
    head = f"{clock_text(record.at)}  {record.topic}/{record.partition}"
    try:
        return f"{head}  {_body(record)}"
    except BadRecord as error:
        return f"{head}  {visible(str(error))}"


def as_json(record: Tapped) -> str:
    """A record as one JSON object; the value as JSON where it is some."""
    shown = {
        "topic": record.topic,
        "partition": record.partition,
        "timestamp": record.at,
        "key": record.key.decode("utf-8", "replace"),
        "value": _value(record),
    }
    return msgspec.json.encode(shown).decode()


def _value(record: Tapped) -> Any:
    if record.topic != RAW_LOGS:
        try:
            return msgspec.json.decode(record.value)
        except msgspec.MsgspecError:
            pass
    return record.value.decode("utf-8", "replace")


def _body(record: Tapped) -> str:
    if record.topic == RAW_LOGS:
        return _raw_line(parse_key(record.key), record.value)
    if record.topic == LOG_METRICS:
        return _frame(decode_frame(record.value))
    return _fields(record)


def _raw_line(key: RawKey, value: bytes) -> str:
    mark = f" ({key.mark.value[1:]})" if key.mark is not Mark.NONE else ""
    origin = visible(f"{key.service} {key.file_id}:{key.offset}{mark}")
    return f"{origin}  {visible(value.decode('utf-8', 'replace'))}"


def _frame(frame: Frame) -> str:
    state = "caught up" if frame.caught_up else "behind"
    covered = f"raw-logs/{frame.source} [{frame.lo},{frame.hi}) {state}"
    panes = "; ".join(_pane(pane) for pane in frame.panes)
    return f"{covered}  watermark {clock_text(frame.watermark)}  {panes or 'heartbeat'}"


def _pane(pane: Pane) -> str:
    second = time.strftime("%H:%M:%S", time.localtime(pane.second))
    return visible(f"{pane.service} {second} {pane.lines} lines, {pane.errors} errors")


def _fields(record: Tapped) -> str:
    value = _value(record)
    key = visible(record.key.decode("utf-8", "replace"))
    if not isinstance(value, dict):
        return f"{key}  {visible(str(value))}"
    fields = " ".join(f"{name}={_short(inner)}" for name, inner in value.items())
    return f"{key}  {visible(fields)}"


def _short(value: Any) -> str:
    """A value of a flat record; of a list only its length, `--json` has it all."""
    if isinstance(value, list):
        return f"[{len(value)}]"
    if isinstance(value, str) and " " in value:
        return f'"{value}"'
    return f"{value:.3f}" if isinstance(value, float) else str(value)
