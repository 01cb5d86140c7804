"""What the model finds wrong, said so that a person can mend it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any, get_args

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from tocsin.config.kinds import WRITTEN
from tocsin.config.mistake import Key, Layer, Mistake, dotted
from tocsin.config.model import Config
from tocsin.config.settings import by_key, field_at, holds_secret, model_of

_SENTENCES = {
    "missing": "is missing",
    "string_type": "expected text, got {got}; put it in quotes",
    "int_type": "expected a whole number, got {got}",
    "int_parsing": "expected a whole number, got {got}",
    "int_from_float": "expected a whole number, got {got}",
    "float_type": "expected a number, got {got}",
    "float_parsing": "expected a number, got {got}",
    "finite_number": "expected a number, got {got}",
    "bool_type": 'expected "true" or "false", got {got}',
    "bool_parsing": 'expected "true" or "false", got {got}',
    "list_type": "expected a list such as [a, b], got {got}",
    "dict_type": "expected keys and values below it, got {got}",
    "model_type": "expected keys and values below it, got {got}",
    "path_type": "expected a path, got {got}",
    "greater_than_equal": "expected at least {ge}, got {got}",
    "greater_than": "expected more than {gt}, got {got}",
    "less_than_equal": "expected at most {le}, got {got}",
    "less_than": "expected less than {lt}, got {got}",
    "string_too_long": "expected at most {max_length} characters, got {got}",
    "string_too_short": "expected at least {min_length} characters, got {got}",
    "too_short": "expected at least {min_length} of them, got {actual_length}",
    "string_pattern_mismatch": "expected only letters, digits and . _ -, got {got}",
}
_MAX_SHOWN = 60


def nearest(name: str, known: Iterable[str]) -> str | None:
    """What `name` was probably meant to be."""
    found = difflib.get_close_matches(name, list(known), n=1, cutoff=0.75)
    return found[0] if found else None


def validate(layer: Layer) -> tuple[Config | None, list[Mistake]]:
    """The configuration that a layer makes, or its mistakes with their places."""
    try:
        return Config.model_validate(layer.values, context=WRITTEN), []
    except ValidationError as error:
        details = error.errors(include_url=False)
    return None, [_mistake(detail, layer) for detail in details]


def _mistake(detail: ErrorDetails, layer: Layer) -> Mistake:
    key = _present(detail["loc"], layer.values)
    if detail["type"] == "extra_forbidden":
        place = layer.keys.get(key) or layer.place_of(key)
        return Mistake(place, _unknown(key), dotted(key))
    named = (*key, detail["loc"][-1]) if detail["type"] == "missing" else key
    return Mistake(layer.place_of(key), _sentence(detail, key), dotted(named))


def _present(loc: Key, values: Any) -> Key:
    """The part of the location that the user wrote; the rest names unions' branches."""
    key: list[str | int] = []
    for part in loc:
        is_item = isinstance(values, list) and isinstance(part, int)
        if not is_item and not (isinstance(values, Mapping) and part in values):
            break
        values = values[part]
        key.append(part)
    return tuple(key)


def _unknown(key: Key) -> str:
    known = _section(key[:-1])
    meant = nearest(str(key[-1]), known)
    if meant:
        return f'unknown key; did you mean "{meant}"?'
    elsewhere = [name for name in by_key() if name.split(".")[-1] == key[-1]]
    if elsewhere:
        return f'unknown key here; there is "{elsewhere[0]}"'
    return f"unknown key; possible are {', '.join(sorted(known))}"


def _section(key: Key) -> list[str]:
    field = field_at(key)
    model = model_of(field.annotation) if field else None if key else Config
    return list(model.model_fields) if model else []


def _sentence(detail: ErrorDetails, key: Key) -> str:
    kind, context = detail["type"], detail.get("ctx", {})
    if kind == "value_error":
        return str(context["error"])
    got = _shown(detail["input"], key)
    if kind == "literal_error":
        return _choice(detail["input"], got, key)
    if kind in _SENTENCES:
        return _SENTENCES[kind].format(got=got, **context)
    return f"{detail['msg'][:1].lower()}{detail['msg'][1:]}, got {got}"


def _choice(value: Any, got: str, key: Key) -> str:
    field = field_at(key)
    choices = [str(choice) for choice in _choices(field.annotation if field else None)]
    listed = " or ".join(f'"{choice}"' for choice in choices)
    meant = nearest(str(value), choices)
    hint = f'; did you mean "{meant}"?' if meant else ""
    return f"expected {listed}, got {got}{hint}"


def _choices(annotation: Any) -> Iterable[Any]:
    for inner in get_args(annotation):
        if get_args(inner):
            yield from _choices(inner)
        elif not isinstance(inner, type):
            yield inner


def _shown(value: Any, key: Key) -> str:
    if _is_secret(key):
        return "something else"
    if value is None:
        return "nothing"
    if isinstance(value, Mapping):
        return "keys and values"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, bool):
        return str(value).lower()
    text = str(value)
    text = text if len(text) <= _MAX_SHOWN else text[:_MAX_SHOWN] + "…"
    return f'"{text}"' if isinstance(value, str) else text


def _is_secret(key: Key) -> bool:
    """Whether a value is a secret, stands below one, or may be one in a wrong place."""
    fields = [field_at(key[:end]) for end in range(1, len(key) + 1)]
    if any(x is not None and holds_secret(x.annotation) for x in fields):
        return True
    last = fields[-1] if fields else None
    model = model_of(last.annotation) if last else None
    # `webhook: https://…` instead of its keys is an easy mistake, and shows the secret.
    is_item = any(isinstance(part, int) for part in key)
    return (
        is_item
        and model is not None
        and any(holds_secret(x.annotation) for x in model.model_fields.values())
    )
