r"""Stack traces as data: how they begin, what belongs to them, what must follow.

Only streams whose lines have no headers need it; elsewhere whatever has no header
belongs to the line before that has one. A trace is in a `Phase`, and each line takes it
to the next by the first `Move` that matches, or ends it.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import NamedTuple


class Move(NamedTuple):
    """A line that matches `pattern` belongs to a trace and takes it to `to`.

    `past_blank`: also when blank lines stand before it.
    """

    pattern: re.Pattern[bytes]
    to: Phase
    past_blank: bool = False


class Phase(Enum):
    """What kind of event is being read, and how far it is."""

    moves: tuple[Move, ...]

    PLAIN = "a line that announces nothing"
    ANNOUNCED = "an exception is announced; the next line names it"
    ANSWERED = "Django names the request whose traceback may follow"
    THROWN = "an exception was named; frames, or more of its message, may follow"
    FRAMES = "frames of Java, Node, .NET, Ruby, PHP or Dart"
    PYTHON = "a Python traceback before its last line"
    PYTHON_FIELDS = "a traceback whose message lists fields"
    PYTHON_DONE = "a Python traceback with its last line; it may be chained"
    PYTHON_LOGGING = "logging.Handler.handleError's report"
    GO = "a Go panic or goroutine dump"
    NODE_SOURCE = "Node's quotation of the line that threw"
    RUST = "a Rust panic before its message"
    RUST_DONE = "a Rust panic with its message"
    SANITIZER = "a report of a sanitizer before its summary"
    SUMMARY = "a report of a sanitizer with its summary"
    ROW = "a row of = or ═, which opens a report"
    BOXED = "a report between two rows"
    NATIVE = "a C or C++ program that dies"
    VALGRIND = "a paragraph of valgrind"
    ERLANG = "an Erlang or Elixir crash"


def _move(pattern: str, to: Phase, *, past_blank: bool = False) -> Move:
    return Move(re.compile(pattern.encode()), to, past_blank)


_QUALIFIED = r"(?:[A-Za-z_$][\w$]*(?:\.|::|\\))*"
_THROWABLE = (
    rf"{_QUALIFIED}[A-Za-z_$][\w$]*"
    r"(?:Exception|Error|Throwable|Failure|Fault|Interrupt|Death|Invalid|NotFound)\b"
)
_ASIDE = r"(?: \(| \[|:|\s*$)"
_RB = r"\S{1,100}\.(?:rb|erb|rake|haml|slim|ru):\d+:in\b"
_JS_FRAME = r"(?:file://)?(?:/|[A-Z]:\\|\.{0,2}/)\S{1,100}\.[cm]?[jt]sx?:\d+(?::\d+)?$"

BEGINNINGS: tuple[tuple[re.Pattern[bytes], Phase], ...] = tuple(
    (re.compile(pattern.encode()), phase)
    for pattern, phase in (
        (r"Traceback \(most recent call last\)", Phase.PYTHON),
        (r'  File "[^"]{1,300}", line \d+', Phase.PYTHON),
        (r"Exception in thread Thread-\d+|Exception ignored in[: ]", Phase.PYTHON),
        (r"Fatal Python error: ", Phase.PYTHON),
        (r"Task (?:exception was never retrieved|was destroyed)", Phase.PYTHON),
        (r"  \+ Exception Group Traceback", Phase.PYTHON_DONE),
        (r"--- Logging error ---", Phase.PYTHON_LOGGING),
        (r"(?:Internal Server Error|Service Unavailable): /", Phase.ANSWERED),
        (r"panic: |fatal error: |unexpected fault address |SIG[A-Z]+: ", Phase.GO),
        (r"runtime: |goroutine \d+ \[|http: panic serving ", Phase.GO),
        (rf"{_JS_FRAME}|node:\w[\w/]*:\d+$", Phase.NODE_SOURCE),
        (r"(?:Unhandled|Uncaught) [Ee]xception:\s*$", Phase.ANNOUNCED),
        (r"\(node:\d+\) |Uncaught |\[?Unhandled[ A-Z]", Phase.THROWN),
        (_RB, Phase.FRAMES),
        (r"Exception in thread |Exception: |Error: ", Phase.THROWN),
        (r"(?:PHP )?(?:Fatal|Parse|Recoverable fatal) error:|PHP \w+:", Phase.FRAMES),
        (r"thread '[^']{0,200}' (?:\(\d+\) )?panicked at .*:\d+:\d+:$", Phase.RUST),
        (r"thread '[^']{0,200}' (?:\(\d+\) )?(?:panicked|has over)", Phase.RUST_DONE),
        (r"==\d+==\s?(?:ERROR|WARNING|FATAL): ?\w+Sanitizer", Phase.SANITIZER),
        (r"==\d+== ?", Phase.VALGRIND),
        (r"={16,}$", Phase.ROW),
        (r"(?:═|=){2,}(?:╡|\||\s)\s?(?i:exception caught)", Phase.BOXED),
        (r"terminate called |\*\*\* |Segmentation fault|Aborted", Phase.NATIVE),
        (r"double free or|free\(\): |malloc\(\): |munmap_chunk\(\)", Phase.NATIVE),
        (r"\S{1,80}:\d.{0,80}: (?:Assertion |runtime error: )", Phase.NATIVE),
        (r"\*\* (?:\(|exception|Reason|When)|\{\"init terminating", Phase.ERLANG),
        (r"Error in process <|CRASH REPORT", Phase.ERLANG),
        (rf"{_THROWABLE}{_ASIDE}", Phase.THROWN),
    )
)
"""How a trace begins, the most telling first."""

CRASH = re.compile(
    rb"panic: |fatal error: |Exception in thread |Unhandled [Ee]xception|={16,}$"
    rb"|thread '[^']{0,200}' (?:\(\d+\) )?panicked at |terminate called "
    rb"|==\d+==\s?ERROR: |Fatal Python error: |Segmentation fault"
)
"""A dying program writes it past its logger: no part of a calm event before."""

_CAUSE = (
    r"Caused by\b|Suppressed: |Wrapped by: |[Nn]ested exception|Root cause"
    r"|Next [\w\\]*(?:Exception|Error)|Previous exception"
)
_MORE = (
    r"\.\.\. \d+ |at [\w$.<\[(]|from \S{1,200}:\d+|#\d+\s|-{2,} |-{2,}> |<asynchronous"
    r"|\[stacktrace\]|\[(?:CIRCULAR|previous exception)"
)
_STACK = (
    r"(?:PHP )?(?i:stack ?trace|stack ?backtrace|backtrace|call ?stack)\b[^:]{0,40}:"
    r"\s*$|CallStack \("
)
_TITLE = _STACK + r"|(?:Locked ownable synchronizers|Location|Thrown at)\s*:\s*$"
_FRAME = (
    r"\s+at [\w$.<\[(\"]|\s+(?:from|in|by) \S|\s+File \"|\s*#\d+\s|\s+\.\.\. \d+ "
    r"|\s+\d+: |\s+\S.{0,200}\[type=|\s+-{2,}|-{3,}|\[stacktrace\]"
    r"|Stack ?[Tt]race:|.{1,200}\.rb:\d+:in"
)
FRAME = re.compile(_FRAME.encode())
"""A line of a stack; it proves that the lines before it belong to the exception."""

CLOSING = re.compile(rb"[\]})]+[,;]?\s*$")
"""Brackets that close what an earlier line opened."""

REST = re.compile(
    rb"\s+at [\w$.<\[(\"]|\s+File \"|\s+from \S{1,200}:\d+|\s+\.\.\. \d+ "
    rb"|\.\.\. \d+ more|Caused by: |\s+(?:Suppressed|Caused by): |#\d+\s+\S"
)
"""A line that no event can begin with."""

_FRAMES_ON = (
    _move(r"\s+\S", Phase.FRAMES),
    _move(_CAUSE, Phase.THROWN, past_blank=True),
    _move(_MORE, Phase.FRAMES),
    _move(_TITLE, Phase.FRAMES, past_blank=True),
    _move(_RB, Phase.FRAMES, past_blank=True),
    _move(r"PHP\s+\d+\. |PHP Stack trace:", Phase.FRAMES),
    _move(
        r"Node\.js v\d|Emitted '\w+' event|\(Use `node ", Phase.FRAMES, past_blank=True
    ),
    _move(r"note: |The above exception|warning: ", Phase.FRAMES),
    _move(r"\s+(?:-{2,}|at |\d+: )", Phase.FRAMES, past_blank=True),
)
_SCREEN = r"\s+\S|={3,}>?0x|=>0x"

MOVES: dict[Phase, tuple[Move, ...]] = {
    Phase.PLAIN: (
        _move(r"Caused by: |Suppressed: |\.\.\. \d+ more", Phase.FRAMES),
        _move(r"at [\w$.]{1,200}\(|from \S{1,100}:\d+:in |-{2,3}> ", Phase.FRAMES),
        _move(_STACK, Phase.FRAMES),
    ),
    Phase.ANNOUNCED: (_move(r".*\S", Phase.THROWN),),
    Phase.ANSWERED: (_move(r"Traceback \(most recent call last\)", Phase.PYTHON),),
    Phase.THROWN: (
        _move(r"Traceback \(most recent call last\)", Phase.PYTHON),
        *_FRAMES_ON,
    ),
    Phase.FRAMES: _FRAMES_ON,
    Phase.PYTHON: (
        _move(
            r"Traceback \(most|future: <|source_traceback: ",
            Phase.PYTHON,
            past_blank=True,
        ),
        _move(
            r"(?:Current thread|Thread) 0x|Python runtime state",
            Phase.PYTHON,
            past_blank=True,
        ),
        _move(r"Extension modules: ", Phase.PYTHON_DONE, past_blank=True),
        _move(r"\s+\S|\[Previous line repeated", Phase.PYTHON),
        _move(r"[A-Za-z_][\w.]*: \d+ validation errors? for ", Phase.PYTHON_FIELDS),
        _move(r"[A-Za-z_][\w.]*(?::|\s*$)", Phase.PYTHON_DONE),
        _move(_RB, Phase.PYTHON_DONE),
        _move(r"\.\.\. \d+ levels", Phase.PYTHON),
    ),
    Phase.PYTHON_FIELDS: (_move(r"\s+\S", Phase.PYTHON_FIELDS),),
    Phase.PYTHON_DONE: (
        _move(
            r"During handling of the above|The above exception was",
            Phase.PYTHON,
            past_blank=True,
        ),
        _move(r"\s+\S", Phase.PYTHON_DONE),
        _move(r"\[(?:SQL|parameters): |\(Background on this error", Phase.PYTHON_DONE),
        _move(r"(?:DETAIL|HINT|CONTEXT|LINE \d+|QUERY):", Phase.PYTHON_DONE),
    ),
    Phase.PYTHON_LOGGING: (
        _move(r"\s+\S|Traceback |Call stack:|Message: ", Phase.PYTHON_LOGGING),
        _move(r"Arguments: ", Phase.PLAIN),
        _move(r"[A-Za-z_][\w.]*(?::|\s*$)", Phase.PYTHON_LOGGING),
    ),
    Phase.GO: (
        _move(r"goroutine \d+ \[|panic: |fatal error: ", Phase.GO, past_blank=True),
        _move(r"\s+\S", Phase.GO),
        _move(r"\[signal |\[recovered\]|PC=0x|signal arrived|SIG[A-Z]+: ", Phase.GO),
        _move(r"runtime stack:|runtime\.", Phase.GO, past_blank=True),
        _move(r"created by |exit status \d|\[originating|\.\.\.", Phase.GO),
        _move(
            r"(?:[er]?[a-z]{1,3}\d{0,2}|[rxv]\d+)\s+0x[0-9a-f]+",
            Phase.GO,
            past_blank=True,
        ),
        _move(r"(?:[\w./*\-@,%~\[\]]|·)+\(.*\)$", Phase.GO),
    ),
    Phase.NODE_SOURCE: (
        _move(r"\s+\S", Phase.NODE_SOURCE),
        _move(r"\^+\s*$", Phase.NODE_SOURCE),
        _move(
            rf"{_THROWABLE}|\[?Uncaught|Error\b|Thrown|node:",
            Phase.FRAMES,
            past_blank=True,
        ),
        # The line that threw may begin at the margin; its mark comes below.
        _move(
            r"(?:throw|await|const|let|var|return|import|export)\b|\w.*[;({,]$",
            Phase.NODE_SOURCE,
        ),
        _move(r"\S+Error\b|\[object ", Phase.FRAMES, past_blank=True),
    ),
    Phase.RUST: (
        _move(r"note: |stack backtrace:", Phase.RUST_DONE),
        _move(r".*\S", Phase.RUST_DONE),
    ),
    Phase.RUST_DONE: (
        _move(r"\s+\S", Phase.RUST_DONE),
        _move(
            r"note: |stack backtrace:|Backtrace |fatal runtime",
            Phase.RUST_DONE,
            past_blank=True,
        ),
        _move(r"(?:left|right): |error: process didn't exit|Aborted", Phase.RUST_DONE),
    ),
    Phase.SANITIZER: (
        _move(r"SUMMARY: ", Phase.SUMMARY, past_blank=True),
        _move(r"==\d+==ABORTING|={16,}$", Phase.PLAIN, past_blank=True),
        _move(r".*\S", Phase.SANITIZER, past_blank=True),
    ),
    Phase.SUMMARY: (
        _move(r"==\d+==ABORTING|={16,}$", Phase.PLAIN),
        _move(_SCREEN + r"|Shadow byte|Thread T|==\d+==", Phase.SUMMARY),
    ),
    Phase.ROW: (
        _move(r"==\d+==\s?(?:ERROR|WARNING)", Phase.SANITIZER),
        _move(r"WARNING: (?:DATA RACE|\w+Sanitizer)", Phase.BOXED),
    ),
    Phase.BOXED: (
        _move(r"={16,}$|(?:═){16,}$", Phase.PLAIN, past_blank=True),
        _move(r".*\S", Phase.BOXED, past_blank=True),
    ),
    Phase.NATIVE: (
        _move(r"\s+\S|Aborted|Segmentation|Abandon", Phase.NATIVE),
        _move(r"={3,} (?:Backtrace|Memory map)|\*\*\* |PC: @|@ +0x", Phase.NATIVE),
        _move(
            r"\S{1,200}\(\S{0,200}\)?\[0x|#\d+\s|[0-9a-f]{6,}-[0-9a-f]{6,} ",
            Phase.NATIVE,
        ),
        _move(_TITLE, Phase.NATIVE),
    ),
    Phase.VALGRIND: (_move(r"==\d+== (?: |$)|==\d+==$", Phase.VALGRIND),),
    Phase.ERLANG: (
        _move(r"\s+\S|\*\* |init terminating|Crash dump|Function: ", Phase.ERLANG),
        _move(
            r"\(\w[\w.]* [\d.]+\) |Last message|State: |Args: ",
            Phase.ERLANG,
            past_blank=True,
        ),
    ),
}
"""What belongs to a trace, by phase."""

for _phase in Phase:
    # An attribute, as a look-up by enum is a call.
    _phase.moves = MOVES[_phase]

MAY_BE_MESSAGE = (Phase.THROWN, Phase.PYTHON_FIELDS)
"""Phases in which lines of text may be more of the message: a frame decides."""

MUST_GO_ON = (
    Phase.ANNOUNCED,
    Phase.PYTHON,
    Phase.PYTHON_LOGGING,
    Phase.RUST,
    Phase.SANITIZER,
    Phase.ROW,
    Phase.BOXED,
    Phase.NODE_SOURCE,
)
"""Phases in which a trace is not over, whatever its language."""


_BEGINNING = re.compile(
    b"|".join(
        b"(?P<n%d>%b)" % (number, pattern.pattern)
        for number, (pattern, _) in enumerate(BEGINNINGS)
    )
)
_PHASES = {f"n{number}": phase for number, (_, phase) in enumerate(BEGINNINGS)}


def phase_of(text: bytes) -> Phase:
    """What a line that begins an event begins."""
    found = _BEGINNING.match(text)
    return Phase.PLAIN if found is None else _PHASES[found.lastgroup or ""]


def next_phase(phase: Phase, text: bytes, *, past_blank: bool) -> Phase | None:
    """The phase after one more line; None if the line does not belong to it."""
    for move in phase.moves:
        if (move.past_blank or not past_blank) and move.pattern.match(text):
            return move.to
    return None
