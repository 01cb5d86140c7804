"""Stack traces: the fault that a multi-line event tells of, in many languages.

One fault is one template, whatever the log statement that wrote it, however deep the
stack below and whatever the line numbers: what counts is the exception's type, its
message, the type of its root cause and the top frames of one's own code.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

MAX_BYTES = 16_384
OWN_FRAMES = 3
_LOOK_AT_FRAMES = 60
# What is longer is no frame; a search in it could take quadratic time.
_MAX_LINES, _MAX_LINE_BYTES = 500, 512


class Fault(NamedTuple):
    """What a trace tells: the exception's type and message, its root's type, places."""

    kind: bytes
    message: bytes
    cause: bytes
    frames: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class _Trace:
    """How a language writes frames: `frame` has the groups `name` and `file`.

    `foreign`: names and files that are of the language or of a library.
    `innermost_last`: the frame where it happened is written last. `needs`: what stands
    in every trace of it, where its frames alone might be other text.
    """

    frame: re.Pattern[bytes]
    foreign: re.Pattern[bytes]
    innermost_last: bool = False
    needs: bytes = b""


_PYTHON = _Trace(
    re.compile(rb' *File "(?P<file>[^"]*)", line 0(?:, in (?P<name>.*))?'),
    re.compile(rb"[/\\](?:site|dist)-packages[/\\]|[/\\]lib[/\\]python|^<frozen "),
    innermost_last=True,
)
_NODE = _Trace(
    re.compile(
        rb"\s+at (?:(?P<name>[^\s(]+(?: [^\s(]+){0,2}) \()?"
        rb"(?P<file>(?:[A-Za-z][A-Za-z+.-]*:|[/.<]|internal/)[^\s()]*?):0:0\b"
    ),
    re.compile(rb"node_modules[/\\]|^node:|^internal/|^<"),
)
# Also of Kotlin, Scala and C#; before the name may stand a module's.
_JAVA = _Trace(
    re.compile(
        rb"\s+at (?:[\w.@-]+/+)?(?P<name>[\w.$<>`|+\[\],-]+)\((?P<file>[^)]*)\)"
    ),
    re.compile(
        rb"^(?:java|javax|jakarta|jdk|sun|com\.sun|kotlin|kotlinx|scala|akka|groovy"
        rb"|org\.(?:apache|springframework|hibernate|eclipse|jboss|junit|codehaus"
        rb"|slf0j|postgresql|glassfish)|io\.(?:netty|undertow|micronaut|quarkus"
        rb"|vertx|grpc)|reactor|com\.(?:zaxxer|fasterxml|google\.common|mysql)"
        rb"|ch\.qos|System|Microsoft|Npgsql|Newtonsoft)\."
    ),
)
_PHP = _Trace(
    re.compile(rb"#0\s+(?P<file>/[^\s(]*|[A-Za-z]:\\[^\s(]*)\(0\): (?P<name>[^(]*)"),
    re.compile(rb"[/\\]vendor[/\\]"),
)
_DART = _Trace(
    re.compile(rb"#0\s+(?P<name>\S.*) \((?P<file>\w+:[^\s():]*)[:0]*\)"),
    re.compile(rb"^dart:|^package:flutter/|^<"),
)
# The sanitizers of C++, and gdb.
_CPP = _Trace(
    re.compile(rb"\s*#0 +(?:0x[0-9a-f]+ +)?in (?P<name>[^\s(]+)(?P<file>.*)"),
    re.compile(rb"^(?:__|std::|_start|operator )|/libasan|/libc[.-]"),
)
_RUST = _Trace(
    re.compile(rb" +0: +(?:0x[0-9a-f]+ - )?(?P<name>[\w:<>$ {}#]+)(?P<file>)"),
    re.compile(
        rb"^<?(?:(?:std|core|alloc|tokio|test)::|rust_\w+|_\w+|main$|clone|start_thread)"
    ),
    needs=b"stack backtrace:",
)
_RUBY = _Trace(
    re.compile(
        rb"\s*(?:from )?(?P<file>[\w./~-]+\.(?:rb|erb|rake|ru)):0:in "
        rb"[`'](?P<name>[^']*)'"
    ),
    re.compile(rb"/gems/|/lib/ruby/|^<internal"),
)
# Go's frames are two lines: the name, then the file.
_GO = _Trace(
    re.compile(rb"(?P<name>[\w./%*()\[\]-]+)\([^()]*\)$(?P<file>)"),
    re.compile(
        rb"^(?:panic$|(?:runtime|net|internal|reflect|testing|sync|syscall)[./])"
    ),
    needs=b"goroutine 0 [",
)
_TRACES = (_PYTHON, _NODE, _JAVA, _PHP, _DART, _CPP, _RUST, _RUBY, _GO)

_SUFFIX = (
    rb"(?:Exception|Error|Errno|Failure|Fault|Throwable|Interrupt|Timeout|Panic|Exit"
    rb"|NotFound|Refused|Reset|Abort|Warning)"
)
_NAMES = rb"(?:[A-Za-z_][\w$]{0,80}(?:\.|::|\\)){0,12}"
_TYPE = rb"(?P<kind>" + _NAMES + rb"(?:[A-Za-z_][\w$]{0,80})?" + _SUFFIX + rb"\b0?)"
_OWN_TYPE = rb"(?P<kind>(?:[A-Za-z_][\w$]{0,80}(?:\.|::|\\)){1,12}[A-Z][\w$]{0,80})"
_UNCAUGHT = (
    rb'(?:Uncaught |Unhandled exception[.:]? *|Exception in thread "[^"]*" |\+0 )?'
)
_HEADS: tuple[re.Pattern[bytes], ...] = (
    re.compile(
        rb"\s*" + _UNCAUGHT + _TYPE + rb"(?: \[[^\]]*\])?(?:: *(?P<message>.*))?$"
    ),
    re.compile(rb"\s*" + _UNCAUGHT + _OWN_TYPE + rb"(?:: (?P<message>.*))?$"),
    # Rails: `NoMethodError (undefined method ...):`; Ruby: `... (NoMethodError)`.
    re.compile(rb".*?" + _TYPE + rb" \((?P<message>.*)\):?$"),
    re.compile(rb".*?: (?P<message>.*) \(" + _TYPE + rb"\)$"),
    re.compile(rb".*?\b" + _TYPE + rb": (?P<message>.*)$"),
    re.compile(rb"(?:.*?\b)?(?P<kind>panic)(?: serving [^ ]+)?: (?P<message>.*)$"),
    re.compile(rb".*?(?P<kind>panicked) at (?P<message>.*)$"),
    re.compile(rb"(?:.*?\b)?(?P<kind>fatal error): (?P<message>.*)$"),
    re.compile(rb".*?ERROR: (?P<kind>\w+Sanitizer): (?P<message>[\w-]+).*$"),
)
_CAUSE = re.compile(
    rb"(?:\s*Caused by: | *---> |\s*\[cause\]: )(?:\([^)]*\) )?(?P<kind>[\w.$:\\]+)"
)
_TRACEBACK = b"Traceback (most recent call last):"
# What a compiler or a proxy adds to a name, and addresses.
_GENERATED = re.compile(rb"\$\$[\w$]+|\$0|0x[0-9a-f]+")


def fault_of(text: bytes) -> Fault | None:
    """The fault that a multi-line text tells of; None where it has no frames.

    In `text` every number is one 0, so that line numbers are of no meaning.
    """
    text = text[:MAX_BYTES]
    lines = [line[:_MAX_LINE_BYTES] for line in text.split(b"\n", _MAX_LINES)]
    traces = [trace for trace in _TRACES if trace.needs in text]
    for number, line in enumerate(lines[1:], 1):
        for trace in traces:
            if trace.frame.match(line):
                return _fault(trace, lines, number)
    return None


def announced(text: bytes) -> bytes:
    """What a multi-line text without frames is about: its first line.

    And the one after it, where the first only announces it by a colon.
    """
    lines = [line.strip() for line in text.split(b"\n", 8) if line.strip()]
    if len(lines) > 1 and lines[0].endswith(b":"):
        return b" ".join(lines[:2])
    return lines[0] if lines else b""


def _fault(trace: _Trace, lines: Sequence[bytes], first: int) -> Fault:
    if trace.innermost_last:
        kind, message, cause = _python(lines)
    else:
        kind, message, cause = _headed(lines, first)
    found = filter(None, map(trace.frame.match, _outermost(trace, lines, first)))
    frames = list(islice(found, _LOOK_AT_FRAMES))
    return Fault(_simple(kind), message, _simple(cause), _own(trace, frames))


def _outermost(trace: _Trace, lines: Sequence[bytes], first: int) -> Sequence[bytes]:
    """The lines of the exception that was met last, without those that caused it."""
    if trace.innermost_last:
        begins = [n for n, line in enumerate(lines) if line.strip() == _TRACEBACK]
        return lines[begins[-1] :] if begins else lines
    causes = (n for n in range(first, len(lines)) if _CAUSE.match(lines[n]))
    return lines[: next(causes, len(lines))]


def _own(trace: _Trace, frames: list[re.Match[bytes]]) -> tuple[bytes, ...]:
    """The places of one's own code nearest to where it happened; else of any code."""
    near = reversed(frames) if trace.innermost_last else iter(frames)
    frames = list(near)
    own = [frame for frame in frames if not _is_foreign(trace, frame)]
    places = dict.fromkeys(map(_place, own or frames))
    return tuple(places)[:OWN_FRAMES]


