"""Settings from environment variables, and secrets from the files they name.

An empty variable counts as not set, because compose files pass `${NAME:-}` on. A
variable that names no setting is let be (Kubernetes makes `TOCSIN_PORT` by itself) but
is told of when it looks like a slip of the pen.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tocsin.config.explain import nearest
from tocsin.config.mistake import Layer, Mistake, Place
from tocsin.config.settings import Setting, by_key, settings, variables

PREFIX = "TOCSIN_"
CONFIG_VARIABLE = "TOCSIN_CONFIG"
_NEGATED = {
    "TOCSIN_NO_CREATE_TOPICS": "bus.create_topics",
    "TOCSIN_NO_MULTILINE": "collector.multiline",
}
_TRUE, _FALSE = ("1", "true", "yes", "on"), ("0", "false", "no", "off")


def read_environment(environ: Mapping[str, str]) -> tuple[Layer, list[str]]:
    """What the variables set, and warnings about those that look mistyped."""
    layer = Layer()
    warnings: list[str] = []
    for name in sorted(environ):
        if not name.startswith(PREFIX) or not environ[name]:
            continue
        if not _take(layer, name, environ[name]):
            warnings.extend(_slip(name))
    return layer, warnings


def _take(layer: Layer, name: str, value: str) -> bool:
    """Set what a variable sets; false when it names nothing."""
    if name in _NEGATED:
        _take_negated(layer, name, value)
        return True
    setting = variables().get(name)
    if setting is not None and not setting.is_table:
        _set(layer, setting, name, value)
        return True
    return _take_file(layer, name, value) or _take_table(layer, name, value)


def _take_file(layer: Layer, name: str, value: str) -> bool:
    setting = variables().get(name.removesuffix("_FILE"))
    if setting is None or not setting.is_secret or not name.endswith("_FILE"):
        return False
    text = _read_secret(layer, name, value)
    if text is not None and not setting.is_table:
        _set(layer, setting, name, text)
    return True


def _take_table(layer: Layer, name: str, value: str) -> bool:
    """`TOCSIN_BUS_KAFKA_SASL_PASSWORD` is `sasl.password` for the Kafka client."""
    for setting in settings():
        start = setting.variable + "_"
        if setting.is_table and name.startswith(start):
            inner = name.removeprefix(start)
            text: str | None = value
            if inner.endswith("_FILE"):
                inner, text = (
                    inner.removesuffix("_FILE"),
                    _read_secret(layer, name, value),
                )
            if text is not None:
                path = (*setting.path, inner.lower().replace("_", "."))
                layer.set(path, text, Place(name))
            return True
    return False


def _take_negated(layer: Layer, name: str, value: str) -> None:
    if value.lower() in _TRUE + _FALSE:
        _set(layer, by_key()[_NEGATED[name]], name, value.lower() in _FALSE)
    else:
        problem = f'expected "true" or "false", got "{value}"'
        layer.mistakes.append(Mistake(Place(name), problem))


def _set(layer: Layer, setting: Setting, name: str, value: Any) -> None:
    already = layer.places.get(setting.path)
    if already is not None:
        problem = f"{already} sets {setting.key} too; keep one of them"
        layer.mistakes.append(Mistake(Place(name), problem))
        return
    if setting.is_list:
        value = [part.strip() for part in value.split(",") if part.strip()]
    layer.set(setting.path, value, Place(name))


def _read_secret(layer: Layer, name: str, path: str) -> str | None:
    try:
        text = Path(path).read_text("utf-8").strip()
    except OSError as error:
        problem = f"cannot read {path}: {error.strerror}"
    except UnicodeDecodeError:
        problem = f"{path} is not text"
    else:
        if text:
            return text
        problem = f"{path} is empty"
    layer.mistakes.append(Mistake(Place(name), problem))
    return None


def _slip(name: str) -> Iterator[str]:
    known = [*variables(), CONFIG_VARIABLE, *_NEGATED]
    if name != CONFIG_VARIABLE and (meant := nearest(name, known)):
        yield f"{name} is no setting; did you mean {meant}?"
