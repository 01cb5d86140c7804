"""JSON lines to columns: only the known keys are built, by typed decoders.

A decoder builds an object a line, with a place for every key it knows: many places cost
more than the parsing. So all lines are read for the few most usual keys, and only those
that have no level or no time among them once more, for the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from processor.columns import Bools, Column, Floats, Ints, column, texts
from processor.times import of_any_form, of_numbers
from processor.zones import Zone
from tocsin.formats import jsonkeys, levels
from tocsin.values import Level

_USUAL_LEVELS, _OTHER_LEVELS = jsonkeys.LEVEL_KEYS[:4], jsonkeys.LEVEL_KEYS[4:]
_STATUS_DIGITS = 3
_USUAL_TIMES, _OTHER_TIMES = jsonkeys.TIME_KEYS[:5], jsonkeys.TIME_KEYS[5:]


class JsonLines:
    """Decodes JSON objects, of which it keeps some keys."""

    def __init__(self, *keys: str) -> None:
        names = {key: f"k{number}" for number, key in enumerate(dict.fromkeys(keys))}
        shape: Any = msgspec.defstruct(
            "Line",
            [(name, Any, None) for name in names.values()],
            rename={name: key for key, name in names.items()},
            gc=False,
        )
        self._decoder = msgspec.json.Decoder(shape)
        self._getters: dict[str, Callable[[Any], Any]] = {
            key: attrgetter(name) for key, name in names.items()
        }

    def decode(self, values: Sequence[bytes]) -> list[Any]:
        """The lines as objects; None for what is no JSON object."""
        try:
            return list(map(self._decoder.decode, values))
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return [self._decode_one(value) for value in values]

    def stated(self, lines: Sequence[Any], key: str) -> list[Any]:
        """What each line has under a key, or None."""
        return list(map(self._getters[key], lines))

    def nested(self, line: Any, path: tuple[str, str]) -> Any:
        """What a line has under a key of an inner object, or None."""
        outer = self._getters[path[0]](line)
        return outer.get(path[1]) if isinstance(outer, dict) else None

    def _decode_one(self, value: bytes) -> Any:
        # A second time with the bytes that are no UTF-8 replaced.
        for text in (value, value.decode("utf-8", "replace")):
            try:
                return self._decoder.decode(text)
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
                continue
        return None


_usual = JsonLines(*_USUAL_LEVELS, *_USUAL_TIMES)
_every = JsonLines(
    *jsonkeys.LEVEL_KEYS,
    *jsonkeys.SEVERITY_NUMBER_KEYS,
    *jsonkeys.TIME_KEYS,
    jsonkeys.NESTED_LEVEL[0],
    *jsonkeys.STATUS_KEYS,
    *jsonkeys.REQUEST_KEYS,
    *jsonkeys.PARTED_TIME_KEYS,
    jsonkeys.RECORD,
)
_messages = JsonLines(
    *jsonkeys.MESSAGE_KEYS,
    *(path[0] for path in jsonkeys.NESTED_MESSAGES),
    *jsonkeys.LATE_MESSAGE_KEYS,
)


@dataclass(frozen=True, slots=True)
class JsonColumns:
    """What JSON lines state. `decoded`: whether a row is a JSON object at all."""

    decoded: Bools
    levels: npt.NDArray[np.uint8]
    seconds: Floats


def read(values: Sequence[bytes], arrival: Floats, zone: Zone) -> JsonColumns:
    """Read level and time of lines that look like JSON objects."""
    lines = _usual.decode(values)
    decoded = np.ones(len(lines), np.bool_)
    if None in lines:
        decoded[:] = [line is not None for line in lines]
        lines = [line for line in lines if line is not None]
    rows = np.flatnonzero(decoded)
    found = JsonColumns(
        decoded,
        np.full(len(values), Level.UNKNOWN, np.uint8),
        np.full(len(values), np.nan),
    )
    _fill(found, rows, arrival, zone, _Keys(_usual, lines, _USUAL_LEVELS, _USUAL_TIMES))
    open_level = found.levels[rows] == Level.UNKNOWN
    left = rows[open_level | np.isnan(found.seconds[rows])]
    if len(left):
        lines = _every.decode([values[row] for row in left.tolist()])
        keys = _Keys(_every, lines, _OTHER_LEVELS, _OTHER_TIMES)
        _fill(found, left, arrival, zone, keys)
        _fill_unusual(found, left, lines, arrival, zone)
    return found


def messages(values: Sequence[bytes]) -> Column:
    """The message of each line; the line itself where it states none."""
    lines = _messages.decode(values)
    found = list(values)
    left = [row for row, line in enumerate(lines) if line is not None]
    left = _take_stated(found, left, lines, jsonkeys.MESSAGE_KEYS)
    for path in jsonkeys.NESTED_MESSAGES:
        if not left:
            break
        nested = [_messages.nested(lines[k], path) for k in left]
        left = _take_messages(found, left, nested)
    _take_stated(found, left, lines, jsonkeys.LATE_MESSAGE_KEYS)
    return column(found)


def _take_stated(
    found: list[bytes], left: list[int], lines: list[Any], keys: Sequence[str]
) -> list[int]:
    """Take the messages under some keys; the rows that have none."""
    for key in keys:
        if not left:
            break
        stated = _messages.stated(_pick(lines, np.array(left, np.int64)), key)
        left = _take_messages(found, left, stated)
    return left


def _take_messages(found: list[bytes], rows: list[int], stated: list[Any]) -> list[int]:
    """Take the values that are a text; the rows of the others."""
    others = []
    for row, text in zip(rows, stated, strict=True):
        if isinstance(text, str) and text:
            found[row] = text.encode("utf-8", "surrogatepass")
        else:
            others.append(row)
    return others


@dataclass(frozen=True, slots=True)
class _Keys:
    """Decoded lines, and the keys to look at, in their order."""

    decoder: JsonLines
    lines: list[Any]
    levels: Sequence[str]
    times: Sequence[str]


def _fill(
    found: JsonColumns, rows: Ints, arrival: Floats, zone: Zone, keys: _Keys
) -> None:
    """Set the levels and times that are still open, by the first key that has one."""
    for key in keys.levels:
        left = np.flatnonzero(found.levels[rows] == Level.UNKNOWN)
        if len(left) == 0:
            break
        stated = keys.decoder.stated(_pick(keys.lines, left), key)
        found.levels[rows[left]] = _levels_of(stated)
    for key in keys.times:
        left = np.flatnonzero(np.isnan(found.seconds[rows]))
        if len(left) == 0:
            break
        stated = keys.decoder.stated(_pick(keys.lines, left), key)
        at = rows[left]
        found.seconds[at] = _times(stated, arrival[at], zone)


def _fill_unusual(
    found: JsonColumns, rows: Ints, lines: list[Any], arrival: Floats, zone: Zone
) -> None:
    for k in np.flatnonzero(found.levels[rows] == Level.UNKNOWN).tolist():
        found.levels[rows[k]] = _unusual_level(lines[k])
    left = np.flatnonzero(np.isnan(found.seconds[rows]))
    stated = [_unusual_time(lines[k]) for k in left.tolist()]
    found.seconds[rows[left]] = _times(stated, arrival[rows[left]], zone)


def _pick(lines: list[Any], rows: Ints) -> list[Any]:
    return lines if len(rows) == len(lines) else [lines[k] for k in rows.tolist()]


def _levels_of(stated: list[Any]) -> npt.NDArray[np.uint8]:
    """Each value's level; where all are of one plain type, each distinct one once."""
    if set(map(type, stated)) in ({str}, {int}):
        # Plain numbers: numpy takes members of an enumeration far more slowly.
        known = {value: int(levels.of_value(value)) for value in set(stated)}
        found = map(known.__getitem__, stated)
    else:
        found = map(int, map(levels.of_value, stated))
    return np.fromiter(found, np.uint8, len(stated))


