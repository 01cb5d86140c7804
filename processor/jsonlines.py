"""JSON lines to columns: only the known keys are built, by one typed decoder."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

import msgspec
import numpy as np

from processor.columns import Bools, Column, Floats, Ints, column
from processor.times import of_any_form, of_numbers
from processor.zones import Zone
from tocsin.formats import jsonkeys, levels
from tocsin.values import Level

_KEYS = tuple(
    dict.fromkeys(
        (
            *jsonkeys.LEVEL_KEYS,
            *jsonkeys.SEVERITY_NUMBER_KEYS,
            *jsonkeys.TIME_KEYS,
            *jsonkeys.MESSAGE_KEYS,
            jsonkeys.NESTED_MESSAGE[0],
        )
    )
)
_ATTRIBUTE = {key: f"k{number}" for number, key in enumerate(_KEYS)}
_Line: Any = msgspec.defstruct(
    "_Line",
    [(name, Any, None) for name in _ATTRIBUTE.values()],
    rename={name: key for key, name in _ATTRIBUTE.items()},
    gc=False,
)
_decoder = msgspec.json.Decoder(_Line)


@dataclass(frozen=True, slots=True)
class JsonColumns:
    """What JSON lines state. `decoded`: whether a row is a JSON object at all."""

    decoded: Bools
    levels: np.ndarray
    seconds: Floats


def read(values: Sequence[bytes], arrival: Floats, zone: Zone) -> JsonColumns:
    """Read level and time of lines that look like JSON objects."""
    lines = [_decode(value) for value in values]
    decoded = np.array([line is not None for line in lines], np.bool_)
    rows = np.flatnonzero(decoded)
    found = [line for line in lines if line is not None]
    state = np.full(len(values), Level.UNKNOWN, np.uint8)
    state[rows] = _levels(found)
    seconds = np.full(len(values), np.nan)
    seconds[rows] = _seconds(found, arrival[rows], zone)
    return JsonColumns(decoded, state, seconds)


def messages(values: Sequence[bytes]) -> Column:
    """The message of each line; the line itself where it states none."""
    return column([_message(_decode(value)) or value for value in values])


def _decode(value: bytes) -> Any:
    try:
        return _decoder.decode(value)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return _decode_repaired(value)


def _decode_repaired(value: bytes) -> Any:
    """Once more with the bytes that are no UTF-8 replaced."""
    try:
        return _decoder.decode(value.decode("utf-8", "replace"))
    except (msgspec.MsgspecError, RecursionError):
        return None


def _values(lines: Iterable[Any], key: str) -> list[Any]:
    return list(map(attrgetter(_ATTRIBUTE[key]), lines))


def _levels(lines: list[Any]) -> list[Level]:
    """By the first key that means a level; most streams use the same one."""
    found = [Level.UNKNOWN] * len(lines)
    left = list(range(len(lines)))
    for key in jsonkeys.LEVEL_KEYS:
        values = _values((lines[row] for row in left), key)
        for row, value in zip(left, values, strict=True):
            if value is not None:
                found[row] = _level(value)
        left = [row for row in left if found[row] is Level.UNKNOWN]
        if not left:
            return found
    for row in left:
        found[row] = _unusual_level(lines[row])
    return found


_known_levels: dict[tuple[type, str | int], Level] = {}
_MOST_KNOWN = 1000


def _level(value: Any) -> Level:
    kind = type(value)
    if kind is not str and kind is not int:
        return levels.of_value(value)
    known = _known_levels.get((kind, value))
    if known is None:
        known = levels.of_value(value)
        if len(_known_levels) < _MOST_KNOWN:
            _known_levels[kind, value] = known
    return known


def _unusual_level(line: Any) -> Level:
    for key in jsonkeys.SEVERITY_NUMBER_KEYS:
        number = getattr(line, _ATTRIBUTE[key])
        if isinstance(number, int):
            return levels.of_severity_number(number)
    nested = _nested(line, jsonkeys.NESTED_LEVEL)
    if nested is not None:
        return levels.of_value(nested)
    clef_time = getattr(line, _ATTRIBUTE[jsonkeys.CLEF_TIME])
    clef_level = getattr(line, _ATTRIBUTE[jsonkeys.CLEF_LEVEL])
    if clef_time is not None and clef_level is None:
        return Level.INFO
    return Level.UNKNOWN


def _nested(line: Any, path: tuple[str, str]) -> Any:
    outer = getattr(line, _ATTRIBUTE[path[0]])
    return outer.get(path[1]) if isinstance(outer, dict) else None


def _seconds(lines: list[Any], arrival: Floats, zone: Zone) -> Floats:
    found = np.full(len(lines), np.nan)
    left: Ints = np.arange(len(lines))
    for key in (*jsonkeys.TIME_KEYS, None):
        if len(left) == 0:
            break
        part = [lines[row] for row in left]
        stated = (
            _values(part, key)
            if key
            else [_nested(line, jsonkeys.NESTED_TIME) for line in part]
        )
        found[left] = _times(stated, arrival[left], zone)
        left = left[np.isnan(found[left])]
    return found


def _times(stated: list[Any], arrival: Floats, zone: Zone) -> Floats:
    """Times as strings of any form, or as epoch numbers."""
    found = np.full(len(stated), np.nan)
    texts = [row for row, value in enumerate(stated) if type(value) is str]
    if texts:
        rows = np.array(texts)
        written = column([stated[row].encode()[:64] for row in texts])
        found[rows] = of_any_form(written, arrival[rows], zone)
    numbers = [row for row, value in enumerate(stated) if _is_number(value)]
    if numbers:
        found[np.array(numbers)] = of_numbers(
            np.array([float(stated[row]) for row in numbers])
        )
    return found


def _is_number(value: Any) -> bool:
    kind = type(value)
    # An integer beyond a float's range is no time.
    return kind is float or (kind is int and -(10**20) < value < 10**20)


def _message(line: Any) -> bytes:
    if line is None:
        return b""
    for key in jsonkeys.MESSAGE_KEYS:
        text = getattr(line, _ATTRIBUTE[key])
        if isinstance(text, str) and text:
            return text.encode("utf-8", "surrogatepass")
    nested = _nested(line, jsonkeys.NESTED_MESSAGE)
    return nested.encode("utf-8", "surrogatepass") if isinstance(nested, str) else b""
