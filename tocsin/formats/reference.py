"""docs/formats.md, written from the registry: `python -m tocsin.formats.reference`."""

from __future__ import annotations

import sys

from tocsin.formats import fallback, levels, times, wrapping
from tocsin.formats.catalogue import FORMATS
from tocsin.formats.format import Decoder
from tocsin.formats.systems import SYSTEMS
from tocsin.values import Level

_INTRODUCTION = """# Log formats

Written by `python -m tocsin.formats.reference`; a test compares. `tocsin parse FILE`
shows how your own lines are read.

A line is taken out of its wrapper, if it has one. Then it is of the first format below
that matches it. If none does, general rules find its time and level wherever its header
states them: there is nothing to configure. A line without a level has none: it is
counted as unknown, never guessed. What is left without the header is the message.
"""


def markdown() -> str:
    """The whole document."""
    parts = (
        *(_INTRODUCTION, _systems(), _formats(), _envelopes(), _rules()),
        *(_levels(), _times()),
    )
    return "\n".join(parts)


def _systems() -> str:
    rows = [
        f"| {system.name} | {', '.join(system.formats)} | {_cell(system.source)} |"
        for system in SYSTEMS
    ]
    head = ["## Whose lines are read", "", "| system | read as | source |"]
    return "\n".join([*head, "|---|---|---|", *rows, ""])


def _formats() -> str:
    lines = ["## Formats", "", "In the order in which they are tried.", ""]
    for format_ in FORMATS:
        how = "a JSON object" if format_.decoder is Decoder.JSON else "a pattern"
        lines += [f"### {format_.name}", "", f"{how}; {format_.source}.", "", "```"]
        lines += [example.line for example in format_.examples]
        lines += ["```", ""]
    return "\n".join(lines)


def _envelopes() -> str:
    lines = ["## Wrappers", ""]
    lines += [f"- {e.name}: {e.source}, `{e.example}`" for e in wrapping.TEXT_ENVELOPES]
    lines += [
        '- docker: the json-file driver, `{"log":"…","stream":"…","time":"…"}`',
        "",
    ]
    return "\n".join(lines)


def _rules() -> str:
    lines = ["## General rules for levels", "", "| rule | looks at | example | level |"]
    lines += ["|---|---|---|---|"]
    lines += [
        f"| {rule.name} | {rule.place.value} | `{_cell(rule.example)}` "
        f"| {rule.level.name} |"
        for rule in fallback.LEVEL_RULES
    ]
    lines += ["", "Where no rule finds a level, the status of an HTTP request counts:"]
    return "\n".join([*lines, "5xx is ERROR, 4xx is WARN, the rest INFO.", ""])


def _levels() -> str:
    lines = [
        "## Levels",
        "",
        "After OpenTelemetry, Logs Data Model, appendix B; CRITICAL, ALERT and",
        "EMERGENCY are FATAL here, NOTICE is INFO.",
        "",
        "| level | words |",
        "|---|---|",
    ]
    for level in list(Level)[:-1]:
        words = [word for word, of in levels.WORDS.items() if of is level]
        lines.append(f"| {level.name} | {' '.join(words)} |")
    return "\n".join([*lines, ""])


def _times() -> str:
    lines = ["## Times", "", "| form | example | in UTC |", "|---|---|---|"]
    lines += [f"| {form.name} | `{form.example}` | {form.at} |" for form in times.FORMS]
    lines += [
        "",
        "A missing year is the latest one in which the time is not more than a day",
        "ahead; a missing zone is `processor.timezone`.",
        "",
    ]
    return "\n".join(lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\t", "→").replace("\x1b", "␛")


if __name__ == "__main__":
    sys.stdout.write(markdown())