def _unusual_time(line: Any) -> Any:
    """A time in an inner object: one value, or seconds and nanoseconds."""
    for key in jsonkeys.PARTED_TIME_KEYS:
        time = _stated(line, key)
        if not isinstance(time, dict):
            continue
        for whole, part in jsonkeys.TIME_PARTS:
            seconds, nanos = time.get(whole), time.get(part, 0)
            if _is_number(seconds) and _is_number(nanos):
                return seconds + nanos / 1e9
    record = _stated(line, jsonkeys.RECORD)
    if isinstance(record, dict):
        outer, inner = jsonkeys.RECORD_TIME
        time = record.get(outer)
        return time.get(inner) if isinstance(time, dict) else None
    return _every.nested(line, jsonkeys.NESTED_TIME)


def _unusual_level(line: Any) -> Level:
    for key in jsonkeys.SEVERITY_NUMBER_KEYS:
        (number,) = _every.stated([line], key)
        if isinstance(number, int):
            return levels.of_severity_number(number)
    nested = _every.nested(line, jsonkeys.NESTED_LEVEL)
    if nested is None:
        nested = _every.nested(line, (jsonkeys.RECORD, jsonkeys.RECORD_LEVEL))
    if nested is not None:
        return levels.of_value(nested)
    (clef_time,) = _every.stated([line], jsonkeys.CLEF_TIME)
    (clef_level,) = _every.stated([line], jsonkeys.CLEF_LEVEL)
    if clef_time is not None and clef_level is None:
        return Level.INFO
    return _level_of_status(line)


def _level_of_status(line: Any) -> Level:
    """The level of an answer to an HTTP request; UNKNOWN for all other lines."""
    if not any(isinstance(_stated(line, key), str) for key in jsonkeys.REQUEST_KEYS):
        return Level.UNKNOWN
    for key in jsonkeys.STATUS_KEYS:
        status = str(_stated(line, key))
        if status.isdecimal() and len(status) == _STATUS_DIGITS:
            return levels.of_status(status)
    return Level.UNKNOWN


def _stated(line: Any, key: str) -> Any:
    (value,) = _every.stated([line], key)
    return value


def _times(stated: list[Any], arrival: Floats, zone: Zone) -> Floats:
    """Times as strings of any form, or as epoch numbers."""
    kinds = set(map(type, stated))
    if kinds == {str}:
        return of_any_form(texts(stated), arrival, zone)
    if kinds == {float}:
        return of_numbers(np.array(stated))
    found = np.full(len(stated), np.nan)
    written = [row for row, value in enumerate(stated) if type(value) is str]
    if written:
        at = np.array(written)
        strings = texts([stated[row] for row in written])
        found[at] = of_any_form(strings, arrival[at], zone)
    numbers = [row for row, value in enumerate(stated) if _is_number(value)]
    if numbers:
        floats = np.array([float(stated[row]) for row in numbers])
        found[np.array(numbers)] = of_numbers(floats)
    return found


def _is_number(value: Any) -> bool:
    kind = type(value)
    # An integer beyond a float's range is no time.
    return kind is float or (kind is int and -(10**20) < value < 10**20)