def _is_foreign(trace: _Trace, frame: re.Match[bytes]) -> bool:
    name, file = frame["name"] or b"", frame["file"] or b""
    return bool(trace.foreign.search(name) or trace.foreign.search(file))


def _place(frame: re.Match[bytes]) -> bytes:
    """The function, with its file where the function alone says little."""
    name = _GENERATED.sub(b"", frame["name"] or b"").strip()
    if b"." in name or b"::" in name:
        return name
    file = re.split(rb"[/\\]", frame["file"] or b"")[-1].partition(b":")[0]
    return b" ".join(filter(None, (file, name)))


def _headed(lines: Sequence[bytes], first: int) -> tuple[bytes, bytes, bytes]:
    """Type, message and cause where they stand before the frames, near to them."""
    for number in reversed(range(first)):
        for head in _HEADS:
            match = head.match(lines[number])
            if match is None:
                continue
            message, _, inner = (match["message"] or b"").partition(b" ---> ")
            if message.endswith(b":") and number + 1 < first:
                message += b" " + lines[number + 1]
            return match["kind"], message, _cause(lines, inner)
    return b"", announced(b"\n".join(lines[:first])), _cause(lines, b"")


def _cause(lines: Sequence[bytes], inner: bytes) -> bytes:
    causes = [match["kind"] for line in lines if (match := _CAUSE.match(line))]
    if inner:
        causes.append(re.split(rb"[:\s]", inner, maxsplit=1)[0])
    return causes[-1] if causes else b""


def _python(lines: Sequence[bytes]) -> tuple[bytes, bytes, bytes]:
    """Type, message and cause where each traceback ends with its error."""
    errors: list[tuple[bytes, bytes]] = []
    inside = False
    for line in lines:
        if line.strip() == _TRACEBACK:
            inside = True
        elif inside and line.strip() and not line[:1].isspace():
            kind, _, message = line.partition(b": ")
            errors.append((kind.rstrip(b":"), message))
            inside = False
    if not errors:
        return b"", announced(b"\n".join(lines)), b""
    cause = errors[0][0] if len(errors) > 1 else b""
    return *errors[-1], cause


def _simple(kind: bytes) -> bytes:
    """A type's name without its package's."""
    return re.split(rb"\.|::|\\", kind.rstrip(b":"))[-1]
