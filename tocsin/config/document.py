"""A YAML 1.2 file as plain values, with the line and column of each.

YAML is read as nodes and not as objects, because nodes know where they stand and show
duplicate keys. `yes` and `12:30` are text, as YAML 1.2 says.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from tocsin.config.mistake import Key, Layer, Mistake, Place, dotted
from tocsin.errors import ConfigError

_TAG = "tag:yaml.org,2002:"
_MAX_NODES = 20_000
"""Aliases of aliases multiply: a file of ten lines can mean a billion values."""

_PLAINLY = (
    ("found character '\\t'", "a tab cannot indent; use spaces"),
    (
        "mapping values are not allowed here",
        'a ":" too many, or the line is indented wrongly; quote text that holds ": "',
    ),
    ("found unexpected end of stream", "a quote is not closed"),
    ("expected the node content, but found '<stream end>'", "a bracket is not closed"),
    ("but got '<stream end>'", "a bracket is not closed"),
    ("found undefined alias", "an alias (*name) without its anchor (&name)"),
    ("but found another document", 'only one document is read; remove the "---"'),
    ("could not find expected ':'", 'a key without a ":"'),
    ("expected <block end>", "the line is indented wrongly, or a list is not one"),
)


def read_document(path: Path) -> Layer:
    """Read a file; what is wrong with it stands in the layer's mistakes.

    Raises:
        ConfigError: the file cannot be read at all.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise ConfigError(
            f"cannot read the configuration {path}: {error.strerror}",
            hint="check the path that --config or TOCSIN_CONFIG names",
        ) from error
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"the configuration {path} is not UTF-8 at byte {error.start}",
            hint="save the file as UTF-8",
        ) from error
    return parse_document(text, str(path))


def parse_document(text: str, name: str) -> Layer:
    """Read YAML text; `name` stands in the places."""
    reading = _Reading(name)
    try:
        root: Node | None = YAML(typ="safe", pure=True).compose(text)
    except MarkedYAMLError as error:
        problem = _plainly(error)
        # What is not closed is noticed at the end and mended where it begins.
        marks = (error.problem_mark, error.context_mark)
        first, second = reversed(marks) if problem.endswith("not closed") else marks
        reading.fail_at(first or second, problem)
    except YAMLError as error:
        reading.fail_at(None, str(error).splitlines()[0])
    else:
        reading.take(root)
    return reading.layer


def _plainly(error: MarkedYAMLError) -> str:
    problem = str(error.problem)
    for beginning, plain in _PLAINLY:
        if beginning in problem:
            return plain
    return f"not valid YAML: {problem}"


class _Reading:
    """Turns nodes into values, once, and notes the places."""

    def __init__(self, name: str) -> None:
        self.layer = Layer(places={(): Place(name, 1, 1)})
        self._name = name
        self._nodes = 0
        self._open: set[int] = set()  # the nodes around the present one

    def take(self, root: Node | None) -> None:
        """Read the whole document; an empty one sets nothing."""
        if root is None or self._is_null(root):
            return
        if isinstance(root, MappingNode):
            self.layer.values = self._mapping(root, ())
        else:
            self._fail(root, (), "expected keys and values, such as `bus:`")

    def fail_at(self, mark: Any, problem: str) -> None:
        """Note a mistake at a mark of the YAML library."""
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        self.layer.mistakes.append(Mistake(Place(self._name, line, column), problem))

    def _place(self, node: Node) -> Place:
        return Place(self._name, node.start_mark.line + 1, node.start_mark.column + 1)

    def _fail(self, node: Node, key: Key, problem: str) -> None:
        self.layer.mistakes.append(Mistake(self._place(node), problem, dotted(key)))

    def _value(self, node: Node, key: Key) -> Any:
        self._nodes += 1
        self.layer.places[key] = self._place(node)
        if id(node) in self._open or self._nodes > _MAX_NODES:
            self._fail(node, key, "aliases (*name) that never end, or far too many")
            return None
        self._open.add(id(node))
        try:
            if isinstance(node, MappingNode):
                return self._mapping(node, key)
            if isinstance(node, SequenceNode):
                return [self._value(n, (*key, i)) for i, n in enumerate(node.value)]
            return self._scalar(node, key)
        finally:
            self._open.discard(id(node))

    def _mapping(self, node: MappingNode, key: Key) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for name_node, value_node in node.value:
            if not isinstance(name_node, ScalarNode):
                self._fail(name_node, key, "a key must be plain text")
                continue
            name = str(name_node.value)
            inner = (*key, name)
            if name in values:
                first = self.layer.keys[inner].line
                self._fail(name_node, inner, f"set twice, first in line {first}")
                continue
            self.layer.keys[inner] = self._place(name_node)
            values[name] = self._value(value_node, inner)
        return values

    def _scalar(self, node: Node, key: Key) -> Any:
        tag, text = str(node.tag), str(node.value)
        if not tag.startswith(_TAG):
            self._fail(node, key, f"tags such as {tag} have no meaning here")
        if self._is_null(node):
            return None
        read = _SCALARS.get(tag.removeprefix(_TAG), str)
        return read(text)

    @staticmethod
    def _is_null(node: Node) -> bool:
        return str(node.tag) == _TAG + "null"


def _whole(text: str) -> int | str:
    digits = text.replace("_", "")
    based = digits.lstrip("+-")[:2].lower() in ("0x", "0o")
    try:
        # Base 0 would refuse the leading zeros that YAML 1.2 allows: 012 is twelve.
        return int(digits, 0 if based else 10)
    except ValueError:
        return text


def _number(text: str) -> float | str:
    try:
        return float(
            text.replace("_", "").replace(".inf", "inf").replace(".nan", "nan")
        )
    except ValueError:
        return text


_SCALARS: dict[str, Callable[[str], Any]] = {
    "bool": lambda text: text.lower() == "true",
    "int": _whole,
    "float": _number,
}
