"""Values that are fine alone and not together."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tocsin.config.mistake import Key, Layer, Mistake, Place, dotted
from tocsin.config.rule_mistakes import rule_mistakes
from tocsin.records.text import NEWLINE, chosen_text, encoding_of, ending_of

_BUILT_IN = ("slack", "slack-webhook", "terminal")
"""The names of the receivers that need no entry in `alerting.receivers`."""

_Known = tuple[set[object], set[object]]  # receivers, mute intervals
_ABSENT = {
    "receivers": "there is no receiver {name!r}; add it to alerting.receivers",
    "mute": "there is no interval {name!r}; add it to alerting.mute_intervals",
}


def contradictions(layer: Layer) -> list[Mistake]:
    """What does not fit together, each with its place."""
    alerting = _section(layer.values.get("alerting"))
    slack = _section(alerting.get("slack"))
    return [
        *_bot_without_channel(layer, slack),
        *_receivers(layer, alerting, slack),
        *_routes(layer, alerting),
        *_labels(layer, alerting),
        *_text(layer, _section(layer.values.get("collector"))),
        *rule_mistakes(layer, _items(alerting, "rules")),
    ]


def _text(layer: Layer, collector: Mapping[str, Any]) -> Iterator[Mistake]:
    encoding = collector.get("encoding") or ""
    delimiter = collector.get("delimiter") or NEWLINE
    try:
        encoding_of(encoding or "utf-8")
        ending_of(delimiter)
    except (TypeError, ValueError):
        return  # one of them is wrong by itself
    try:
        chosen_text(encoding, delimiter)
    except ValueError as error:
        yield _at(layer, ("collector", "delimiter"), str(error))


def _bot_without_channel(layer: Layer, slack: Mapping[str, Any]) -> Iterator[Mistake]:
    receivers = _items(_section(layer.values.get("alerting")), "receivers")
    named = any(_section(x.get("slack")).get("channel") for x in receivers)
    if not slack.get("bot_token") or slack.get("channel") or named:
        return
    place = layer.place_of(("alerting", "slack", "bot_token"))
    problem = "a bot token needs the channel to post to; set TOCSIN_SLACK_CHANNEL too"
    if place.line:
        problem = "is missing; a bot token needs the channel to post to"
    yield Mistake(place, problem, "alerting.slack.channel")


def _receivers(
    layer: Layer, alerting: Mapping[str, Any], slack: Mapping[str, Any]
) -> Iterator[Mistake]:
    seen: set[object] = set(_BUILT_IN)
    for number, receiver in enumerate(_items(alerting, "receivers")):
        key: Key = ("alerting", "receivers", number)
        name = receiver.get("name")
        if name in seen:
            yield _at(layer, (*key, "name"), f'there is a receiver "{name}" already')
        seen.add(name)
        own = _section(receiver.get("slack"))
        if own.get("channel") and not (own.get("bot_token") or slack.get("bot_token")):
            problem = "a channel needs alerting.slack.bot_token, or its own bot_token"
            yield _at(layer, (*key, "slack", "channel"), problem)


def _routes(layer: Layer, alerting: Mapping[str, Any]) -> Iterator[Mistake]:
    known = {x.get("name") for x in _items(alerting, "receivers")} | set(_BUILT_IN)
    intervals = {x.get("name") for x in _items(alerting, "mute_intervals")}
    yield from _below(layer, ("alerting",), alerting, (known, intervals))


def _below(
    layer: Layer, above: Key, values: Mapping[str, Any], known: _Known
) -> Iterator[Mistake]:
    for number, route in enumerate(_items(values, "routes")):
        key: Key = (*above, "routes", number)
        for kind, names in zip(("receivers", "mute"), known, strict=True):
            for at, name in enumerate(_list(route.get(kind))):
                if name not in names:
                    yield _at(layer, (*key, kind, at), _ABSENT[kind].format(name=name))
        yield from _below(layer, key, route, known)


def _labels(layer: Layer, alerting: Mapping[str, Any]) -> Iterator[Mistake]:
    """Labels that no incident has: what asks for them is never the case."""
    known = _known_labels(alerting)
    asked = [
        *_matches(("alerting",), alerting),
        *_each("inhibit", ("source", "target"), alerting),
        *_each("silences", ("match",), alerting),
    ]
    for key, match in asked:
        for label in match:
            name = str(label).removeprefix("!")
            if name not in known:
                some = ", ".join(sorted(known))
                problem = f'no incident has the label "{name}"; there are {some}'
                yield Mistake(_place(layer, (*key, label)), problem, dotted(key))
    for number, inhibit in enumerate(_items(alerting, "inhibit")):
        for place, name in enumerate(_list(inhibit.get("equal"))):
            if isinstance(name, str) and name not in known:
                at: Key = ("alerting", "inhibit", number, "equal", place)
                yield _at(layer, at, f'no incident has the label "{name}"')


def _known_labels(alerting: Mapping[str, Any]) -> set[str]:
    by = (x for rule in _items(alerting, "rules") for x in _list(rule.get("by")))
    names = {re.sub(r"^(labels|fields)\.", "", x) for x in by if isinstance(x, str)}
    return {*names, "service", "rule", "severity"}


def _matches(
    above: Key, values: Mapping[str, Any]
) -> Iterator[tuple[Key, Mapping[str, Any]]]:
    for number, route in enumerate(_items(values, "routes")):
        key: Key = (*above, "routes", number)
        yield (*key, "match"), _section(route.get("match"))
        yield from _matches(key, route)


def _each(
    name: str, parts: Sequence[str], alerting: Mapping[str, Any]
) -> Iterator[tuple[Key, Mapping[str, Any]]]:
    for number, values in enumerate(_items(alerting, name)):
        for part in parts:
            yield ("alerting", name, number, part), _section(values.get(part))


def _place(layer: Layer, key: Key) -> Place:
    return layer.keys.get(key) or layer.place_of(key)


def _at(layer: Layer, key: Key, problem: str) -> Mistake:
    return Mistake(layer.place_of(key), problem, dotted(key))


def _section(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _items(values: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    """The sections in a list; those that are none are told of elsewhere."""
    return [_section(x) for x in _list(values.get(name))]
