"""What does not fit together in a rule; what fits depends on its type."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from tocsin.config.expression import parse_expression
from tocsin.config.kinds import duration_s
from tocsin.config.linear import compile_linear
from tocsin.config.mistake import Key, Layer, Mistake, dotted

# Seconds are counted one by one for eight minutes, twice; frames of two hours are read
# anew after a restart; the others remember.
_LONGEST = {
    "cardinality": (3600.0, "1h"),
    "absence": (604_800.0, "7d"),
    "new_pattern": (604_800.0, "7d"),
    "budget": (604_800.0, "7d"),
    "composite": (86_400.0, "1d"),
}
_WITHOUT_FOR = {
    "absence": "absence needs none: `window` is how long no line must have come",
    "new_pattern": "new_pattern needs none: it tells of the first line",
}
_OF_LINES = {
    "threshold",
    "ratio",
    "change",
    "match",
    "absence",
    "budget",
    "cardinality",
    "new_pattern",
}
# The types that a key has a meaning for; the others stand for all.
_MEANS_SOMETHING_FOR = {
    "min_count": {"ratio", "change", "budget"},
    "memory": {"new_pattern"},
    "learn": {"new_pattern"},
    "text": _OF_LINES,
    "fields": _OF_LINES - {"new_pattern"},
    "labels": _OF_LINES,
    "level": _OF_LINES,
}
_LEVELLED = {"threshold", "ratio", "change", "match", "cardinality"}


def rule_mistakes(
    layer: Layer, rules: Sequence[Mapping[str, Any]]
) -> Iterator[Mistake]:
    """The mistakes of `alerting.rules`, each with its place."""
    seen: set[object] = {"burst", "tocsin"}  # these are there always
    names = {"burst", *(x.get("name") for x in rules if x.get("type") != "composite")}
    for number, rule in enumerate(rules):
        key: Key = ("alerting", "rules", number)
        name = rule.get("name")
        if name in seen:
            yield _at(layer, (*key, "name"), f'there is a rule "{name}" already')
        seen.add(name)
        yield from _when(layer, key, rule, names)
        names.add(name)
        yield from _unused(layer, key, rule)
        yield from _levels(layer, key, rule)
        yield from _text(layer, key, rule)
        yield from _fields(layer, key, rule)
        yield from _times(layer, key, rule)


def _when(
    layer: Layer, key: Key, rule: Mapping[str, Any], names: AbstractSet[object]
) -> Iterator[Mistake]:
    """`when` joins rules that are there; composite ones stand before it."""
    when = rule.get("when")
    if (rule.get("type") == "composite") != (when is not None):
        problem = "is for composite; a rule of another type has none"
        if when is None:
            problem = "a composite needs `when`, such as `errors and not deployment`"
        yield _at(layer, (*key, "when") if when is not None else key, problem)
    if not isinstance(when, str):
        return
    try:
        found = parse_expression(when)
    except ValueError as error:
        yield _at(layer, (*key, "when"), str(error))
        return
    for name in found.names:
        if name not in names:
            problem = f'there is no rule "{name}", or it is a composite further down'
            yield _at(layer, (*key, "when"), problem)
    if found.holds(set()):
        yield _at(layer, (*key, "when"), "it would hold where no rule does")


def _unused(layer: Layer, key: Key, rule: Mapping[str, Any]) -> Iterator[Mistake]:
    """Keys that would be passed over: whoever wrote them meant something."""
    kind = rule.get("type")
    if kind not in {*_OF_LINES, "composite"}:
        return  # told of already
    for name, kinds in _MEANS_SOMETHING_FOR.items():
        if name in rule and kind not in kinds:
            problem = f"means nothing for {kind}"
            if len(kinds) < len(_OF_LINES) - 1:
                problem += f", but for {', '.join(sorted(kinds))}"
            yield _at(layer, (*key, name), problem)


def _levels(layer: Layer, key: Key, rule: Mapping[str, Any]) -> Iterator[Mistake]:
    kind = rule.get("type")
    if (kind == "budget") != (rule.get("objective") is not None):
        problem = "is for a budget; a rule of another type has none"
        if kind == "budget":
            problem = "a budget needs an `objective`, such as 0.999"
        yield _at(layer, (*key, "objective") if "objective" in rule else key, problem)
    given = [x for x in ("warning", "critical") if rule.get(x) is not None]
    if kind in _LEVELLED and not given:
        yield _at(layer, key, "a rule needs `warning`, `critical` or both")
    for level in given:
        share = rule[level]
        if kind == "ratio" and isinstance(share, int | float) and share > 1:
            problem = f"expected a share such as 0.05, got {share:g}"
            yield _at(layer, (*key, level), problem)
        if kind == "change" and isinstance(share, int | float) and 0 < share <= 1:
            problem = f"expected a factor above 1, such as 3, got {share:g}"
            yield _at(layer, (*key, level), problem)
    warning, critical = rule.get("warning"), rule.get("critical")
    if (
        isinstance(warning, int | float)
        and isinstance(critical, int | float)
        and critical < warning
    ):
        problem = (
            f"at {critical:g} it is critical before it is a warning at {warning:g}"
        )
        yield _at(layer, (*key, "critical"), problem)


def _fields(layer: Layer, key: Key, rule: Mapping[str, Any]) -> Iterator[Mistake]:
    """Fields, templates and levels that are not counted together."""
    by = rule.get("by")
    names = [x for x in by if isinstance(x, str)] if isinstance(by, list) else []
    given = rule.get("fields")
    fields = {f"fields.{x}" for x in given} if isinstance(given, Mapping) else set()
    of = rule.get("of")
    names += [of] if isinstance(of, str) else []
    fields |= {x for x in names if x.startswith("fields.")}
    if (rule.get("type") == "cardinality") != (of is not None):
        problem = "is for cardinality; a rule of another type has none"
        if of is None:
            problem = "cardinality needs `of`: fields.NAME, template, host or service"
        yield _at(layer, (*key, "of") if of is not None else key, problem)
    if of == "level" or (of is not None and isinstance(by, list) and of in by):
        problem = f"what {of} would be counted in is a group of it alone"
        yield _at(layer, (*key, "of"), problem)
    is_split = bool(fields) or "level" in names or "template" in names
    if rule.get("type") == "new_pattern" and is_split:
        problem = "new_pattern goes by service, host and labels"
        yield _at(layer, (*key, "by") if by else key, problem)
    elif "template" in names and "level" in names:
        problem = "of a template's lines, the level is not known; leave out one"
        yield _at(layer, (*key, "by"), problem)
    elif fields and "template" in names:
        yield _at(layer, key, "templates of the lines with a field are not known")
    elif "template" in names and rule.get("level", "error") != "error":
        problem = "templates are those of error lines"
        yield _at(layer, (*key, "level"), problem)


def _text(layer: Layer, key: Key, rule: Mapping[str, Any]) -> Iterator[Mistake]:
    text = rule.get("text")
    if rule.get("type") == "match" and text is None:
        yield _at(layer, key, "a rule of the type match needs `text`, a pattern")
    if rule.get("type") == "new_pattern" and rule.get("level", "error") != "error":
        problem = "new_pattern is about error: templates are those of such lines"
        yield _at(layer, (*key, "level"), problem)
    if isinstance(text, str):
        try:
            compile_linear(text)
        except ValueError as error:
            yield _at(layer, (*key, "text"), str(error))


def _times(layer: Layer, key: Key, rule: Mapping[str, Any]) -> Iterator[Mistake]:
    kind = rule.get("type")
    if kind in _WITHOUT_FOR and rule.get("for") is not None:
        yield _at(layer, (*key, "for"), _WITHOUT_FOR[str(kind)])
    if kind == "budget" and rule.get("window") is not None:
        yield _at(layer, (*key, "window"), "a budget has windows of its own")
    limit_s, limit = _LONGEST.get(str(kind), (480.0, "8m"))
    try:
        window_s = duration_s(rule.get("window", "1m"))
    except ValueError:
        return  # told of already
    if window_s > limit_s:
        problem = f"expected at most {limit} for this type, got {rule['window']}"
        yield _at(layer, (*key, "window"), problem)


def _at(layer: Layer, key: Key, problem: str) -> Mistake:
    return Mistake(layer.place_of(key), problem, dotted(key))
